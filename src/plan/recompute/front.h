/* What a search for what to recompute came through: the best set within each limit. */
#ifndef PLAN_RECOMPUTE_FRONT_H
#define PLAN_RECOMPUTE_FRONT_H

#include "plan/recompute/state.h"

typedef struct recompute_found {
    double macs; /* that it adds, per sample */
    double objective;
    unsigned char *set; /* per layer */
    bool *starts;       /* as of recompute_starts */
} recompute_found;

/* Ascending in multiply-accumulates, and so descending in the objective. */
typedef struct recompute_front {
    recompute_found *found;
    int32_t count;
    int32_t capacity;
} recompute_front;

void recompute_front_free(recompute_front *front);

/* Takes the state in (copied), unless one that adds no more is no worse or the objective is not
 * known. MBS_ERR_MEMORY. */
mbs_status recompute_front_add(recompute_front *front, const recompute_state *state,
                               int32_t layer_count, mbs_error *error);

/* The same of one that is found, which is the front's then, or freed. */
mbs_status recompute_front_move(recompute_front *front, recompute_found *found, mbs_error *error);

/* The best that adds at most max_macs; null if there is none. Until the front changes. */
const recompute_found *recompute_front_best(const recompute_front *front, double max_macs);

#endif
