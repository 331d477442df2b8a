/* Capacities that footprints can reach at all (docs/exact.md). */
#ifndef PLAN_EXACT_TIGHT_H
#define PLAN_EXACT_TIGHT_H

#include "plan/exact/relaxation.h"

/*
 * Sets l->tight: for each candidate and step the largest footprint up to the capacity that the step
 * can have in a group within one phase, or the capacity where that is not known (many tensors cross
 * it, or bytes may be pinned, which fill whatever is left). MBS_ERR_MEMORY.
 */
mbs_status tight_capacities(lagrange *l, mbs_error *error);

/*
 * Steps whose own intervals alone count: a group of the candidate within them can hold no other
 * tensor, so that its footprints may be known although it is of both phases.
 */
typedef struct tight_window {
    int32_t candidate;
    int32_t first; /* steps [first, end) */
    int32_t end;
    int64_t *capacity; /* what stands in l->tight otherwise */
} tight_window;

/*
 * Puts the capacities of the window in place, for lagrange_is_tight: one window at a time.
 * MBS_ERR_MEMORY, and then nothing is to be closed.
 */
mbs_status tight_open(tight_window *window, lagrange *l, int32_t candidate, int32_t first,
                      int32_t end, mbs_error *error);
void tight_close(tight_window *window, lagrange *l);

#endif
