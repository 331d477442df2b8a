/* Forward steps and the loss (model, section 3). */

#include "base/memory.h"
#include "base/wide.h"
#include "program/builder.h"

static bool writes_mask(mbs_op op)
{
    return op == OP_RELU || op == OP_RELU6 || op == OP_LEAKY_RELU || op == OP_DROPOUT;
}

/* Whether the number is at most 2^bits, of less than 127 bits. */
static bool fits_bits(wide number, int64_t bits)
{
    const uint64_t high = bits < 64 ? 0 : UINT64_C(1) << (bits - 64);
    const uint64_t low = bits < 64 ? UINT64_C(1) << bits : 0;
    return number.high < high || (number.high == high && number.low <= low);
}

/*
 * max(1, ceil(log2(elements of the window))): bits to say which of them was the largest. Of three
 * axes at most 2^126, which is more than there can be of each.
 */
static int64_t index_bits(const mbs_layer *layer)
{
    const wide area = wide_multiply((uint64_t)layer->kernel[0], (uint64_t)layer->kernel[1]);
    const wide low = wide_multiply(area.low, (uint64_t)layer->kernel[2]);
    const wide high = wide_multiply(area.high, (uint64_t)layer->kernel[2]);
    const wide window = {high.low + low.high, low.low};
    int64_t bits = 1;
    if (high.high > 0 || window.high < low.high || window.high >= UINT64_C(1) << 62)
        return 126;
    while (!fits_bits(window, bits))
        bits++;
    return bits;
}

/* The mask or index that the layer's forward step leaves for its backward step, or -1. */
static bool make_side_tensor(builder *b, int32_t layer)
{
    const mbs_layer *l = &b->network->layers[layer];
    int64_t bits = 0;
    const char *suffix = NULL;
    b->side[layer] = -1;
    if (writes_mask(l->op)) {
        bits = b->options.bits.mask;
        suffix = "mask";
    } else if (l->op == OP_MAX_POOL) {
        bits = index_bits(l);
        suffix = "index";
    }
    if (suffix == NULL || b->options.inference)
        return true;
    const char *name = name_pool_format(b->program->names, "%s.%s", l->name, suffix);
    b->side[layer] =
        builder_tensor(b, l->elements, bits, rows_of(b, b->network->input_count + layer), name);
    return b->side[layer] >= 0;
}

/* The step that makes a split norm's statistics; returns their tensor, or -1. */
static int32_t statistics_step(builder *b, int32_t layer)
{
    const mbs_layer *l = &b->network->layers[layer];
    name_pool *names = b->program->names;
    if (builder_step(b, layer, STEP_STAT, name_pool_format(names, "%s.stat", l->name)) == NULL ||
        !read_inputs(b, layer))
        return -1;
    return write_statistics(b, name_pool_format(names, "%s.statistics", l->name));
}

/* Reads what the samples need of an embedding's table, as much as the output has. */
static bool read_table(builder *b, int32_t layer)
{
    const mbs_layer *l = &b->network->layers[layer];
    const int64_t rows = rows_of(b, b->network->input_count + layer);
    const char *name = name_pool_format(b->program->names, "%s.rows", l->name);
    const int32_t table = builder_tensor(b, l->elements, b->options.bits.weight, rows, name);
    return table >= 0 && builder_read(b, table, ROW_MAP_SAME);
}

static bool forward_step(builder *b, int32_t layer)
{
    const mbs_layer *l = &b->network->layers[layer];
    const bool split = norm_is_split(b, l);
    const bool looks_up = l->op == OP_EMBEDDING;
    const int32_t statistics = split ? statistics_step(b, layer) : -1;
    if (split && statistics < 0)
        return false;
    const char *name = name_pool_copy(b->program->names, l->name);
    mbs_step *step = builder_step(b, layer, STEP_FORWARD, name);
    if (step == NULL || !builder_bytes(b, looks_up ? 0 : l->weights + l->biases,
                                       b->options.bits.weight, &step->weight_bytes))
        return false;
    step->rows = forward_rows(b, layer);
    builder_gemm(b, layer, step);
    if (!read_inputs(b, layer) || (split && !read_statistics(b, statistics)) ||
        (looks_up && !read_table(b, layer)))
        return false;
    elementwise_forward(b, layer);
    const id_range output = b->own[b->network->input_count + layer];
    for (int32_t i = 0; i < output.count; i++)
        if (!builder_write(b, output.begin + i))
            return false;
    return make_side_tensor(b, layer) && (b->side[layer] < 0 || builder_write(b, b->side[layer]));
}

/*
 * Sinks: what no forward step reads of the values that no layer reads. So a part of a tensor of
 * which only other parts are wanted is none.
 */
static bool find_sinks(builder *b)
{
    const mbs_network *n = b->network;
    const mbs_program *p = b->program;
    bool *used = mem_calloc((size_t)b->value_count, sizeof *used);
    if (used == NULL)
        return builder_fail(b, MBS_ERR_MEMORY);
    for (int32_t l = 0; l < n->layer_count; l++)
        for (int32_t i = 0; i < n->layers[l].input_count; i++)
            used[n->layers[l].inputs[i]] = true;
    for (int32_t value = n->input_count; value < b->value_count; value++) {
        id_list members = members_of(b, value);
        for (int32_t i = 0; i < members.count && !used[value]; i++)
            b->is_sink[members.ids[i]] = owner_of(b, members.ids[i]) >= n->input_count;
    }
    for (int32_t k = 0; k < p->step_count; k++)
        for (int32_t t = p->steps[k].touch_begin; t < p->steps[k].write_begin; t++)
            if (p->touches[t].tensor < b->base_count) /* others are statistics */
                b->is_sink[p->touches[t].tensor] = false;
    mem_free(used);
    return true;
}

/* Which values need a gradient: backward steps ask, but it is the same whatever these are. */
static void find_needs(builder *b)
{
    const mbs_network *n = b->network;
    for (int32_t layer = 0; layer < n->layer_count; layer++) {
        const mbs_layer *l = &n->layers[layer];
        bool needs = l->weights + l->biases > 0;
        for (int32_t i = 0; i < l->input_count && !needs; i++)
            needs = b->needs_gradient[l->inputs[i]];
        b->needs_gradient[n->input_count + layer] = needs;
    }
}

bool forward_build(builder *b)
{
    for (int32_t layer = 0; layer < b->network->layer_count; layer++)
        if (!op_is_view(b->network->layers[layer].op) && !forward_step(b, layer))
            return false;
    if (!find_sinks(b))
        return false;
    if (b->options.inference)
        for (int32_t tensor = 0; tensor < b->base_count; tensor++)
            b->program->tensors[tensor].kept = b->is_sink[tensor];
    else
        find_needs(b);
    return true;
}
