#include "plan/dp/strip_objective.h"

#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "cost/strips.h"
#include "mbsopt/cost.h"
#include "plan/dp/dp.h"
#include "plan/dp/dp_range.h"
#include "plan/groups.h"

/* A way to a cut: the least of the objective before it, and the group it ends with. */
typedef struct way {
    double least;
    const mbs_plan *plan;
    int32_t group;
    int32_t next; /* on the best way to the end: where the group after this cut ends */
} way;

static mbs_status group_objective(double *result, const mbs_plan *plan, const plan_task *task,
                                  int32_t group)
{
    mbs_cost cost;
    mbs_status status = mbs_plan_group_cost(plan, task->hardware, (size_t)group, &cost);
    *result = plan_objective_of(task->objective, task->weight, &cost);
    return status;
}

/* Gives the plan's last group, which pushes strips, the T that is best for the objective. */
static mbs_status choose_strips(mbs_plan *plan, const plan_task *task, mbs_error *error)
{
    const int32_t last = plan->group_count - 1;
    mbs_group *group = &plan->groups[last];
    int64_t best_strips = group->strips;
    double best;
    bool fits;
    mbs_status status = MBS_OK;
    if (group_objective(&best, plan, task, last) != MBS_OK)
        return error_memory(error);
    const int64_t tallest = strips_tallest(plan->program, group->first, group->end);
    for (int64_t strips = tallest; strips > 1 && status == MBS_OK; strips = ceil_div(strips, 2)) {
        double value;
        if (strips > MBS_MAX_STRIPS)
            continue;
        status = group_set_strips(plan, task, group, strips, &fits, error);
        if (status != MBS_OK || !fits)
            continue;
        if (group_objective(&value, plan, task, last) != MBS_OK)
            return error_memory(error);
        if (value <= best) { /* of equals the fewer strips */
            best = value;
            best_strips = strips;
        }
    }
    return status == MBS_OK ? group_set_strips(plan, task, group, best_strips, &fits, error)
                            : status;
}

/* The plan of least traffic with strips, its strip groups as is best for the objective. */
static mbs_status plan_strips(mbs_plan *plan, const plan_task *task, mbs_error *error)
{
    plan_task traffic = *task;
    traffic.objective = MBS_TRAFFIC;
    mbs_plan *least = plan_allocate_like(plan, "dp");
    if (least == NULL)
        return error_memory(error);
    mbs_status status = plan_dp(least, &traffic, error);
    for (int32_t g = 0; status == MBS_OK && g < least->group_count; g++)
        if (plan_copy_group(plan, least, g)->strips > 1)
            status = choose_strips(plan, task, error);
    mbs_plan_free(least);
    return status;
}

/* Lets the ways go on with the plan's group that begins at `cut`, if there is one. */
static mbs_status extend(way *ways, const mbs_plan *plan, const plan_task *task, int32_t *next,
                         int32_t cut)
{
    if (*next == plan->group_count || plan->groups[*next].first != cut)
        return MBS_OK;
    const int32_t group = (*next)++;
    const int32_t end = plan->groups[group].end;
    double value;
    if (isinf(ways[cut].least))
        return MBS_OK;
    mbs_status status = group_objective(&value, plan, task, group);
    if (status == MBS_OK && ways[cut].least + value < ways[end].least)
        ways[end] = (way){ways[cut].least + value, plan, group, 0};
    return status;
}

/* The best way from cut to cut with groups of either plan. */
static mbs_status join(mbs_plan *plan, const mbs_plan *whole, const mbs_plan *strips,
                       const plan_task *task, way *ways, mbs_error *error)
{
    const int32_t steps = plan->program->step_count;
    int32_t next_whole = 0;
    int32_t next_strips = 0;
    for (int32_t cut = 1; cut <= steps; cut++)
        ways[cut].least = INFINITY;
    for (int32_t cut = 0; cut < steps; cut++)
        if (extend(ways, whole, task, &next_whole, cut) != MBS_OK ||
            extend(ways, strips, task, &next_strips, cut) != MBS_OK)
            return error_memory(error);
    for (int32_t cut = steps; cut > 0;) {
        const int32_t first = ways[cut].plan->groups[ways[cut].group].first;
        ways[first].next = cut;
        cut = first;
    }
    for (int32_t cut = ways[0].next; cut > 0; cut = cut < steps ? ways[cut].next : 0)
        plan_copy_group(plan, ways[cut].plan, ways[cut].group);
    return MBS_OK;
}

/* The plan of whole samples. */
static mbs_status plan_whole(mbs_plan *plan, const mbs_plan *strips, const plan_task *task,
                             mbs_error *error)
{
    bool *starts = mem_calloc((size_t)plan->program->step_count + 1, sizeof *starts);
    if (starts == NULL)
        return error_memory(error);
    for (int32_t g = 0; g < strips->group_count; g++) {
        const mbs_group *group = &strips->groups[g];
        const int32_t end = group->strips > 1 ? group->end : group->first + 1;
        for (int32_t k = group->first; k < end; k++)
            starts[k] = true;
    }
    mbs_status status = dp_range_plan(plan, task, starts, error);
    mem_free(starts);
    return status;
}

mbs_status plan_dp_strips_for(mbs_plan *plan, const plan_task *task, mbs_error *error)
{
    mbs_plan *strips = plan_allocate_like(plan, "dp");
    mbs_plan *whole = plan_allocate_like(plan, "dp");
    way *ways = mem_calloc((size_t)plan->program->step_count + 1, sizeof *ways);
    mbs_status status =
        strips == NULL || whole == NULL || ways == NULL ? error_memory(error) : MBS_OK;
    if (status == MBS_OK)
        status = plan_strips(strips, task, error);
    if (status == MBS_OK)
        status = plan_whole(whole, strips, task, error);
    if (status == MBS_OK)
        status = join(plan, whole, strips, task, ways, error);
    plan->outcome = MBS_HEURISTIC;
    mem_free(ways);
    mbs_plan_free(whole);
    mbs_plan_free(strips);
    return status;
}
