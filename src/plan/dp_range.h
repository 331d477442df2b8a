/*
 * dp on a part of a program: the least objective of some consecutive steps over all their cuts into
 * groups. Groups' costs add up, so this is what a change within those steps can gain (section 10).
 */
#ifndef PLAN_DP_RANGE_H
#define PLAN_DP_RANGE_H

#include "plan/dp_emit.h"

/* Per cut first...end of the range, at [cut - first]: the least before it and its last group. */
typedef struct dp_range {
    double *best; /* bytes, seconds or joules, as the task's objective says */
    dp_choice *choice;
    int32_t capacity;
    int64_t grown;      /* how often a group grew by a step: the work done */
    const bool *starts; /* per cut, likewise: whether groups may begin there; null: anywhere */
} dp_range;

void dp_range_close(dp_range *range);

/*
 * Fills in `range` for steps [first, end): what dp finds for a program that ends and begins there.
 * For traffic dp.c is quicker on whole programs, for it does not look at every group. `list` is of
 * the task's batch. False if memory is out.
 */
bool dp_range_solve(dp_range *range, const plan_task *task, const candidates *list, int32_t first,
                    int32_t end);

/* The same for time or energy (dp_cost.c). */
bool dp_range_solve_cost(dp_range *range, const plan_task *task, const candidates *list,
                         int32_t first, int32_t end);

#endif
