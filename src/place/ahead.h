/* Operands of a layout where what comes from DRAM may come the earliest. */
#ifndef PLACE_AHEAD_H
#define PLACE_AHEAD_H

#include "place/layout.h"
#include "plan/watch.h"

/*
 * Moves operands, in the order of the steps, to where what comes from DRAM may come the earliest
 * and results wait the least for those that are on their way to it. Nothing overlaps, or is outside
 * the buffer, that was not before. Deterministic. `limits`, unless null, is where
 * each group's operands must end. `watch` (or null) may end it. Errors: MBS_ERR_MEMORY,
 * MBS_ERR_STOPPED.
 */
mbs_status layout_bring_forward(buffer_layout *layout, const mbs_plan *plan, const int64_t *limits,
                                plan_watch *watch, mbs_error *error);

#endif
