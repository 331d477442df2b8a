#include "program/program.h"

#include "base/checked.h"
#include "base/memory.h"
#include "base/name_pool.h"

static parameter_use *use_of(mbs_program *p, int32_t k, bool weights)
{
    return weights ? &p->steps[k].weight_use : &p->steps[k].accumulator_use;
}

/* The uses of either kind: what their steps have in common goes along the chain and back. */
static void link_uses(mbs_program *p, bool weights)
{
    for (int32_t k = 0; k < p->step_count; k++) {
        parameter_use *use = use_of(p, k, weights);
        use->next = -1;
        use->common = weights ? p->steps[k].weight_bytes : p->steps[k].accumulator_bytes;
        if (use->previous < 0)
            continue;
        parameter_use *before = use_of(p, use->previous, weights);
        before->next = k;
        use->common = min_i64(use->common, before->common);
        p->shares = true;
    }
    for (int32_t k = p->step_count; k-- > 0 && p->shares;) {
        const parameter_use *use = use_of(p, k, weights);
        if (use->next >= 0)
            use_of(p, k, weights)->common = use_of(p, use->next, weights)->common;
    }
}

bool program_may_replace(const mbs_program *p, int32_t t)
{
    const mbs_touch *touch = &p->touches[t];
    const mbs_step *step = &p->steps[touch->step];
    if (!touch->elementwise || step->write_begin == step->touch_end)
        return false;
    const mbs_tensor *read = &p->tensors[touch->tensor];
    const mbs_tensor *written = &p->tensors[p->touches[step->write_begin].tensor];
    return read->bytes > 0 && read->bytes == written->bytes && read->elements == written->elements;
}

bool program_is_running(const mbs_program *p, int32_t t)
{
    const mbs_touch *touch = &p->touches[t];
    const mbs_step *step = &p->steps[touch->step];
    if (t >= step->write_begin)
        return false;
    for (int32_t w = step->write_begin; w < step->touch_end; w++)
        if (p->tensors[p->touches[w].tensor].running == touch->tensor)
            return true;
    return false;
}

static void find_replaceable(const mbs_program *p, mbs_step *step)
{
    step->replaceable = -1;
    step->has_choice = false;
    for (int32_t t = step->touch_begin; t < step->write_begin; t++) {
        if (!program_may_replace(p, t))
            continue;
        step->has_choice = step->replaceable >= 0;
        if (!step->has_choice)
            step->replaceable = t;
    }
}

void program_link(mbs_program *p)
{
    p->shares = false;
    link_uses(p, true);
    link_uses(p, false);
    for (int32_t i = 0; i < p->tensor_count; i++) {
        p->tensors[i].first_touch = p->tensors[i].last_touch = -1;
        p->tensors[i].producer = -1;
    }
    for (int32_t t = 0; t < p->touch_count; t++) {
        mbs_touch *touch = &p->touches[t];
        mbs_tensor *tensor = &p->tensors[touch->tensor];
        touch->previous = tensor->last_touch;
        touch->next = -1;
        if (touch->previous >= 0)
            p->touches[touch->previous].next = t;
        else
            tensor->first_touch = t;
        tensor->last_touch = t;
        if (t >= p->steps[touch->step].write_begin)
            tensor->producer = touch->step;
    }
    for (int32_t k = 0; k < p->step_count; k++)
        find_replaceable(p, &p->steps[k]);
}

bool program_add_update(const mbs_program *program, int32_t k, int64_t *bytes)
{
    const weight_update *update = &program->steps[k].update;
    return checked_add(*bytes, program_gradient_bytes(program, k), bytes) &&
           checked_add_product(bytes, 2, update->state_bytes) &&
           checked_add(*bytes, update->old_bytes, bytes) &&
           checked_add(*bytes, update->new_bytes, bytes);
}

bool program_is_reordered(const mbs_program *program)
{
    int32_t next = 0;
    for (int32_t k = 0; k < program->step_count; k++)
        if (program->steps[k].given >= 0 && program->steps[k].given != next++)
            return true;
    return false;
}

