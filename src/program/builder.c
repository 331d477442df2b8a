#include "program/builder.h"

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"

bool builder_fail(builder *b, mbs_status status)
{
    if (b->status != MBS_OK)
        return false;
    b->status = status;
    if (status == MBS_ERR_MEMORY)
        error_memory(b->error);
    else
        error_set(b->error, status,
                  "network %s: a tensor, the parameters or the number of operands (%d at most) of "
                  "its training program is too large",
                  quoted(b->network->name).text, PROGRAM_MAX_TOUCHES);
    return false;
}

bool builder_bytes(builder *b, int64_t count, int64_t bits, int64_t *bytes)
{
    int64_t total;
    if (!checked_mul(count, bits, &total))
        return builder_fail(b, MBS_ERR_INPUT);
    *bytes = ceil_div(total, 8);
    return true;
}

int32_t builder_tensor(builder *b, int64_t elements, int64_t bits, int64_t rows, const char *name)
{
    mbs_program *p = b->program;
    int64_t bytes;
    if (name == NULL) {
        builder_fail(b, MBS_ERR_MEMORY);
        return -1;
    }
    if (!builder_bytes(b, elements, bits, &bytes))
        return -1;
    mbs_tensor *tensors =
        mem_grow(p->tensors, &b->tensor_capacity, p->tensor_count, sizeof *tensors);
    if (tensors == NULL) {
        builder_fail(b, MBS_ERR_MEMORY);
        return -1;
    }
    p->tensors = tensors;
    p->tensors[p->tensor_count] = (mbs_tensor){.name = name,
                                               .bytes = bytes,
                                               .elements = elements,
                                               .rows = rows,
                                               .producer = -1,
                                               .running = -1,
                                               .first_touch = -1,
                                               .last_touch = -1};
    return p->tensor_count++;
}

bool id_array_push(builder *b, id_array *array, int32_t id)
{
    int32_t *ids = mem_grow(array->ids, &array->capacity, array->count, sizeof *ids);
    if (ids == NULL)
        return builder_fail(b, MBS_ERR_MEMORY);
    array->ids = ids;
    array->ids[array->count++] = id;
    return true;
}

bool operand_push(builder *b, operand_array *array, operand item)
{
    operand *items = mem_grow(array->items, &array->capacity, array->count, sizeof *items);
    if (items == NULL)
        return builder_fail(b, MBS_ERR_MEMORY);
    array->items = items;
    array->items[array->count++] = item;
    return true;
}

const mbs_shape *builder_shape(const builder *b, int32_t value)
{
    const mbs_network *n = b->network;
    return value < n->input_count ? &n->inputs[value].shape
                                  : &n->layers[value - n->input_count].shape;
}

const mbs_layer *builder_layer(const builder *b, int32_t value)
{
    const mbs_network *n = b->network;
    return value < n->input_count ? NULL : &n->layers[value - n->input_count];
}

int64_t elements_between(const mbs_shape *shape, int begin, int end)
{
    int64_t elements = 1;
    for (int d = begin; d < end; d++)
        elements *= shape->dim[d];
    return elements;
}

int64_t rows_of(const builder *b, int32_t value)
{
    return b->row_axis[value] < 0 ? 1 : builder_shape(b, value)->dim[b->row_axis[value]];
}
