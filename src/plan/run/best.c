#include "plan/run/best.h"

#include "base/error.h"
#include "base/memory.h"
#include "cost/traffic.h"
#include "plan/dp/dp.h"
#include "plan/exact/ilp.h"

/*
 * ilp starts from dp's plan and leaves it as it is unless it finds a better one. The name tells
 * whose word the plan is: dp's, or ilp's if it is better or ilp has proven that none is.
 */
mbs_status plan_best(mbs_plan *plan, const plan_task *task, mbs_error *error)
{
    mbs_status status = plan_ilp(plan, task, error);
    if (status != MBS_OK)
        return status;
    bool is_dp = plan->outcome != MBS_OPTIMAL && plan_count(plan).total == task->watch->dp_bytes;
    char *name = mem_strdup(is_dp ? "dp" : "ilp");
    if (name == NULL)
        return error_memory(error);
    mem_free(plan->planner_name);
    plan->planner_name = name;
    return MBS_OK;
}
