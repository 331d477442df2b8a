/* Views: what their readers read instead. */

#include "base/memory.h"
#include "program/builder.h"

bool id_array_push(builder *b, id_array *array, int32_t id)
{
    int32_t *ids = mem_grow(array->ids, &array->capacity, array->count, sizeof *ids);
    if (ids == NULL)
        return builder_fail(b, MBS_ERR_MEMORY);
    array->ids = ids;
    array->ids[array->count++] = id;
    return true;
}

id_list members_of(const builder *b, int32_t value)
{
    value_members m = b->members[value];
    return (id_list){b->member_pool.ids + m.begin, m.count};
}

bool members_add(builder *b, int32_t value, id_array *into)
{
    /* by index: `into` may be the pool that the members stand in */
    value_members m = b->members[value];
    for (int32_t i = 0; i < m.count; i++) {
        int32_t tensor = b->member_pool.ids[m.begin + i];
        if (b->seen[tensor] == b->stamp)
            continue;
        b->seen[tensor] = b->stamp;
        if (into->count >= PROGRAM_MAX_TOUCHES)
            return builder_fail(b, MBS_ERR_INPUT);
        if (!id_array_push(b, into, tensor))
            return false;
    }
    return true;
}

/* A value with a tensor of its own, or several. */
static bool add_own(builder *b, int32_t value)
{
    id_range own = b->own[value];
    b->members[value] = (value_members){b->member_pool.count, own.count};
    for (int32_t i = 0; i < own.count; i++)
        if (!id_array_push(b, &b->member_pool, own.begin + i))
            return false;
    return true;
}

/* The members of those inputs of a concat that have elements in [begin, end) of its axis. */
static bool join_inputs(builder *b, int32_t value, const mbs_layer *concat, int64_t begin,
                        int64_t end)
{
    int32_t first = b->member_pool.count;
    int64_t at = 0;
    b->stamp++;
    for (int32_t i = 0; i < concat->input_count && at < end; i++) {
        at += builder_shape(b, concat->inputs[i])->dim[concat->axis];
        if (at > begin && !members_add(b, concat->inputs[i], &b->member_pool))
            return false;
    }
    b->members[value] = (value_members){first, b->member_pool.count - first};
    return true;
}

/*
 * A slice of a tensor is some of its parts, one of a concat along its axis the inputs it reaches
 * into; any other stands for all it is cut from.
 */
static bool resolve_slice(builder *b, int32_t value, const mbs_layer *layer)
{
    const value_range *range = &b->ranges[value];
    const int32_t from = layer->inputs[0];
    const mbs_layer *cut =
        from < b->network->input_count ? NULL : &b->network->layers[from - b->network->input_count];
    b->members[value] = b->members[from];
    if (range->value >= 0) {
        id_range parts = parts_in(b, range);
        b->members[value] = b->members[range->value];
        b->members[value].begin += parts.begin - b->own[range->value].begin;
        b->members[value].count = parts.count;
    } else if (cut != NULL && cut->op == OP_CONCAT && cut->axis == layer->axis) {
        return join_inputs(b, value, cut, layer->begin, layer->end);
    }
    return true;
}

static bool resolve_value(builder *b, int32_t value)
{
    const mbs_network *network = b->network;
    const mbs_layer *layer =
        value < network->input_count ? NULL : &network->layers[value - network->input_count];
    if (layer == NULL || !op_is_view(layer->op))
        return add_own(b, value);
    if (layer->op == OP_SLICE)
        return resolve_slice(b, value, layer);
    if (layer->input_count == 1) {
        b->members[value] = b->members[layer->inputs[0]];
        return true;
    }
    return join_inputs(b, value, layer, 0, INT64_MAX);
}

bool members_resolve(builder *b)
{
    for (int32_t value = 0; value < b->value_count; value++)
        if (!resolve_value(b, value))
            return false;
    return true;
}

bool members_collect(builder *b, int32_t layer)
{
    const mbs_layer *l = &b->network->layers[layer];
    b->reads.count = 0;
    b->stamp++;
    for (int32_t i = 0; i < l->input_count; i++)
        if (!members_add(b, l->inputs[i], &b->reads))
            return false;
    return true;
}

bool members_collect_input(builder *b, int32_t layer, int32_t input)
{
    b->reads.count = 0;
    b->stamp++;
    return members_add(b, b->network->layers[layer].inputs[input], &b->reads);
}
