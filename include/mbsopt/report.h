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
    /* columns of a terminal that no line is wider than: columns of tables go and names are
     * shortened (none to another's form), other lines are broken at blanks. 0: all columns, rows of
     * up to 120 if shorter names can do that, other lines unbroken. Below 0: nothing is shortened
     */
    int width;
    const mbs_plan *quickest; /* told of where it takes less time than the plan; or null */
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
MBS_API mbs_status mbs_report_plan_rows(char **text, const mbs_plan *plan,
                                        const mbs_report_options *options, mbs_error *error);

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

/* The same with the colours and the width of `options`, which may be null. */
MBS_API mbs_status mbs_report_layers(char **text, const mbs_network *network,
                                     const mbs_program *program, const mbs_hardware *hardware,
                                     int64_t batch, const mbs_report_options *options,
                                     mbs_error *error);

/*
 * A machine's peaks (multiply-accumulates counted as two operations, bandwidth, and the balance of
 * the two), each member of its file and whether it is stated there or WaveCore's, as a table; the
 * last line has its digest (mbs_hardware_digest). As above.
 */
MBS_API mbs_status mbs_report_hardware_table(char **text, const mbs_hardware *hardware,
                                             const mbs_report_options *options, mbs_error *error);

/* A column of mbs_report_table. */
typedef struct mbs_table_column {
    const char *head[2]; /* two lines above the column; null: none */
    int right;           /* 1: aligned right */
    int shortens;        /* 1: where rows get too wide long cells lose their middle */
    int rank;            /* where that does not do the columns of the highest go; 0: stays */
    const char *name;    /* in the line that says which columns went; null: its heads */
} mbs_table_column;

/*
 * A table of the caller's cells, row by row (null: empty; a row that begins with null is a line
 * across), made safe for terminals, with colours and width of `options`, which may be null. As
 * above; also MBS_ERR_ARGUMENT (no column, or more than 20).
 */
MBS_API mbs_status mbs_report_table(char **text, const mbs_table_column *columns,
                                    size_t column_count, const char *const *cells, size_t row_count,
                                    const mbs_report_options *options, mbs_error *error);

/*
 * `string`, UTF-8 that may have terminal colours, with its lines broken at blanks to be no wider
 * than `width` (0 or less: as they are). What was broken off goes below the text behind the line's
 * first gap of two blanks or more, or else is indented by `indent` more than the line. As above.
 */
MBS_API mbs_status mbs_report_wrapped(char **text, const char *string, int indent, int width,
                                      mbs_error *error);

#ifdef __cplusplus
}
#endif
#endif
