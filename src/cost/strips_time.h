/* Time and energy of strip groups (model, section 11, Time). */
#ifndef COST_STRIPS_TIME_H
#define COST_STRIPS_TIME_H

#include "cost/time.h"

/*
 * Adds to costs[k - first] all strips of all samples of step k, for each step of a group with
 * strips > 1; cost_finish is the caller's. O(touches · strips). False if memory is out.
 */
bool cost_add_strips(mbs_cost *costs, const mbs_plan *plan, const mbs_hardware *hardware,
                     const mbs_group *group);

#endif
