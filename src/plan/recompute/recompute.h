/* What to recompute: sets to choose from, and the best of them (model, section 10). */
#ifndef PLAN_RECOMPUTE_RECOMPUTE_H
#define PLAN_RECOMPUTE_RECOMPUTE_H

#include "network/network.h"
#include "plan/planner.h"

/* Sets by policy, and what auto finds without regard to DRAM, if that is limited. */
#define RECOMPUTE_FREE ((int)MBS_RECOMPUTE_COUNT)
#define RECOMPUTE_SETS (MBS_RECOMPUTE_COUNT + 1)

/* Sets of layers, each with what dp's plan for it comes to; what none recomputes is the first. */
typedef struct recompute_sets {
    unsigned char *set[RECOMPUTE_SETS]; /* null: it adds too much */
    double objective[RECOMPUTE_SETS];   /* of dp's plan, at most; infinite if that needs too much
                                           DRAM */
    bool *starts[RECOMPUTE_SETS];       /* per step of the set's program: a group of that plan
                                           begins there; null: there is no such plan */
    int best;                           /* the first of the least objective, auto if none fits */
    double plain_macs;                  /* per sample, of the program that recomputes none */
    double max_macs;
} recompute_sets;

/*
 * Finds the sets of all policies, auto being the outcome of the search; if `watch` ends it, of what
 * was searched, and an objective that was not found is infinite. With max_dram bytes (or
 * DRAM_UNLIMITED) auto is the best found for which they are enough, or if none is, the one that
 * needs least; with max_percent infinite the search ends at the lowest of its limits within which
 * one is. Free with recompute_sets_free in any case. Errors: as of mbs_plan_create.
 */
mbs_status recompute_find(recompute_sets *sets, const mbs_network *network,
                          const mbs_program_options *program_options, const mbs_hardware *hardware,
                          const mbs_plan_options *options, double max_percent, int64_t max_dram,
                          plan_watch *watch, mbs_error *error);
void recompute_sets_free(recompute_sets *sets);

/*
 * The program that recomputes nothing, its task, and the empty plan that comes with it; the
 * caller's, also on failure. Errors: as of mbs_program_create and plan_open.
 */
mbs_status recompute_open_plain(mbs_program **plain, mbs_plan **plan, plan_task *task,
                                const mbs_network *network, const mbs_program_options *options,
                                const mbs_hardware *hardware, const mbs_plan_options *plan_options,
                                mbs_error *error);

#endif
