/* Time and energy of groups, of which iterations may overlap (model, section 7). */
#ifndef COST_GROUP_TIME_H
#define COST_GROUP_TIME_H

#include "cost/time.h"

/*
 * What a group takes whose iterations overlap (MBS_OVERLAP_GROUP): the first as if it were alone,
 * and beyond that what the busiest of array, vector unit and DRAM has to do in the others. `all` is
 * the sum over its steps and iterations, `first` that over the first iteration; either counts each
 * execution's time as under MBS_OVERLAP_STEP.
 */
double cost_overlapped_s(const mbs_cost *all, const mbs_cost *first, const mbs_hardware *hardware);

/*
 * Adds to costs[k - first], all 0, all that step k of the group does, whether it pushes whole
 * samples or strips. Where iterations overlap each step has the share of the group's time that it
 * would take of it if they did not; *scale, 1 else, is this against that. cost_finish is the
 * caller's. O(touches of the group), of strips O(touches · strips). False if memory is out.
 */
bool cost_add_group(mbs_cost *costs, double *scale, const mbs_plan *plan,
                    const mbs_hardware *hardware, const mbs_group *group);

/* Adds all sums of `more`, energy apart. */
void cost_add(mbs_cost *sum, const mbs_cost *more);

#endif
