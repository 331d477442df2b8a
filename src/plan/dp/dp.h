/*
 * dp: the best cuts into groups with all intervals inside resident (model, section 5).
 *
 * Two engines do it, with one kind of group (dp_span), of choice and of plan made of them
 * (dp_emit). dp.c is for traffic and whole programs: what all starts have moved so far is kept for
 * all of them at once, so that it looks at few. dp_range.c is for any objective and any steps
 * [first, end), as recompute's search needs it by the thousand; it ends early below a limit, but
 * looks at every start. It finds the same for traffic, in 5.4 ms instead of 1.4 for ResNet-50, 59
 * instead of 5.7 for ResNet-152, 14 s instead of 0.11 for a chain of 22 991 steps: so they are not
 * one.
 */
#ifndef PLAN_DP_DP_H
#define PLAN_DP_DP_H

#include "plan/planner.h"

planner_function plan_dp;           /* for traffic */
planner_function plan_dp_objective; /* for what the task names */

/*
 * The same with groups that begin where `starts` says (per step) and nowhere else, which takes next
 * to no time: MBS_FEASIBLE. Errors: MBS_ERR_MEMORY, MBS_ERR_NO_PLAN (one of them does not fit).
 */
mbs_status plan_dp_from(mbs_plan *plan, const plan_task *task, const bool *starts,
                        mbs_error *error);

#endif
