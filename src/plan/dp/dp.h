/* dp: the best cuts into groups with all intervals inside resident (model, section 5). */
#ifndef PLAN_DP_DP_H
#define PLAN_DP_DP_H

#include "plan/planner.h"

planner_function plan_dp;           /* for traffic */
planner_function plan_dp_objective; /* for what the task names */

/*
 * The same with groups that begin where `starts` says (per step), which takes next to no time:
 * MBS_FEASIBLE.
 */
mbs_status plan_dp_from(mbs_plan *plan, const plan_task *task, const bool *starts,
                        mbs_error *error);

#endif
