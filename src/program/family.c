/* Programs that differ in what they recompute alone. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "program/builder.h"

/* Room for this many times the forward steps, tensors and touches from the start. */
#define ROOM 4

struct program_family {
    builder base; /* up to the forward steps */
};

mbs_status program_family_create(program_family **family, const mbs_network *network,
                                 const mbs_program_options *options, mbs_error *error)
{
    *family = mem_calloc(1, sizeof **family);
    if (*family == NULL)
        return error_memory(error);
    builder *base = &(*family)->base;
    builder_open(base, network, options, true, error);
    const mbs_status status = base->status;
    if (status != MBS_OK) {
        program_family_free(*family);
        *family = NULL;
    }
    return status;
}

void program_family_free(program_family *family)
{
    if (family == NULL)
        return;
    builder_close(&family->base);
    mem_free(family);
}

/* A copy of `count` elements with room for more; null if memory is out. */
static void *copy_array(const void *array, int32_t count, size_t element, int32_t *capacity)
{
    void *copy = mem_grow(NULL, capacity, ROOM * count, element);
    if (copy != NULL && count > 0)
        memcpy(copy, array, (size_t)count * element);
    return copy;
}

static bool copy_program(builder *b, const builder *base)
{
    const mbs_program *from = base->program;
    mbs_program *p = mem_calloc(1, sizeof *p);
    b->program = p;
    if (p == NULL)
        return false;
    *p = *from;
    b->step_capacity = b->tensor_capacity = b->touch_capacity = b->map_capacity = 0;
    p->steps = copy_array(from->steps, p->step_count, sizeof *p->steps, &b->step_capacity);
    p->tensors =
        copy_array(from->tensors, p->tensor_count, sizeof *p->tensors, &b->tensor_capacity);
    p->touches = copy_array(from->touches, p->touch_count, sizeof *p->touches, &b->touch_capacity);
    p->maps = copy_array(from->maps, p->map_count, sizeof *p->maps, &b->map_capacity);
    b->map_slots = mem_alloc((size_t)base->map_slot_count * sizeof *b->map_slots);
    if (b->map_slots != NULL)
        memcpy(b->map_slots, base->map_slots, (size_t)base->map_slot_count * sizeof *b->map_slots);
    p->fused = NULL; /* nor has the family any */
    p->names = name_pool_create_blank();
    p->network_name = mem_strdup(from->network_name);
    return b->map_slots != NULL && p->steps != NULL && p->tensors != NULL && p->touches != NULL &&
           p->maps != NULL && p->names != NULL && p->network_name != NULL;
}

mbs_status program_family_build(mbs_program **program, const program_family *family,
                                mbs_recompute recompute, const unsigned char *layers,
                                mbs_error *error)
{
    const builder *base = &family->base;
    builder b = *base;
    b.error = error;
    b.options.recompute = recompute;
    b.options.recompute_layers = layers;
    b.reads = (operand_array){0};
    b.stamp = 0;
    b.map_slots = NULL;
    b.seen = mem_calloc((size_t)b.base_count, sizeof *b.seen);
    b.seen_at = mem_calloc((size_t)b.base_count, sizeof *b.seen_at);
    *program = NULL;
    if (copy_program(&b, base) && b.seen != NULL && b.seen_at != NULL)
        *program = builder_end(&b);
    else
        builder_fail(&b, MBS_ERR_MEMORY);
    builder_close_own(&b);
    return b.status;
}
