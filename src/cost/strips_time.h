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

/*
 * The part of `whole` that a step's first n of `rows` rows have of it, 0 <= n <= rows; of all of
 * them all. So rows a to b have what the first b have less what the first a have.
 */
int64_t cost_row_share(int64_t whole, int64_t n, int64_t rows);

/* What step k of a strip group computes of a sample from its first `before` to its first `after`
 * rows. */
step_work cost_row_work(const mbs_plan *plan, const mbs_hardware *hardware, int32_t k,
                        int64_t before, int64_t after);

#endif
