/* Reports for people: tables of networks and plans. */
#ifndef MBSOPT_REPORT_H
#define MBSOPT_REPORT_H

#include "mbsopt/plan.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mbs_report_options {
    int color;                    /* 1: with terminal colours */
    const mbs_plan *baseline;     /* compared with in the headline, or null */
    const mbs_plan *greedy;       /* the mbs2 plan, likewise */
    const mbs_hardware *hardware; /* times and energy are shown for it; or null */
    const mbs_plan *plain;        /* compared with what a plan that recomputes saves; or null */
} mbs_report_options;

/* A plan as a readable table. *text is owned by the caller (mbs_free). Errors: MBS_ERR_MEMORY. */
MBS_API mbs_status mbs_report_plan_table(char **text, const mbs_plan *plan,
                                         const mbs_report_options *options, mbs_error *error);

/*
 * The same for a plan made with integer programming (ilp, best, imported): the headline and a row
 * also compare it with `dp`, the plan of the planner dp, and the headline with `options->greedy`.
 */
MBS_API mbs_status mbs_report_exact_table(char **text, const mbs_plan *plan, const mbs_plan *dp,
                                          const mbs_report_options *options, mbs_error *error);

/*
 * The plan's steps with the rows that they work on (section 11) and how they read their operands'
 * rows ("window 7/2-3": 7 rows, every 2, from 3 before), as a table; "" of a plan loaded from a
 * file of version 1, which tells of none. As above.
 */
MBS_API mbs_status mbs_report_plan_rows(char **text, const mbs_plan *plan, int color,
                                        mbs_error *error);

/* What made the plan (mbs_plan_origin) as a line, or "" if the plan does not tell. As above. */
MBS_API mbs_status mbs_report_plan_origin(char **text, const mbs_plan *plan, mbs_error *error);

/* A plan's groups as CSV with a header line, one row per group. As above. */
MBS_API mbs_status mbs_report_plan_csv(char **text, const mbs_plan *plan, mbs_error *error);

/*
 * A network's layers (shape, parameters, bytes per sample, the smallest number of iterations the
 * layer's steps need in the hardware's buffer at mini-batch `batch`, or "passes") as a table. As
 * above; also MBS_ERR_ARGUMENT (no sample, or no byte of the buffer that is not reserved).
 */
MBS_API mbs_status mbs_report_network_table(char **text, const mbs_network *network,
                                            const mbs_program *program,
                                            const mbs_hardware *hardware, int64_t batch, int color,
                                            mbs_error *error);

/*
 * A machine's peaks (multiply-accumulates counted as two operations, bandwidth, and the balance of
 * the two), each member of its file and whether it is stated there or WaveCore's, as a table; the
 * last line has its digest (mbs_hardware_digest). As above.
 */
MBS_API mbs_status mbs_report_hardware_table(char **text, const mbs_hardware *hardware, int color,
                                             mbs_error *error);

#ifdef __cplusplus
}
#endif
#endif
