/* Capacities that footprints can reach at all (docs/exact.md). */
#ifndef PLAN_TIGHT_H
#define PLAN_TIGHT_H

#include "plan/lagrange.h"

/*
 * Sets l->tight: for each candidate and step the largest footprint up to the capacity that the step
 * can have in a group within one phase, or the capacity where that is not known (many tensors cross
 * it, or bytes may be pinned, which fill whatever is left). MBS_ERR_MEMORY.
 */
mbs_status tight_capacities(lagrange *l, mbs_error *error);

#endif
