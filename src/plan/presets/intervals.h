/* Which intervals a greedy planner may keep in the buffer. */
#ifndef PLAN_PRESETS_INTERVALS_H
#define PLAN_PRESETS_INTERVALS_H

#include "plan/planner.h"

/*
 * Marks in `allowed` (per touch, the interval that begins there) the intervals within one phase
 * and, if `adjacent_only`, only those whose steps strictly between belong to the layer at either
 * end. MBS_ERR_MEMORY.
 */
mbs_status intervals_within_phases(bool *allowed, const mbs_program *program, bool adjacent_only,
                                   mbs_error *error);

/* Takes away the intervals that touch or span a step marked in `cut`. MBS_ERR_MEMORY. */
mbs_status intervals_avoid(bool *allowed, const mbs_program *program, const bool *cut,
                           mbs_error *error);

#endif
