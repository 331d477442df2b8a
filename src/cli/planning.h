/* The options of whoever plans one network: plan and export. */
#ifndef CLI_PLANNING_H
#define CLI_PLANNING_H

#include <mbsopt/mbsopt.h>
#include <stdbool.h>

#include "options.h"
#include "search.h"
#include "setup.h"

#define OPTION_PLANNER                                                                             \
    {                                                                                              \
        "planner", '\0', "NAME",                                                                   \
            "baseline, archopt, il, mbs-fs, mbs1, mbs2, dp, ilp, best (default)"                   \
    }
#define OPTION_NO_PIN                                                                              \
    {                                                                                              \
        "no-pin", '\0', NULL, "dp, ilp, best: keep no parameters in the buffer between iterations" \
    }
#define OPTION_NO_STREAM                                                                           \
    {                                                                                              \
        "no-stream", '\0', NULL, "dp, ilp, best: bring in whole sub-batches only"                  \
    }

#define OPTION_NO_STRIPS                                                                           \
    {                                                                                              \
        "no-strips", '\0', NULL, "dp, ilp, best: whole samples only, no strips of rows of one"     \
    }

/* The rows of what plans take beside the planner and the objective. */
#define OPTIONS_SEARCH                                                                             \
    OPTION_NO_PIN, OPTION_NO_STREAM, OPTION_NO_STRIPS, OPTION_IN_PLACE, OPTION_ORDER,              \
        OPTION_RECOMPUTE, OPTION_MAX_RECOMPUTE, OPTION_EFFORT, OPTION_MAX_DRAM, OPTION_TIME_LIMIT, \
        OPTION_WORK_LIMIT, OPTION_GAP

/* --planner, --in-place and --order; without them the options stay as they are. Says what is wrong;
 * returns the exit status, as all here. */
int planning_planner(mbs_plan_options *options, const arguments *given);

/* --objective or --weight, which are of the planners dp and best. */
int planning_objective(mbs_plan_options *options, const arguments *given);

/* --max-slowdown into *percent, to which *most then points; null without it. After the objective.
 */
int planning_slowdown(const double **most, double *percent, const mbs_plan_options *options,
                      const arguments *given);

/*
 * Reads --recompute and --max-recompute, after the planner: one that recomputes nothing plans the
 * plain program, and a note says so.
 */
int planning_recompute(mbs_recompute_options *recompute, const mbs_plan_options *options,
                       const arguments *given);

/*
 * The rest: batch, buffer (the hardware is then again what its file says) and flags, and, for
 * planners that plan a conventional training step, that it keeps its batch norms.
 */
void planning_finish(mbs_plan_options *options, setup *of, const arguments *given);

/*
 * All of the above in turn but --max-slowdown, for plans of `best` unless they are to be of another
 * planner. Neither *options nor *recompute need a value before.
 */
int planning_read(mbs_plan_options *options, mbs_recompute_options *recompute, setup *of,
                  const arguments *given);

/* The setup's network, which is loaded, for search_plan. */
search_again planning_again(const setup *of, mbs_recompute_options recompute);

/* Plans it, as read, and says how many of its batch norms are planned as group norms. */
mbs_status planning_network(mbs_plan **plan, const setup *of, mbs_recompute_options recompute,
                            const mbs_plan_options *options, mbs_error *error);

/*
 * The same network with 1 MiB more of buffer, by search_compared; *larger is null where sizes end
 * before that.
 */
mbs_status planning_larger(mbs_plan **larger, const search_again *again,
                           const mbs_hardware *hardware, const mbs_plan_options *options,
                           mbs_error *error);

/* Whether the plan may have strips of rows: then it is one of the network, not of one program. */
bool planning_has_strips(const mbs_plan_options *options);

/* Says so if a plan was made for a machine of other figures. */
void note_other_hardware(const mbs_plan *plan, const mbs_hardware *hardware);

/* Says once how many batch norms are planned as group norms. */
void note_replaced_norms(const mbs_program *program);

#endif
