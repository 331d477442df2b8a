/* What to recompute: sets to choose from, and the best of them (model, section 10). */
#ifndef PLAN_RECOMPUTE_RECOMPUTE_H
#define PLAN_RECOMPUTE_RECOMPUTE_H

#include "network/network.h"
#include "plan/planner.h"
#include "plan/recompute/sets.h"

/* What is asked for of auto. */
typedef struct recompute_request {
    double max_percent;
    int64_t max_dram; /* or DRAM_UNLIMITED */
    int effort;       /* at least 1 */
} recompute_request;

/*
 * Finds the sets of all policies, auto being the outcome of the search; if `watch` ends it, of what
 * was searched, and an objective that was not found is infinite. With max_dram bytes auto is the
 * best found for which they are enough, or if none is, the one that needs least; with max_percent
 * infinite the search ends at the lowest of its limits within which one is. Without, all that is in
 * the list for less max_percent or effort is in it, or an auto that is better. Free with
 * recompute_sets_free in any case. Errors: as of mbs_plan_create.
 */
mbs_status recompute_find(recompute_sets *sets, const mbs_network *network,
                          const mbs_program_options *program_options, const mbs_hardware *hardware,
                          const mbs_plan_options *options, const recompute_request *request,
                          plan_watch *watch, mbs_error *error);

/*
 * The program that recomputes nothing, its task, and the empty plan that comes with it; the
 * caller's, also on failure. Errors: as of mbs_program_create and plan_open.
 */
mbs_status recompute_open_plain(mbs_program **plain, mbs_plan **plan, plan_task *task,
                                const mbs_network *network, const mbs_program_options *options,
                                const mbs_hardware *hardware, const mbs_plan_options *plan_options,
                                mbs_error *error);

#endif
