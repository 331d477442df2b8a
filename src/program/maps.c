/* Row maps of steps' operands (model, section 11). */
#include "base/checked.h"
#include "base/memory.h"
#include "program/builder.h"

/* Larger windows are as good as the whole tensor; nothing else that files have is larger. */
#define MAX_FIGURE (INT64_C(1) << 53)

static uint64_t hash_map(const mbs_row_map *map)
{
    const int64_t parts[] = {map->window, map->stride, map->pad};
    uint64_t hash = (uint64_t)map->kind;
    for (int i = 0; i < 3; i++)
        hash = (hash ^ (uint64_t)parts[i]) * UINT64_C(0x9e3779b97f4a7c15) ^ hash >> 29;
    return hash ^ hash >> 32;
}

static bool are_equal(const mbs_row_map *a, const mbs_row_map *b)
{
    return a->kind == b->kind && a->window == b->window && a->stride == b->stride &&
           a->pad == b->pad;
}

/* The slot that has the map, or the free one that is to have it. */
static int32_t *find_slot(const builder *b, const mbs_row_map *map)
{
    uint64_t at = hash_map(map);
    for (;; at++) {
        int32_t *slot = &b->map_slots[at & (uint64_t)(b->map_slot_count - 1)];
        if (*slot == 0 || are_equal(&b->program->maps[*slot - 1], map))
            return slot;
    }
}

/* Keeps at most half of the slots in use. */
static bool make_room(builder *b)
{
    const int32_t count = b->program->map_count;
    if (2 * (int64_t)(count + 1) <= b->map_slot_count)
        return true;
    const int32_t larger = b->map_slot_count == 0 ? 32 : 2 * b->map_slot_count;
    int32_t *slots = mem_calloc((size_t)larger, sizeof *slots);
    if (slots == NULL)
        return builder_fail(b, MBS_ERR_MEMORY);
    mem_free(b->map_slots);
    b->map_slots = slots;
    b->map_slot_count = larger;
    for (int32_t i = 0; i < count; i++)
        *find_slot(b, &b->program->maps[i]) = i + 1;
    return true;
}

static int32_t intern(builder *b, const mbs_row_map *map)
{
    mbs_program *p = b->program;
    if (!make_room(b))
        return -1;
    int32_t *slot = find_slot(b, map);
    if (*slot > 0)
        return *slot - 1;
    mbs_row_map *maps = mem_grow(p->maps, &b->map_capacity, p->map_count, sizeof *maps);
    if (maps == NULL) {
        builder_fail(b, MBS_ERR_MEMORY);
        return -1;
    }
    p->maps = maps;
    maps[p->map_count++] = *map;
    *slot = p->map_count;
    return p->map_count - 1;
}

bool maps_open(builder *b)
{
    return intern(b, &(mbs_row_map){.kind = ROWS_SAME}) == ROW_MAP_SAME &&
           intern(b, &(mbs_row_map){.kind = ROWS_WHOLE}) == ROW_MAP_WHOLE;
}

int32_t map_number(builder *b, mbs_row_map map, int64_t step_rows, int64_t tensor_rows)
{
    const bool equal = step_rows == tensor_rows;
    const bool plain = map.kind == ROWS_SAME || (map.kind == ROWS_SHIFTED && map.pad == 0) ||
                       ((map.kind == ROWS_WINDOW || map.kind == ROWS_TRANSPOSED) &&
                        map.window == 1 && map.stride == 1 && map.pad == 0);
    if (equal && (plain || (map.kind == ROWS_WHOLE && step_rows == 1)))
        return ROW_MAP_SAME;
    if (map.kind == ROWS_SAME || map.kind == ROWS_WHOLE || map.window > MAX_FIGURE)
        return ROW_MAP_WHOLE;
    return intern(b, &map);
}

int32_t map_plain(builder *b, bool aligned, int64_t rows, int32_t tensor)
{
    const row_map_kind kind = aligned ? ROWS_SAME : ROWS_WHOLE;
    return map_number(b, (mbs_row_map){.kind = kind}, rows, b->program->tensors[tensor].rows);
}

/*
 * How the rows of an op's input go with those of its output; or, if `back`, those of the output's
 * gradient with those of the input's.
 */
static mbs_row_map op_map(const builder *b, int32_t layer, bool back)
{
    const mbs_layer *l = &b->network->layers[layer];
    const int axis = b->row_axis[b->network->input_count + layer];
    const int at = row_window(l);
    switch (l->op) {
    case OP_CONV:
    case OP_MAX_POOL:
    case OP_AVG_POOL:
    case OP_CONV_TRANSPOSE:
        return (mbs_row_map){.kind = back == (l->op == OP_CONV_TRANSPOSE) ? ROWS_WINDOW
                                                                          : ROWS_TRANSPOSED,
                             .window = (l->kernel[at] - 1) * l->dilation[at] + 1,
                             .stride = l->stride[at],
                             .pad = l->pad[at]};
    case OP_UPSAMPLE:
        return (mbs_row_map){.kind = back ? ROWS_TRANSPOSED_SCALED : ROWS_SCALED};
    case OP_PAD:
        if (axis < 0)
            break;
        return (mbs_row_map){.kind = ROWS_SHIFTED,
                             .pad = back ? -l->list.dim[axis] : l->list.dim[axis]};
    default:
        break;
    }
    return (mbs_row_map){.kind = ROWS_SAME};
}

int32_t map_of_input(builder *b, int32_t layer, int32_t input)
{
    const int32_t value = b->network->layers[layer].inputs[input];
    return map_number(b, op_map(b, layer, false), forward_rows(b, layer), rows_of(b, value));
}

int32_t map_of_output(builder *b, int32_t layer, int64_t step_rows)
{
    const int32_t value = b->network->input_count + layer;
    return map_number(b, op_map(b, layer, true), step_rows, rows_of(b, value));
}

int32_t map_of_summed_output(builder *b, int32_t layer)
{
    const mbs_layer *l = &b->network->layers[layer];
    const int64_t rows = rows_of(b, l->inputs[0]);
    const int64_t height = l->shape.dim[1 + row_window(l)];
    mbs_row_map map = op_map(b, layer, true);
    if (l->biases > 0) /* from window to window, and from the last one to the end */
        map.window =
            max_i64(max_i64(map.window, map.stride), height + map.pad - (rows - 1) * map.stride);
    return map_number(b, map, rows, height);
}
