#include "cost/footprint.h"

#include "base/checked.h"
#include "base/error.h"
#include "mbsopt/cost.h"

int64_t plan_capacity(const mbs_plan *plan)
{
    return plan->buffer_bytes - plan->reserved_bytes;
}

int64_t step_parameter_bytes(const mbs_step *step)
{
    return step->weight_bytes + step->accumulator_bytes;
}

int64_t step_parameter_moves(const mbs_program *program, int32_t k)
{
    return step_parameter_bytes(&program->steps[k]) + program_once_bytes(program, k) +
           program_head_bytes(program, k);
}

int64_t step_passes(const mbs_step *step, int64_t capacity, int64_t norm_passes)
{
    int64_t passes = max_i64(1, ceil_div(step_parameter_bytes(step), capacity));
    return step->whole_sample ? max_i64(passes, norm_passes) : passes;
}

int64_t plan_pinned_bytes(const mbs_plan *plan, int32_t first, int32_t end)
{
    int64_t bytes = 0;
    for (int32_t k = first; k < end; k++) {
        const mbs_step *step = &plan->program->steps[k];
        if (use_is_first(&step->weight_use, first))
            bytes += plan->pinned_weight[k];
        if (use_is_first(&step->accumulator_use, first))
            bytes += plan->pinned_accumulator[k];
    }
    return bytes;
}

step_operands plan_step_operands(const mbs_plan *plan, int32_t k, int32_t over)
{
    const mbs_program *p = plan->program;
    const mbs_step *step = &p->steps[k];
    const int32_t written = step->write_begin;
    step_operands operands = {0};
    for (int32_t t = step->touch_begin; t < step->touch_end; t++) {
        bool stays = plan->resident[t] || plan_arrives(plan, t);
        if (over >= 0 && t == written)
            continue;
        if (t == over)
            stays = stays || plan->resident[written];
        *(stays ? &operands.resident : &operands.other) += p->tensors[p->touches[t].tensor].bytes;
    }
    return operands;
}

int64_t step_staged_bytes(step_operands operands, int64_t sub_batch)
{
    return sub_batch * (operands.resident + operands.other);
}

int64_t step_streamed_bytes(const mbs_step *step, step_operands operands, int64_t sub_batch)
{
    return sub_batch * operands.resident + step_parameter_bytes(step) +
           (step->whole_sample ? operands.other : 0);
}

/* One step's footprint without crossing tensors and pinned bytes. */
static int64_t operand_footprint(const mbs_plan *plan, int32_t k, int64_t sub_batch)
{
    const step_operands operands = plan_step_operands(plan, k, plan->over[k]);
    switch (plan->mode[k]) {
    case MBS_STAGED:
        return step_staged_bytes(operands, sub_batch);
    case MBS_STREAMED:
        return step_streamed_bytes(&plan->program->steps[k], operands, sub_batch);
    case MBS_PASSES:
        break;
    }
    return 0;
}

footprint_walk footprint_walk_begin(const mbs_plan *plan, const mbs_group *group, int64_t samples)
{
    return (footprint_walk){plan, samples, plan_pinned_bytes(plan, group->first, group->end), 0};
}

int64_t footprint_walk_step(footprint_walk *walk, int32_t k)
{
    const mbs_plan *plan = walk->plan;
    const mbs_program *p = plan->program;
    const mbs_step *step = &p->steps[k];
    for (int32_t t = step->touch_begin; t < step->touch_end; t++) {
        const mbs_touch *touch = &p->touches[t];
        if (touch->previous >= 0 && plan->resident[touch->previous])
            walk->crossing -= p->tensors[touch->tensor].bytes;
    }
    const int64_t bytes =
        operand_footprint(plan, k, walk->samples) + walk->samples * walk->crossing;
    for (int32_t t = step->touch_begin; t < step->touch_end; t++)
        if (plan->resident[t])
            walk->crossing += p->tensors[p->touches[t].tensor].bytes;
    return bytes + walk->pinned;
}

int64_t plan_group_peak(const mbs_plan *plan, const mbs_group *group)
{
    footprint_walk walk = footprint_walk_begin(plan, group, group->sub_batch);
    int64_t peak = 0;
    for (int32_t k = group->first; k < group->end; k++)
        peak = max_i64(peak, footprint_walk_step(&walk, k));
    return peak;
}

mbs_status cost_check_range(const mbs_program *p, int64_t batch, int64_t capacity,
                            int64_t norm_passes, mbs_error *error)
{
    int64_t bytes = 0;
    bool fits = true;
    for (int32_t k = 0; k < p->step_count && fits; k++) {
        const mbs_step *step = &p->steps[k];
        int64_t reads = step_passes(step, capacity, norm_passes);
        int64_t operands;
        fits = checked_mul(program_operand_bytes(p, k), reads, &operands) &&
               checked_add(bytes, operands, &bytes) &&
               checked_add_product(&bytes, 2, step->weight_bytes) &&
               checked_add_product(&bytes, 3, step->accumulator_bytes) &&
               program_add_update(p, k, &bytes);
    }
    if (!fits || !checked_mul(bytes, batch, &bytes) || bytes >= INT64_MAX / 2)
        return error_set(error, MBS_ERR_INPUT,
                         "network %s at mini-batch %lld: its traffic exceeds 64 bits",
                         quoted(p->network_name).text, (long long)batch);
    return MBS_OK;
}

mbs_status mbs_step_smallest_iterations(const mbs_program *program, size_t step, int64_t batch,
                                        int64_t buffer_bytes, int64_t *iterations)
{
    if (step >= (size_t)program->step_count || batch < 1 || buffer_bytes < 1)
        return MBS_ERR_ARGUMENT;
    int64_t per_sample = program_operand_bytes(program, (int32_t)step);
    int64_t samples = per_sample == 0 ? batch : min_i64(batch, buffer_bytes / per_sample);
    if (samples < batch && program->steps[step].coupled)
        samples = 0;
    *iterations = samples == 0 ? 0 : ceil_div(batch, samples);
    return MBS_OK;
}
