/* The search for what to recompute (model, section 10). */
#ifndef PLAN_RECOMPUTE_SEARCH_H
#define PLAN_RECOMPUTE_SEARCH_H

#include "plan/recompute/state.h"

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

#endif
