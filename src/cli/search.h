/* What planners search for, and the ilp search as seen from the terminal: limits, progress, Ctrl-C.
 */
#ifndef CLI_SEARCH_H
#define CLI_SEARCH_H

#include <mbsopt/mbsopt.h>

#include "lists.h"
#include "options.h"

/* Rows of a command's option table. */
#define OPTION_TIME_LIMIT                                                                          \
    {                                                                                              \
        "time-limit", '\0', "S", "ilp, best: stop after S seconds, not after so much work"         \
    }
#define OPTION_WORK_LIMIT                                                                          \
    {                                                                                              \
        "work-limit", '\0', "UNITS",                                                               \
            "ilp, best: of about a second each, but counted (default: 60, 1)"                      \
    }
#define OPTION_IN_PLACE                                                                            \
    {                                                                                              \
        "in-place", '\0', NULL,                                                                    \
            "dp, ilp, best: elementwise steps may write over what they read last"                  \
    }
#define OPTION_ORDER                                                                               \
    {                                                                                              \
        "order", '\0', "auto|given|search",                                                        \
            "of steps: the network's or not; auto: best looks for one"                             \
    }
#define OPTION_GAP                                                                                 \
    {                                                                                              \
        "gap", '\0', "PERCENT", "ilp, best: stop when proven this near (default: 0)"               \
    }

#define OPTION_OBJECTIVE                                                                           \
    {                                                                                              \
        "objective", '\0', "traffic|time|energy", "what dp and best minimise (default: traffic)"   \
    }

#define OPTION_WEIGHT                                                                              \
    {                                                                                              \
        "weight", '\0', "GB/S", "dp, best: least of traffic and time, a second worth so many GB"   \
    }
#define OPTION_MAX_SLOWDOWN                                                                        \
    {                                                                                              \
        "max-slowdown", '\0', "PERCENT",                                                           \
            "dp, best: the least traffic of plans so much slower than baseline"                    \
    }

#define OPTION_RECOMPUTE                                                                           \
    {                                                                                              \
        "recompute", '\0', "POLICY",                                                               \
            "mbs2, dp, ilp, best: none (default), activations, expand, auto"                       \
    }
#define OPTION_MAX_RECOMPUTE                                                                       \
    {                                                                                              \
        "max-recompute", '\0', "PERCENT",                                                          \
            "auto: the most multiply-accumulates to add (default: 10)"                             \
    }
#define OPTION_EFFORT                                                                              \
    {                                                                                              \
        "effort", '\0', "N", "auto: search about N times as long (default: 1)"                     \
    }
#define OPTION_MAX_DRAM                                                                            \
    {                                                                                              \
        "max-dram", '\0', "SIZE", "recompute until so much DRAM is enough for what must be in it"  \
    }

/*
 * Reads a number with digits and a point alone, from 0 to `maximum`, if the option is given. `unit`
 * ends what is said of another; returns the exit status.
 */
int search_decimal(double *result, const arguments *given, const char *name, double maximum,
                   const char *unit);

/* --work-limit as the planner takes it: it is of ilp and best. */
double search_work_limit(mbs_planner planner, double asked);

/* Reads --weight, with which the objective is MBS_WEIGHTED. Says what is wrong; returns the exit
 * status.
 */
int search_weight(mbs_plan_options *result, const arguments *given);

/* Reads --max-slowdown. The same. */
int search_slowdown(double *percent, const arguments *given);

/* Reads --recompute, --max-recompute, --effort and --max-dram, with which the defaults are auto and
 * no limit of what is added. Says what is wrong; returns the exit status. */
int search_recompute(mbs_recompute_options *result, const arguments *given);

/* A network to plan by mbs_plan_network, and what plan options do not say of it. */
typedef struct search_again {
    const mbs_network *network;
    bool inference;
    bool keep_batch_norm;
    mbs_recompute_options recompute;
    const double *max_slowdown; /* in percent; null: none */
    mbs_optimizer optimizer;
} search_again;

/* Programs with the machine's word sizes. */
mbs_program_options search_program_options(const mbs_hardware *hardware, int inference,
                                           mbs_optimizer optimizer, int keep_batch_norm);

/* Both as mbs_plan_network takes them. */
mbs_options search_network_options(const search_again *again, const mbs_plan_options *options);

/* Reads --objective; says what is wrong and returns false if it is none. */
bool search_objective(mbs_objective *result, const arguments *given);

/* The same for a list of planners, in which dp or best must be if it is not traffic; returns the
 * exit status.
 */
int search_objective_of(mbs_objective *result, const planner_list *planners,
                        const arguments *given);

/*
 * Reads --in-place, which is of the planners dp, ilp and best: one of the list must be. Says what
 * is wrong; returns the exit status.
 */
int search_in_place(int *result, const planner_list *planners, const arguments *given);

/* Reads --order, of the same planners. The same. */
int search_order(mbs_order *result, const planner_list *planners, const arguments *given);

/* What that comes to for the planner: MBS_ORDER_GIVEN if it has no say. */
mbs_order search_order_of(mbs_order asked, mbs_planner planner);

/* Whether plans of the planner are for the objective: those of dp and best. */
bool search_heeds_objective(mbs_planner planner);

/* "traffic", "time" or "energy". */
const char *objective_name(mbs_objective objective);

/* Reads the limits. Says what is wrong; returns the exit status. */
int search_options(mbs_plan_options *result, const arguments *given);

/* For whoever calls the library for several plans: shows progress as search_plan does; a signal
 * that is caught ends it. */
int search_progress(const mbs_progress *progress, void *context);

/*
 * Plans with `options`: the program, or if `again` is not null, the network that it says. Progress
 * is shown on standard error if that is a terminal. SIGINT or SIGTERM ends the search of ilp, and
 * for what to recompute, with the best plan so far; a second one ends the program. Where the caller
 * catches signals (signals.h) they end the other planners with MBS_ERR_STOPPED.
 */
mbs_status search_plan(mbs_plan **plan, const mbs_program *program, const search_again *again,
                       const mbs_hardware *hardware, const mbs_plan_options *options,
                       mbs_error *error);

/*
 * The same for a plan to compare another with: *plan is null once an interrupt has ended the search
 * for that.
 */
mbs_status search_compared(mbs_plan **plan, const mbs_program *program, const search_again *again,
                           const mbs_hardware *hardware, const mbs_plan_options *options,
                           mbs_error *error);

#endif
