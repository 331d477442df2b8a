/* Parts: a tensor that is read in slices along one axis is several tensors (model, section 3). */
#include <inttypes.h>
#include <stdlib.h>

#include "base/memory.h"
#include "program/builder.h"

/* Part boundaries, sorted by value, then by position. */
typedef struct cut {
    int32_t value;
    int64_t position;
} cut;

static int compare_cuts(const void *a, const void *b)
{
    const cut *left = a;
    const cut *right = b;
    if (left->value != right->value)
        return left->value < right->value ? -1 : 1;
    return (left->position > right->position) - (left->position < right->position);
}

/*
 * What of which tensor the slice is, if it is a range of one that is cut the same way: the tensor
 * is `blocks` runs of elements, one after the other, and the slice the same range of each. A
 * reshape changes nothing about that. The first slice of a tensor says how many blocks.
 */
static void resolve_slice(builder *b, const mbs_layer *layer, value_range *slice)
{
    const value_range *from = &b->ranges[layer->inputs[0]];
    const mbs_shape *shape = builder_shape(b, layer->inputs[0]);
    const int axis = (int)layer->axis;
    const int64_t blocks = elements_between(shape, 0, axis);
    const int64_t unit = elements_between(shape, axis + 1, shape->rank);
    if (layer->step != 1 || from->value < 0)
        return;
    value_range *whole = &b->ranges[from->value];
    if (whole->blocks == 0) {
        whole->blocks = blocks;
        whole->unit = unit;
    }
    if (whole->blocks == blocks)
        *slice = (value_range){from->value, 0, 0, from->begin + layer->begin * unit,
                               from->begin + layer->end * unit};
}

static void resolve_ranges(builder *b)
{
    for (int32_t value = 0; value < b->value_count; value++) {
        const mbs_layer *layer = builder_layer(b, value);
        b->ranges[value] = (value_range){.value = -1};
        if (layer == NULL || !op_is_view(layer->op))
            b->ranges[value].value = value;
        else if (layer->op == OP_IDENTITY || layer->op == OP_RESHAPE || layer->op == OP_FLATTEN)
            b->ranges[value] = b->ranges[layer->inputs[0]];
        else if (layer->op == OP_SLICE)
            resolve_slice(b, layer, &b->ranges[value]);
    }
}

/* The length of the runs that the value is cut in. */
static int64_t run_length(const builder *b, int32_t value)
{
    return b->program->tensors[value].elements / b->ranges[value].blocks;
}

/* Cuts [first, end) are those of one value: makes its parts. */
static bool make_parts(builder *b, const cut *cuts, int32_t first, int32_t end)
{
    const int32_t value = cuts[first].value;
    const int64_t size = run_length(b, value);
    int64_t unit = b->ranges[value].unit; /* for names; 1 if a cut is not at a whole one */
    for (int32_t i = first; i < end; i++)
        unit = cuts[i].position % unit == 0 ? unit : 1;
    b->own[value].begin = b->program->tensor_count;
    b->own[value].count = end - first + 1;
    for (int32_t i = first; i <= end; i++) {
        int64_t from = i == first ? 0 : cuts[i - 1].position;
        int64_t to = i == end ? size : cuts[i].position;
        const char *name =
            name_pool_format(b->program->names, "%s[%" PRId64 ":%" PRId64 "]",
                             b->program->tensors[value].name, from / unit, to / unit);
        bool aligned;
        const int64_t rows = rows_of_part(b, value, from, to, &aligned);
        if (builder_tensor(b, b->ranges[value].blocks * (to - from), b->options.bits.activation,
                           rows, name) < 0 ||
            !id_array_push(b, &b->part_owner, value) ||
            !id_array_push(b, &b->part_aligned, aligned))
            return false;
        b->part_begin[b->part_owner.count - 1] = from;
    }
    return true;
}

/* All cuts inside tensors, sorted, each once; returns how many, or -1. */
static int32_t collect_cuts(builder *b, cut **result)
{
    int32_t slices = 0;
    for (int32_t l = 0; l < b->network->layer_count; l++)
        slices += b->network->layers[l].op == OP_SLICE;
    cut *cuts = mem_alloc(((size_t)slices * 2 + 1) * sizeof *cuts);
    *result = cuts;
    if (cuts == NULL)
        return -1;
    int32_t count = 0;
    for (int32_t l = 0; l < b->network->layer_count; l++) {
        const value_range *slice = &b->ranges[b->network->input_count + l];
        if (b->network->layers[l].op != OP_SLICE || slice->value < 0)
            continue;
        int64_t size = run_length(b, slice->value);
        if (slice->begin > 0)
            cuts[count++] = (cut){slice->value, slice->begin};
        if (slice->end < size)
            cuts[count++] = (cut){slice->value, slice->end};
    }
    qsort(cuts, (size_t)count, sizeof *cuts, compare_cuts);
    int32_t kept = 0;
    for (int32_t i = 0; i < count; i++)
        if (kept == 0 || compare_cuts(&cuts[kept - 1], &cuts[i]) != 0)
            cuts[kept++] = cuts[i];
    return kept;
}

bool parts_make(builder *b)
{
    cut *cuts;
    resolve_ranges(b);
    int32_t count = collect_cuts(b, &cuts);
    /* a part for each cut, and one more for each value that has any */
    if (count >= 0)
        b->part_begin = mem_alloc(((size_t)count * 2 + 1) * sizeof *b->part_begin);
    bool good = b->part_begin != NULL || builder_fail(b, MBS_ERR_MEMORY);
    for (int32_t first = 0; good && first < count;) {
        int32_t end = first;
        while (end < count && cuts[end].value == cuts[first].value)
            end++;
        good = make_parts(b, cuts, first, end);
        first = end;
    }
    mem_free(cuts);
    return good;
}

id_range parts_in(const builder *b, const value_range *slice)
{
    id_range own = b->own[slice->value];
    if (own.count == 1)
        return own;
    /* the parts' begins ascend; find the first at or after the slice's begin, and its end */
    const int64_t *begins = b->part_begin + (own.begin - b->value_count);
    const int64_t bounds[] = {slice->begin, slice->end};
    int32_t found[2];
    for (int side = 0; side < 2; side++) {
        int32_t low = 0, high = own.count;
        while (low < high) {
            int32_t middle = low + (high - low) / 2;
            if (begins[middle] < bounds[side])
                low = middle + 1;
            else
                high = middle;
        }
        found[side] = low;
    }
    return (id_range){own.begin + found[0], found[1] - found[0]};
}

bool is_aligned_part(const builder *b, int32_t tensor)
{
    return tensor < b->value_count || b->part_aligned.ids[tensor - b->value_count] != 0;
}

int32_t owner_of(const builder *b, int32_t tensor)
{
    return tensor < b->value_count ? tensor : b->part_owner.ids[tensor - b->value_count];
}