bool program_couples(const mbs_program *program, int32_t first, int32_t end)
{
    for (int32_t k = first; k < end; k++)
        if (program->steps[k].coupled || program->steps[k].coupled_to >= first)
            return true;
    return false;
}

int32_t program_forward_end(const mbs_program *p)
{
    int32_t low = 0;
    int32_t high = p->step_count;
    while (low < high) {
        int32_t middle = low + (high - low) / 2;
        if (p->steps[middle].phase == MBS_FORWARD)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int64_t program_operand_bytes(const mbs_program *p, int32_t step)
{
    int64_t bytes = 0;
    for (int32_t t = p->steps[step].touch_begin; t < p->steps[step].touch_end; t++)
        bytes += p->tensors[p->touches[t].tensor].bytes;
    return bytes;
}

void mbs_program_free(mbs_program *program)
{
    if (program == NULL)
        return;
    name_pool_free(program->names);
    mem_free(program->network_name);
    mem_free(program->fused);
    mem_free(program->steps);
    mem_free(program->tensors);
    mem_free(program->touches);
    mem_free(program->maps);
    mem_free(program);
}

const char *mbs_program_network_name(const mbs_program *program)
{
    return program->network_name;
}

size_t mbs_program_step_count(const mbs_program *program)
{
    return (size_t)program->step_count;
}

size_t mbs_program_tensor_count(const mbs_program *program)
{
    return (size_t)program->tensor_count;
}

int mbs_program_is_inference(const mbs_program *program)
{
    return program->inference;
}

size_t mbs_program_replaced_batch_norms(const mbs_program *program)
{
    return program->replaced_batch_norms;
}

mbs_status mbs_program_step(const mbs_program *program, size_t index, mbs_step_info *info)
{
    if (index >= (size_t)program->step_count)
        return MBS_ERR_ARGUMENT;
    const mbs_step *step = &program->steps[index];
    *info = (mbs_step_info){
        .name = step->name,
        .kind = step->kind,
        .layer = step->layer,
        .phase = step->phase,
        .read_count = (size_t)(step->write_begin - step->touch_begin),
        .write_count = (size_t)(step->touch_end - step->write_begin),
        .operand_bytes = program_operand_bytes(program, (int32_t)index),
        .weight_bytes = step->weight_bytes,
        .accumulator_bytes = step->accumulator_bytes,
        .gradient_bytes = program_gradient_bytes(program, (int32_t)index),
        .state_read_bytes = step->update.state_bytes + step->update.old_bytes,
        .state_write_bytes = step->update.state_bytes + step->update.new_bytes,
        .fused_count = (size_t)step->fused_count,
        .given = step->given,
    };
    return MBS_OK;
}

const char *mbs_program_step_fused(const mbs_program *program, size_t index, size_t position)
{
    if (index >= (size_t)program->step_count ||
        position >= (size_t)program->steps[index].fused_count)
        return NULL;
    return program->fused[(size_t)program->steps[index].fused_begin + position];
}

mbs_status mbs_program_tensor(const mbs_program *program, size_t index, mbs_tensor_info *info)
{
    if (index >= (size_t)program->tensor_count)
        return MBS_ERR_ARGUMENT;
    const mbs_tensor *tensor = &program->tensors[index];
    *info = (mbs_tensor_info){tensor->name, tensor->bytes, tensor->producer, tensor->running};
    return MBS_OK;
}

int64_t mbs_program_step_read(const mbs_program *program, size_t index, size_t position)
{
    if (index >= (size_t)program->step_count)
        return -1;
    const mbs_step *step = &program->steps[index];
    if (position >= (size_t)(step->write_begin - step->touch_begin))
        return -1;
    return program->touches[(size_t)step->touch_begin + position].tensor;
}

int64_t mbs_program_step_write(const mbs_program *program, size_t index, size_t position)
{
    if (index >= (size_t)program->step_count)
        return -1;
    const mbs_step *step = &program->steps[index];
    if (position >= (size_t)(step->touch_end - step->write_begin))
        return -1;
    return program->touches[(size_t)step->write_begin + position].tensor;
}
