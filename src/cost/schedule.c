#include "cost/schedule.h"

#include "base/memory.h"

mbs_plan *plan_allocate(const mbs_program *program, const char *planner_name)
{
    mbs_plan *plan = mem_calloc(1, sizeof *plan);
    if (plan == NULL)
        return NULL;
    plan->program = program;
    plan->double_buffered = true;
    plan->planner_name = mem_strdup(planner_name);
    plan->groups = mem_zeroed(program->step_count, sizeof *plan->groups);
    plan->resident = mem_zeroed(program->touch_count, sizeof *plan->resident);
    plan->over = mem_alloc(((size_t)program->step_count + 1) * sizeof *plan->over);
    plan->mode = mem_zeroed(program->step_count, sizeof *plan->mode);
    plan->pinned_weight = mem_zeroed(program->step_count, sizeof *plan->pinned_weight);
    plan->pinned_accumulator = mem_zeroed(program->step_count, sizeof *plan->pinned_accumulator);
    if (plan->planner_name == NULL || plan->groups == NULL || plan->resident == NULL ||
        plan->mode == NULL || plan->over == NULL || plan->pinned_weight == NULL ||
        plan->pinned_accumulator == NULL) {
        mbs_plan_free(plan);
        return NULL;
    }
    for (int32_t k = 0; k < program->step_count; k++)
        plan->over[k] = -1;
    return plan;
}

mbs_plan *plan_allocate_like(const mbs_plan *other, const char *planner_name)
{
    mbs_plan *plan = plan_allocate(other->program, planner_name);
    if (plan == NULL)
        return NULL;
    plan->batch = other->batch;
    plan->buffer_bytes = other->buffer_bytes;
    plan->reserved_bytes = other->reserved_bytes;
    plan->norm_passes = other->norm_passes;
    plan->double_buffered = other->double_buffered;
    return plan;
}

static void take_choices(mbs_plan *to, const mbs_plan *from)
{
    to->groups = from->groups;
    to->group_count = from->group_count;
    to->resident = from->resident;
    to->mode = from->mode;
    to->over = from->over;
    to->pinned_weight = from->pinned_weight;
    to->pinned_accumulator = from->pinned_accumulator;
}

void plan_exchange_choices(mbs_plan *plan, mbs_plan *other)
{
    const mbs_plan before = *plan;
    take_choices(plan, other);
    take_choices(other, &before);
}

int32_t plan_group_of(const mbs_plan *plan, int32_t k)
{
    int32_t first = 0;
    int32_t last = plan->group_count - 1;
    while (first < last) {
        const int32_t middle = first + (last - first) / 2;
        if (plan->groups[middle].end <= k)
            first = middle + 1;
        else
            last = middle;
    }
    return first;
}

void mbs_plan_free(mbs_plan *plan)
{
    if (plan == NULL)
        return;
    mem_free(plan->planner_name);
    plan_origin_free(&plan->origin);
    mem_free(plan->groups);
    mem_free(plan->resident);
    mem_free(plan->mode);
    mem_free(plan->over);
    mem_free(plan->pinned_weight);
    mem_free(plan->pinned_accumulator);
    mbs_program_free(plan->owned_program);
    mem_free(plan);
}
