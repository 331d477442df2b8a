/* dp for what the task names. */
#include "base/error.h"
#include "base/memory.h"
#include "plan/dp/dp.h"
#include "plan/dp/dp_range.h"
#include "plan/dp/strip_objective.h"

static mbs_status name_plan(mbs_plan *plan, const plan_task *task, mbs_error *error)
{
    if (task->objective == MBS_TRAFFIC)
        return MBS_OK;
    char *name = mem_strdup(task->objective == MBS_TIME     ? "dp-time"
                            : task->objective == MBS_ENERGY ? "dp-energy"
                                                            : "dp-weighted");
    if (name == NULL)
        return error_memory(error);
    mem_free(plan->planner_name);
    plan->planner_name = name;
    plan->objective = task->objective;
    return MBS_OK;
}

mbs_status plan_dp_from(mbs_plan *plan, const plan_task *task, const bool *starts, mbs_error *error)
{
    plan->outcome = MBS_FEASIBLE;
    mbs_status status = name_plan(plan, task, error);
    return status == MBS_OK ? dp_range_plan_cuts(plan, task, starts, error) : status;
}

/* Where time counts for nothing it still decides between equals, as it does for traffic. */
static mbs_status plan_quickest_of_least(mbs_plan *plan, const plan_task *task, mbs_error *error)
{
    mbs_status status = plan_dp(plan, task, error);
    plan->bound_bytes = 0; /* which is one of traffic */
    return status;
}

mbs_status plan_dp_objective(mbs_plan *plan, const plan_task *task, mbs_error *error)
{
    if (task->objective == MBS_TRAFFIC)
        return plan_dp(plan, task, error);
    if (!task->program->has_shapes)
        return error_set(error, MBS_ERR_ARGUMENT,
                         "time and energy need the shapes of a network, not of a plan file");
    mbs_status status = name_plan(plan, task, error);
    if (status != MBS_OK)
        return status;
    if (task->objective == MBS_WEIGHTED && task->weight == 0)
        return plan_quickest_of_least(plan, task, error);
    if (plan_has_strips(task))
        return plan_dp_strips_for(plan, task, error);
    plan->outcome = MBS_OPTIMAL;
    return dp_range_plan(plan, task, NULL, error);
}
