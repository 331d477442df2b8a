/* A walk from set to set of what is recomputed, by moves at random (model, section 10). */
#ifndef PLAN_RECOMPUTE_WALK_H
#define PLAN_RECOMPUTE_WALK_H

#include "plan/recompute/front.h"
#include "plan/recompute/state.h"

typedef struct recompute_walk {
    double limit; /* multiply-accumulates per sample that may be added in the end */
    double price; /* of one above the limit, in the objective, at the end */
    double slack; /* what a move may lose at first, as a share of the objective */
    uint64_t seed;
} recompute_walk;

/*
 * Walks from *state on: a move is made unless it loses more than a random part of what it may lose,
 * which falls to nothing. The state may add more than the limit, up to the model's max_macs, at a
 * price that rises. The states that it comes through go into `front`. Deterministic, unless the
 * task's watch ends it; takes at most about `work` step evaluations. MBS_ERR_MEMORY.
 */
mbs_status recompute_walk_from(recompute_state *state, const recompute_model *model,
                               const recompute_walk *walk, double work, recompute_front *front,
                               mbs_error *error);

#endif
