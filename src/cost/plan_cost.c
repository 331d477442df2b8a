/* What plans, and parts of them, cost in time and energy. */
#include "base/memory.h"
#include "cost/group_time.h"

/* Which of a plan's steps are summed up. */
typedef struct part {
    int phase;    /* of this phase; -1: of both */
    int32_t step; /* this one; -1: all */
} part;

static bool is_in(const mbs_plan *plan, part of, int32_t k)
{
    return (of.phase < 0 || (int)plan->program->steps[k].phase == of.phase) &&
           (of.step < 0 || of.step == k);
}

/* Of a group whose steps' costs are found together. */
static mbs_status add_group(mbs_cost *sum, const mbs_plan *plan, const mbs_hardware *hardware,
                            const mbs_group *group, part of)
{
    double scale;
    mbs_cost *costs = mem_calloc((size_t)(group->end - group->first), sizeof *costs);
    const bool done = costs != NULL && cost_add_group(costs, &scale, plan, hardware, group);
    for (int32_t k = group->first; done && k < group->end; k++)
        if (is_in(plan, of, k))
            cost_add(sum, &costs[k - group->first]);
    mem_free(costs);
    return done ? MBS_OK : MBS_ERR_MEMORY;
}

/* The part of groups [first, end). */
static mbs_status sum_groups(const mbs_plan *plan, const mbs_hardware *hardware, int32_t first,
                             int32_t end, part of, mbs_cost *cost)
{
    mbs_status status = MBS_OK;
    *cost = (mbs_cost){0};
    if (!plan->program->has_shapes)
        return MBS_ERR_ARGUMENT;
    for (int32_t g = first; g < end && status == MBS_OK; g++) {
        const mbs_group *group = &plan->groups[g];
        if (group->strips > 1 || hardware->overlap == MBS_OVERLAP_GROUP) {
            status = add_group(cost, plan, hardware, group, of);
            continue;
        }
        for (int32_t k = group->first; k < group->end; k++)
            if (is_in(plan, of, k))
                cost_add_step(cost, NULL, plan, hardware, group, k);
    }
    cost_finish(cost, hardware);
    return status;
}

mbs_status mbs_plan_cost(const mbs_plan *plan, const mbs_hardware *hardware, mbs_cost *cost)
{
    return sum_groups(plan, hardware, 0, plan->group_count, (part){-1, -1}, cost);
}

mbs_status mbs_plan_group_cost(const mbs_plan *plan, const mbs_hardware *hardware, size_t group,
                               mbs_cost *cost)
{
    if (group >= (size_t)plan->group_count)
        return MBS_ERR_ARGUMENT;
    return sum_groups(plan, hardware, (int32_t)group, (int32_t)group + 1, (part){-1, -1}, cost);
}

mbs_status mbs_plan_phase_cost(const mbs_plan *plan, const mbs_hardware *hardware, mbs_phase phase,
                               mbs_cost *cost)
{
    return sum_groups(plan, hardware, 0, plan->group_count, (part){(int)phase, -1}, cost);
}

mbs_status mbs_plan_step_cost(const mbs_plan *plan, const mbs_hardware *hardware, size_t step,
                              mbs_cost *cost)
{
    *cost = (mbs_cost){0};
    if (step >= (size_t)plan->program->step_count)
        return MBS_ERR_ARGUMENT;
    const int32_t g = plan_group_of(plan, (int32_t)step);
    return sum_groups(plan, hardware, g, g + 1, (part){-1, (int32_t)step}, cost);
}
