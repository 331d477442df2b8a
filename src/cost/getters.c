/* Plans as seen from outside. */
#include "base/checked.h"
#include "cost/footprint.h"
#include "cost/traffic.h"

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

mbs_objective mbs_plan_objective(const mbs_plan *plan)
{
    return plan->objective;
}

const char *mbs_objective_name(mbs_objective objective)
{
    static const char *const names[] = {"traffic", "time", "energy", "weighted"};
    return (unsigned)objective < MBS_OBJECTIVE_COUNT ? names[objective] : NULL;
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

int64_t mbs_plan_given_bytes(const mbs_plan *plan)
{
    return plan->given_bytes;
}

int64_t mbs_plan_given_bound_bytes(const mbs_plan *plan)
{
    return plan->given_bound_bytes;
}

void mbs_plan_traffic(const mbs_plan *plan, mbs_traffic *traffic)
{
    *traffic = plan->traffic;
}

/* A class of traffic for so many cores, added to the total; false: more than 64 bits. */
static bool add_class(int64_t *to, int64_t *total, int64_t bytes, int64_t cores)
{
    return checked_mul(bytes, cores, to) && checked_add(*total, *to, total);
}

/* What `cores` cores move: activations each, all else `times` as often as one. */
static bool count_chip(mbs_traffic *to, const mbs_traffic *core, int64_t cores, int64_t times)
{
    *to = (mbs_traffic){0};
    return add_class(&to->activation_read, &to->total, core->activation_read, cores) &&
           add_class(&to->activation_write, &to->total, core->activation_write, cores) &&
           add_class(&to->weight_read, &to->total, core->weight_read, times) &&
           add_class(&to->weight_gradient, &to->total, core->weight_gradient, times) &&
           add_class(&to->optimizer, &to->total, core->optimizer, times);
}

mbs_status mbs_plan_chip_traffic(const mbs_plan *plan, int64_t cores, mbs_traffic *apart,
                                 mbs_traffic *shared)
{
    if (cores < 1)
        return MBS_ERR_ARGUMENT;
    return count_chip(apart, &plan->traffic, cores, cores) &&
                   count_chip(shared, &plan->traffic, cores, 1)
               ? MBS_OK
               : MBS_ERR_ARGUMENT;
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
        .strips = group->strips,
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

mbs_status mbs_plan_step_traffic(const mbs_plan *plan, size_t step, mbs_traffic *traffic)
{
    if (step >= (size_t)plan->program->step_count)
        return MBS_ERR_ARGUMENT;
    const mbs_group *group = &plan->groups[plan_group_of(plan, (int32_t)step)];
    *traffic = plan_count_step(plan, group, (int32_t)step);
    return MBS_OK;
}

mbs_status mbs_plan_step_mode(const mbs_plan *plan, size_t step, mbs_mode *mode)
{
    if (step >= (size_t)plan->program->step_count)
        return MBS_ERR_ARGUMENT;
    *mode = plan->mode[step];
    return MBS_OK;
}

mbs_status mbs_plan_step_in_place(const mbs_plan *plan, size_t step, int64_t *tensor)
{
    if (step >= (size_t)plan->program->step_count)
        return MBS_ERR_ARGUMENT;
    const int32_t over = plan->over[step];
    *tensor = over < 0 ? -1 : plan->program->touches[over].tensor;
    return MBS_OK;
}

void mbs_plan_origin(const mbs_plan *plan, mbs_origin_info *info)
{
    const plan_origin *origin = &plan->origin;
    *info = (mbs_origin_info){origin->program, origin->hardware, origin->hardware_digest,
                              origin->options};
}
