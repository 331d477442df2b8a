/* Views (concat, flatten, identity): what their readers read instead. */
#include <stdlib.h>

#include "program/builder.h"

bool id_array_push(builder *b, id_array *array, int32_t id)
{
    if (array->count == array->capacity) {
        int32_t capacity = array->capacity == 0 ? 64 : array->capacity * 2;
        int32_t *ids = realloc(array->ids, (size_t)capacity * sizeof *ids);
        if (ids == NULL)
            return builder_fail(b, MBS_ERR_MEMORY);
        array->ids = ids;
        array->capacity = capacity;
    }
    array->ids[array->count++] = id;
    return true;
}

id_list members_of(const builder *b, int32_t value)
{
    value_members m = b->members[value];
    return (id_list){b->member_pool.ids + m.begin, m.count};
}

/* Appends those members of `value` that were not seen under the present stamp. */
static bool add_members(builder *b, int32_t value, id_array *into)
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

static bool resolve_value(builder *b, int32_t value)
{
    const mbs_network *network = b->network;
    const mbs_layer *layer =
        value < network->input_count ? NULL : &network->layers[value - network->input_count];
    if (layer == NULL || !op_is_view(layer->op)) {
        b->members[value] = (value_members){b->member_pool.count, 1};
        return id_array_push(b, &b->member_pool, value);
    }
    if (layer->input_count == 1) {
        b->members[value] = b->members[layer->inputs[0]];
        return true;
    }
    int32_t begin = b->member_pool.count;
    b->stamp++;
    for (int32_t i = 0; i < layer->input_count; i++)
        if (!add_members(b, layer->inputs[i], &b->member_pool))
            return false;
    b->members[value] = (value_members){begin, b->member_pool.count - begin};
    return true;
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
        if (!add_members(b, l->inputs[i], &b->reads))
            return false;
    return true;
}
