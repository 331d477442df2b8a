/* The search for what to recompute (model, section 10). */
#ifndef PLAN_RECOMPUTE_SEARCH_H
#define PLAN_RECOMPUTE_SEARCH_H

#include "plan/recompute/state.h"

/* Growths of a group that the two searches may spend for each step of the program. */
#define FIRST_WORK  2e4
#define SECOND_WORK 5e4

/*
 * Improves *state, within the model's max_macs: moves that add no multiply-accumulates while any
 * gains, then those that gain most for each they add, then pairs of moves, one that gives some up
 * and one that uses them. What moves change is remembered until something near them changes.
 * Changes are looked at with `effort` at first, then closer, as far as the work allows.
 * Deterministic, unless the task's watch ends it; takes at most about `work` step evaluations.
 * MBS_ERR_MEMORY.
 */
mbs_status recompute_search(recompute_state *state, const recompute_model *model,
                            recompute_effort effort, double work, mbs_error *error);

/* The least that a state needs of DRAM of those that a search came through. */
typedef struct recompute_least {
    int64_t peak;
    unsigned char *set; /* null: there is none yet */
    bool *starts;       /* as of recompute_starts */
} recompute_least;

void recompute_least_free(recompute_least *least);

/*
 * Makes *state, which is above the model's max_dram, less so, by the moves that cost least for it,
 * until `enough` bytes of DRAM are enough, or none helps. With max_dram 0 the way is the same for
 * every `enough`. `least` (or null) is kept up to date. Work and errors as of recompute_search.
 */
mbs_status recompute_fit(recompute_state *state, const recompute_model *model, int64_t enough,
                         double work, recompute_least *least, mbs_error *error);

#endif
