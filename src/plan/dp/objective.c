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

/*
 * A weight with which all the time that dp's plan of least traffic takes is worth half a byte: what
 * is best by it is the quickest of the plans of least traffic.
 */
static mbs_status weigh_ties(plan_task *task, const mbs_plan *like, mbs_error *error)
{
    mbs_cost cost;
    mbs_plan *least = plan_allocate_like(like, "dp");
    if (least == NULL)
        return error_memory(error);
    task->objective = MBS_TRAFFIC;
    mbs_status status = plan_dp(least, task, error);
    task->objective = MBS_WEIGHTED;
    if (status == MBS_OK && mbs_plan_cost(least, task->hardware, &cost) != MBS_OK)
        status = error_memory(error);
    if (status == MBS_OK && cost.time_s > 0)
        task->weight = 0.5 / cost.time_s;
    mbs_plan_free(least);
    return status;
}

mbs_status plan_dp_objective(mbs_plan *plan, const plan_task *task, mbs_error *error)
{
    if (task->objective == MBS_TRAFFIC)
        return plan_dp(plan, task, error);
    if (!task->program->has_shapes)
        return error_set(error, MBS_ERR_ARGUMENT,
                         "time and energy need the shapes of a network, not of a plan file");
    plan_task weighed = *task;
    mbs_status status = name_plan(plan, task, error);
    if (status == MBS_OK && task->objective == MBS_WEIGHTED && task->weight == 0)
        status = weigh_ties(&weighed, plan, error);
    if (status != MBS_OK)
        return status;
    if (plan_has_strips(task))
        return plan_dp_strips_for(plan, &weighed, error);
    plan->outcome = MBS_OPTIMAL;
    return dp_range_plan(plan, &weighed, NULL, error);
}
