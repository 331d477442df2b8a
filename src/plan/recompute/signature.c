#include "plan/recompute/signature.h"

#include <string.h>

#include "base/memory.h"

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ (hash >> 29);
}

uint64_t signature_step(const mbs_step *step)
{
    return mix(((uint64_t)step->layer_id + 2) << 32 | (uint32_t)step->copy, (uint64_t)step->pass);
}

/* A touch's tensor, where it comes from, and the touches before and after. */
static uint64_t touch_key(const mbs_program *p, const mbs_touch *touch, const uint64_t *keys)
{
    const mbs_tensor *tensor = &p->tensors[touch->tensor];
    uint64_t key = (uint64_t)tensor->bytes;
    if (tensor->producer >= 0)
        key += 3 * keys[tensor->producer];
    if (touch->previous >= 0)
        key += 5 * keys[p->touches[touch->previous].step];
    if (touch->next >= 0)
        key += 7 * keys[p->touches[touch->next].step];
    return key;
}

/* The steps before and after that use the same parameters. */
static uint64_t use_key(const parameter_use *use, const uint64_t *keys)
{
    uint64_t key = (uint64_t)use->common;
    if (use->previous >= 0)
        key += 3 * keys[use->previous];
    if (use->next >= 0)
        key += 5 * keys[use->next];
    return key;
}

uint64_t *signature_create(const mbs_program *p)
{
    uint64_t *keys = mem_alloc(2 * (size_t)p->step_count * sizeof *keys);
    if (keys == NULL)
        return NULL;
    uint64_t *signature = keys + p->step_count;
    for (int32_t k = 0; k < p->step_count; k++)
        keys[k] = signature_step(&p->steps[k]);
    for (int32_t k = 0; k < p->step_count; k++) {
        const mbs_step *step = &p->steps[k];
        uint64_t hash = mix(keys[k], (uint64_t)(step->write_begin - step->touch_begin));
        for (int32_t t = step->touch_begin; t < step->touch_end; t++)
            hash = mix(hash, touch_key(p, &p->touches[t], keys));
        if (p->shares)
            hash = mix(mix(hash, use_key(&step->weight_use, keys)),
                       use_key(&step->accumulator_use, keys));
        signature[k] = hash;
    }
    memcpy(keys, signature, (size_t)p->step_count * sizeof *keys);
    return keys;
}
