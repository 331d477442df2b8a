/* dp for time or energy on a split program, where groups may push strips (model, section 11). */
#ifndef PLAN_DP_STRIP_OBJECTIVE_H
#define PLAN_DP_STRIP_OBJECTIVE_H

#include "plan/planner.h"

/*
 * Takes the plan of least traffic with strips, gives each of its strip groups the T that is best
 * for the objective, and sets beside it the best plan of whole samples whose groups begin where
 * those of the former do, or anywhere in what it does in strips. Wherever both begin a group the
 * plan may pass from one to the other, which is done as is best. No better plan of strips is ruled
 * out: MBS_HEURISTIC. Errors: MBS_ERR_MEMORY, MBS_ERR_STOPPED.
 */
mbs_status plan_dp_strips_for(mbs_plan *plan, const plan_task *task, mbs_error *error);

#endif
