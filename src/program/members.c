/* Views: what their readers read instead. */

#include "program/builder.h"

id_list members_of(const builder *b, int32_t value)
{
    value_members m = b->members[value];
    return (id_list){b->member_pool.ids + m.begin,
                     b->keeps_rows[value] ? b->member_aligned.ids + m.begin : NULL, m.count};
}

/* Whether the tensor is met again under the present stamp; if not, it then stands at `at`. */
static bool is_seen(builder *b, int32_t tensor, int32_t at)
{
    if (b->seen[tensor] == b->stamp)
        return true;
    b->seen[tensor] = b->stamp;
    b->seen_at[tensor] = at;
    return false;
}

/* Appends to the pool those members of `value` that were not seen under the present stamp. */
static bool pool_members(builder *b, int32_t value, bool rows_go_on)
{
    /* by index: the pool that the members stand in grows */
    const value_members m = b->members[value];
    for (int32_t i = 0; i < m.count; i++) {
        const int32_t tensor = b->member_pool.ids[m.begin + i];
        const bool aligned =
            rows_go_on && b->keeps_rows[value] && b->member_aligned.ids[m.begin + i] != 0;
        if (is_seen(b, tensor, b->member_pool.count)) {
            if (!aligned)
                b->member_aligned.ids[b->seen_at[tensor]] = 0;
            continue;
        }
        if (b->member_pool.count >= PROGRAM_MAX_TOUCHES)
            return builder_fail(b, MBS_ERR_INPUT);
        if (!id_array_push(b, &b->member_pool, tensor) ||
            !id_array_push(b, &b->member_aligned, aligned))
            return false;
    }
    return true;
}

static bool pool_member(builder *b, int32_t tensor, bool aligned)
{
    return id_array_push(b, &b->member_pool, tensor) &&
           id_array_push(b, &b->member_aligned, aligned);
}

/* A value with a tensor of its own, or several. */
static bool add_own(builder *b, int32_t value)
{
    id_range own = b->own[value];
    b->members[value] = (value_members){b->member_pool.count, own.count};
    for (int32_t i = 0; i < own.count; i++) {
        const int32_t tensor = own.begin + i;
        if (!pool_member(b, tensor, is_aligned_part(b, tensor)))
            return false;
    }
    return true;
}

/* The members of those inputs of a concat that have elements in [begin, end) of its axis. */
static bool join_inputs(builder *b, int32_t value, const mbs_layer *concat, int64_t begin,
                        int64_t end)
{
    const int32_t first = b->member_pool.count;
    const int axis = b->row_axis[value];
    int64_t at = 0;
    b->stamp++;
    for (int32_t i = 0; i < concat->input_count && at < end; i++) {
        const int32_t input = concat->inputs[i];
        at += builder_shape(b, input)->dim[concat->axis];
        if (at > begin &&
            !pool_members(b, input, axis != concat->axis && axis == b->row_axis[input]))
            return false;
    }
    b->members[value] = (value_members){first, b->member_pool.count - first};
    return true;
}

/* Whether the rows of a view of one value are that value's. */
static bool view_keeps_rows(const builder *b, int32_t value, const mbs_layer *view)
{
    const int32_t from = view->inputs[0];
    const int axis = b->row_axis[value];
    if (view->op == OP_RESHAPE || view->op == OP_FLATTEN)
        return axis >= 0
                   ? axis == reshaped_axis(builder_shape(b, from), b->row_axis[from], &view->shape)
                   : rows_of(b, from) == 1;
    return axis == b->row_axis[from] && !(view->op == OP_SLICE && axis == view->axis);
}

/* A slice that is some rows of a tensor, one of its parts: the part's rows are the slice's. */
static bool is_one_part_of_rows(const builder *b, int32_t value, const mbs_layer *slice,
                                int32_t part)
{
    return b->row_axis[value] == slice->axis && b->row_axis[slice->inputs[0]] == slice->axis &&
           b->program->tensors[part].rows == rows_of(b, value);
}

/*
 * A slice of a tensor is some of its parts, one of a concat along its axis the inputs it reaches
 * into; any other stands for all it is cut from.
 */
static bool resolve_slice(builder *b, int32_t value, const mbs_layer *layer)
{
    const value_range *range = &b->ranges[value];
    const int32_t from = layer->inputs[0];
    const mbs_layer *cut = builder_layer(b, from);
    b->members[value] = b->members[from];
    if (range->value >= 0) {
        id_range parts = parts_in(b, range);
        b->members[value] = b->members[range->value];
        b->members[value].begin += parts.begin - b->own[range->value].begin;
        b->members[value].count = parts.count;
        if (parts.count == 1 && !b->keeps_rows[value] &&
            is_one_part_of_rows(b, value, layer, parts.begin)) {
            b->keeps_rows[value] = true;
            b->members[value].begin = b->member_pool.count;
            return pool_member(b, parts.begin, true);
        }
    } else if (cut != NULL && cut->op == OP_CONCAT && cut->axis == layer->axis) {
        return join_inputs(b, value, cut, layer->begin, layer->end);
    }
    return true;
}

static bool resolve_value(builder *b, int32_t value)
{
    const mbs_layer *layer = builder_layer(b, value);
    b->keeps_rows[value] = true;
    if (layer == NULL || !op_is_view(layer->op))
        return add_own(b, value);
    if (layer->op == OP_CONCAT)
        return join_inputs(b, value, layer, 0, INT64_MAX);
    b->keeps_rows[value] = b->keeps_rows[layer->inputs[0]] && view_keeps_rows(b, value, layer);
    if (layer->op == OP_SLICE)
        return resolve_slice(b, value, layer);
    b->members[value] = b->members[layer->inputs[0]];
    return true;
}

bool members_resolve(builder *b)
{
    for (int32_t value = 0; value < b->value_count; value++)
        if (!resolve_value(b, value))
            return false;
    return true;
}

void reads_start(builder *b)
{
    b->reads.count = 0;
    b->stamp++;
}

operand operand_of(builder *b, int32_t layer, int32_t input, int32_t member)
{
    const id_list members = members_of(b, b->network->layers[layer].inputs[input]);
    operand read = {.tensor = members.ids[member]};
    read.aligned =
        members.aligned != NULL && members.aligned[member] != 0 && rows_correspond(b, layer, input);
    read.map = read.aligned ? map_of_input(b, layer, input)
                            : map_plain(b, false, forward_rows(b, layer), read.tensor);
    return read;
}

bool reads_add(builder *b, int32_t layer, int32_t input)
{
    const id_list members = members_of(b, b->network->layers[layer].inputs[input]);
    for (int32_t i = 0; i < members.count; i++) {
        const operand read = operand_of(b, layer, input, i);
        if (read.map < 0)
            return false;
        if (!is_seen(b, read.tensor, b->reads.count)) {
            if (!operand_push(b, &b->reads, read))
                return false;
            continue;
        }
        operand *before = &b->reads.items[b->seen_at[read.tensor]];
        before->aligned = before->aligned && read.aligned;
        before->map = before->map == read.map ? read.map : ROW_MAP_WHOLE;
    }
    return true;
}

bool reads_collect_input(builder *b, int32_t layer, int32_t input)
{
    reads_start(b);
    return reads_add(b, layer, input);
}

bool reads_collect(builder *b, int32_t layer)
{
    const mbs_layer *l = &b->network->layers[layer];
    reads_start(b);
    for (int32_t i = 0; i < l->input_count; i++)
        if (!reads_add(b, layer, i))
            return false;
    return true;
}
