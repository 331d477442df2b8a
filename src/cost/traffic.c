#include "cost/traffic.h"

bool plan_writes(const mbs_plan *plan, int32_t t)
{
    const mbs_touch *touches = plan->program->touches;
    if (plan->program->tensors[touches[t].tensor].kept)
        return true;
    for (; touches[t].next >= 0; t = touches[t].next)
        if (!plan->resident[t])
            return true;
    return false;
}

/* Bytes per sample that the step reads from DRAM in one pass, and that it writes there. */
static void step_moves(const mbs_plan *plan, int32_t k, int64_t *read, int64_t *written)
{
    const mbs_program *p = plan->program;
    const mbs_step *step = &p->steps[k];
    *read = 0;
    *written = 0;
    for (int32_t t = step->touch_begin; t < step->write_begin; t++)
        if (!plan_arrives(plan, t))
            *read += p->tensors[p->touches[t].tensor].bytes;
    for (int32_t t = step->write_begin; t < step->touch_end; t++)
        if (plan_writes(plan, t))
            *written += p->tensors[p->touches[t].tensor].bytes;
}

int64_t plan_step_activations(const mbs_plan *plan, const mbs_group *group, int32_t k)
{
    int64_t read, written;
    step_moves(plan, k, &read, &written);
    return group->passes * read + written;
}

int64_t step_alone_activations(const mbs_program *program, int32_t k, int64_t passes)
{
    const mbs_step *step = &program->steps[k];
    int64_t read = 0;
    int64_t written = 0;
    for (int32_t t = step->touch_begin; t < step->touch_end; t++) {
        const mbs_touch *touch = &program->touches[t];
        const mbs_tensor *tensor = &program->tensors[touch->tensor];
        if (t < step->write_begin)
            read += tensor->bytes;
        else if (tensor->kept || touch->next >= 0)
            written += tensor->bytes;
    }
    return passes * read + written;
}

/*
 * Accumulators in, but for the first iteration of the step that begins them, and out, but for the
 * last one of the step that hands them on. What is pinned comes in with the first step of the group
 * that uses it and goes out with the last.
 */
static int64_t count_gradient(const mbs_plan *plan, const mbs_group *group, int32_t k)
{
    const mbs_step *step = &plan->program->steps[k];
    const parameter_use *use = &step->accumulator_use;
    const int64_t pinned = plan->pinned_accumulator[k];
    const int64_t loose = step->accumulator_bytes - pinned;
    int64_t once = program_update_gradient(plan->program, group->first, k);
    if (use->previous >= 0)
        once += loose + (use_is_first(use, group->first) ? pinned : 0);
    if (!program_hands_on(plan->program, k, group->end))
        once += loose + (use_is_last(use, group->end) ? pinned : 0);
    return once + 2 * (group->iterations - 1) * loose;
}

mbs_traffic plan_count_step(const mbs_plan *plan, const mbs_group *group, int32_t k)
{
    const mbs_step *step = &plan->program->steps[k];
    const int64_t again = group->iterations - 1; /* iterations after the first */
    const int64_t weight = plan->pinned_weight[k];
    int64_t read, written; /* per sample */
    step_moves(plan, k, &read, &written);
    mbs_traffic traffic = {
        .activation_read = plan->batch * read * group->passes,
        .activation_write = plan->batch * written,
        .weight_read = step->weight_bytes + again * (step->weight_bytes - weight),
        .weight_gradient = count_gradient(plan, group, k),
        .optimizer = step_state_bytes(step),
    };
    /* what an earlier step of the group uses too is there already */
    if (!use_is_first(&step->weight_use, group->first))
        traffic.weight_read -= weight;
    traffic.total = traffic.activation_read + traffic.activation_write + traffic.weight_read +
                    traffic.weight_gradient + traffic.optimizer;
    return traffic;
}

void traffic_add(mbs_traffic *sum, mbs_traffic part)
{
    sum->activation_read += part.activation_read;
    sum->activation_write += part.activation_write;
    sum->weight_read += part.weight_read;
    sum->weight_gradient += part.weight_gradient;
    sum->optimizer += part.optimizer;
    sum->total += part.total;
}

mbs_traffic plan_count_group(const mbs_plan *plan, const mbs_group *group)
{
    mbs_traffic sum = {0};
    for (int32_t k = group->first; k < group->end; k++)
        traffic_add(&sum, plan_count_step(plan, group, k));
    return sum;
}

mbs_traffic plan_count(const mbs_plan *plan)
{
    mbs_traffic sum = {0};
    for (int32_t g = 0; g < plan->group_count; g++)
        traffic_add(&sum, plan_count_group(plan, &plan->groups[g]));
    return sum;
}
