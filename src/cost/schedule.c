#include "cost/schedule.h"

#include <string.h>

#include "base/memory.h"
#include "cost/footprint.h"
#include "cost/traffic.h"

/* Zeroed memory for `count` elements, at least one so that null always means failure. */
static void *allocate(int32_t count, size_t element)
{
    return mem_calloc(count > 0 ? (size_t)count : 1, element);
}

mbs_plan *plan_allocate(const mbs_program *program, const char *planner_name)
{
    mbs_plan *plan = mem_calloc(1, sizeof *plan);
    if (plan == NULL)
        return NULL;
    plan->program = program;
    plan->double_buffered = true;
    plan->planner_name = mem_strdup(planner_name);
    plan->groups = allocate(program->step_count, sizeof *plan->groups);
    plan->resident = allocate(program->touch_count, sizeof *plan->resident);
    plan->mode = allocate(program->step_count, sizeof *plan->mode);
    plan->pinned_weight = allocate(program->step_count, sizeof *plan->pinned_weight);
    plan->pinned_accumulator = allocate(program->step_count, sizeof *plan->pinned_accumulator);
    if (plan->planner_name == NULL || plan->groups == NULL || plan->resident == NULL ||
        plan->mode == NULL || plan->pinned_weight == NULL || plan->pinned_accumulator == NULL) {
        mbs_plan_free(plan);
        return NULL;
    }
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

void mbs_plan_free(mbs_plan *plan)
{
    if (plan == NULL)
        return;
    mem_free(plan->planner_name);
    mem_free(plan->groups);
    mem_free(plan->resident);
    mem_free(plan->mode);
    mem_free(plan->pinned_weight);
    mem_free(plan->pinned_accumulator);
    mbs_program_free(plan->owned_program);
    mem_free(plan);
}

const mbs_program *mbs_plan_program(const mbs_plan *plan)
{
    return plan->program;
}

const char *mbs_plan_planner_name(const mbs_plan *plan)
{
    return plan->planner_name;
}

mbs_outcome mbs_plan_outcome(const mbs_plan *plan)
{
    return plan->outcome;
}

const char *mbs_outcome_name(mbs_outcome outcome)
{
    static const char *const names[] = {"optimal", "feasible", "heuristic"};
    return (unsigned)outcome < 3 ? names[outcome] : NULL;
}

int64_t mbs_plan_batch(const mbs_plan *plan)
{
    return plan->batch;
}

int64_t mbs_plan_buffer_bytes(const mbs_plan *plan)
{
    return plan->buffer_bytes;
}

int64_t mbs_plan_bound_bytes(const mbs_plan *plan)
{
    return plan->bound_bytes;
}

void mbs_plan_traffic(const mbs_plan *plan, mbs_traffic *traffic)
{
    *traffic = plan->traffic;
}

size_t mbs_plan_group_count(const mbs_plan *plan)
{
    return (size_t)plan->group_count;
}

mbs_status mbs_plan_group(const mbs_plan *plan, size_t index, mbs_group_info *info)
{
    if (index >= (size_t)plan->group_count)
        return MBS_ERR_ARGUMENT;
    const mbs_group *group = &plan->groups[index];
    *info = (mbs_group_info){
        .first = (size_t)group->first,
        .last = (size_t)group->end - 1,
        .iterations = group->iterations,
        .sub_batch = group->sub_batch,
        .passes = group->passes,
        .peak_bytes = group->peak_bytes,
        .pinned_bytes = plan_pinned_bytes(plan, group->first, group->end),
    };
    return MBS_OK;
}

mbs_status mbs_plan_group_traffic(const mbs_plan *plan, size_t index, mbs_traffic *traffic)
{
    if (index >= (size_t)plan->group_count)
        return MBS_ERR_ARGUMENT;
    *traffic = plan_count_group(plan, &plan->groups[index]);
    return MBS_OK;
}

mbs_status mbs_plan_step_mode(const mbs_plan *plan, size_t step, mbs_mode *mode)
{
    if (step >= (size_t)plan->program->step_count)
        return MBS_ERR_ARGUMENT;
    *mode = plan->mode[step];
    return MBS_OK;
}
