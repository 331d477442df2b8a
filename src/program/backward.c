/* Backward steps: loss, gradients, and their sums at fan-outs (model, section 3). */
#include "program/builder.h"

static const char *tensor_name(const builder *b, int32_t value)
{
    return b->program->tensors[value].name;
}

/* The layer that made `value`, or -1 for a network input. */
static int32_t layer_of(const builder *b, int32_t value)
{
    return value < b->network->input_count ? -1 : value - b->network->input_count;
}

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

/* A new gradient of `value`, contributed by the backward steps of `reader`. */
static int32_t make_gradient(builder *b, int32_t value, const char *reader)
{
    const char *name =
        name_pool_format(b->program->names, "%s.grad@%s", tensor_name(b, value), reader);
    int32_t layer = layer_of(b, value);
    return builder_tensor(b, b->network->layers[layer].elements, b->options.bits.activation, name);
}

static bool sum_gradients(builder *b, int32_t value, int32_t contribution)
{
    int32_t k = ++b->sum_count[value];
    int32_t layer = layer_of(b, value);
    name_pool *names = b->program->names;
    const char *step_name = name_pool_format(names, "%s.gsum#%d", tensor_name(b, value), k);
    if (builder_step(b, layer, MBS_BACKWARD, "gsum", step_name) == NULL ||
        !builder_read(b, b->gradient[value]))
        return false;
    /* a tensor added to itself contributes the same gradient twice: one operand, one read */
    if (contribution != b->gradient[value] && !builder_read(b, contribution))
        return false;
    const char *name = name_pool_format(names, "%s.grad#%d", tensor_name(b, value), k);
    int32_t sum =
        builder_tensor(b, b->network->layers[layer].elements, b->options.bits.activation, name);
    b->gradient[value] = sum;
    return sum >= 0 && builder_write(b, sum);
}

static bool contribute(builder *b, int32_t value, int32_t contribution)
{
    if (b->gradient[value] >= 0)
        return sum_gradients(b, value, contribution);
    b->gradient[value] = contribution;
    return true;
}

static bool loss_step(builder *b)
{
    if (builder_step(b, -1, MBS_BACKWARD, "loss", "loss") == NULL)
        return false;
    for (int32_t value = 0; value < b->value_count; value++)
        if (b->is_sink[value] && !builder_read(b, value))
            return false;
    for (int32_t value = 0; value < b->value_count; value++) {
        if (!b->is_sink[value] || !b->needs_gradient[value])
            continue;
        int32_t gradient = make_gradient(b, value, "loss");
        if (gradient < 0 || !builder_write(b, gradient))
            return false;
        b->gradient[value] = gradient;
    }
    return true;
}

static mbs_step *backward_step(builder *b, int32_t layer, int pass, const char *suffix)
{
    const mbs_layer *l = &b->network->layers[layer];
    const char *name = name_pool_format(b->program->names, "%s.%s", l->name, suffix);
    return builder_step(b, layer, MBS_BACKWARD, builder_kind(b, l, pass), name);
}

/* The last step writes a gradient for each of b->wants; sums follow at once. */
static bool write_gradients(builder *b, int32_t layer)
{
    int32_t first = b->program->tensor_count;
    for (int32_t i = 0; i < b->wants.count; i++) {
        int32_t gradient = make_gradient(b, b->wants.ids[i], b->network->layers[layer].name);
        if (gradient < 0 || !builder_write(b, gradient))
            return false;
    }
    for (int32_t i = 0; i < b->wants.count; i++)
        if (!contribute(b, b->wants.ids[i], first + i))
            return false;
    return true;
}

static bool read_inputs(builder *b)
{
    for (int32_t i = 0; i < b->reads.count; i++)
        if (!builder_read(b, b->reads.ids[i]))
            return false;
    return true;
}

static bool conv_backward(builder *b, int32_t layer, int32_t dy)
{
    const mbs_layer *l = &b->network->layers[layer];
    mbs_step *step = backward_step(b, layer, KIND_WGRAD, "wgrad");
    if (step == NULL || !builder_bytes(b, l->weights + l->biases, b->options.bits.accumulator,
                                       &step->accumulator_bytes))
        return false;
    builder_gemm(b, layer, KIND_WGRAD, step);
    if (!read_inputs(b) || !builder_read(b, dy))
        return false;
    if (b->wants.count == 0)
        return true;
    step = backward_step(b, layer, KIND_DGRAD, "dgrad");
    if (step == NULL || !builder_bytes(b, l->weights, b->options.bits.weight, &step->weight_bytes))
        return false;
    builder_gemm(b, layer, KIND_DGRAD, step);
    return builder_read(b, dy) && write_gradients(b, layer);
}

/*
 * The gradient of a sum is the gradient of each summand: an alias for summands of the output's size
 * (one for each time a tensor is added), a step for smaller ones.
 */
static bool add_backward(builder *b, int32_t layer, int32_t dy)
{
    const mbs_layer *l = &b->network->layers[layer];
    int32_t smaller = 0;
    for (int32_t i = 0; i < b->wants.count; i++) {
        int32_t value = b->wants.ids[i];
        if (b->network->layers[layer_of(b, value)].elements != l->elements)
            b->wants.ids[smaller++] = value;
    }
    b->wants.count = smaller;
    for (int32_t i = 0; i < l->input_count; i++) {
        id_list members = members_of(b, l->inputs[i]);
        int32_t value = members.ids[0]; /* one of the output's size is its view's only member */
        if (b->needs_gradient[value] &&
            b->network->layers[layer_of(b, value)].elements == l->elements &&
            !contribute(b, value, dy))
            return false;
    }
    if (smaller == 0)
        return true;
    return backward_step(b, layer, KIND_BWD, "bwd") != NULL && builder_read(b, dy) &&
           write_gradients(b, layer);
}

/* What the `bwd` step of the op reads besides dY. */
static void saved_operands(mbs_op op, bool *inputs, bool *output, bool *side)
{
    *inputs = op == OP_NORM || op == OP_GELU || op == OP_SILU || op == OP_ELU ||
              op == OP_HARDSWISH || op == OP_HARDSIGMOID || op == OP_MUL || op == OP_LRN;
    *output = op == OP_SIGMOID || op == OP_TANH || op == OP_SOFTMAX || op == OP_LRN;
    *side = op == OP_RELU || op == OP_RELU6 || op == OP_LEAKY_RELU || op == OP_DROPOUT ||
            op == OP_MAX_POOL;
}

static bool plain_backward(builder *b, int32_t layer, int32_t dy)
{
    const mbs_layer *l = &b->network->layers[layer];
    bool inputs, output, side;
    saved_operands(l->op, &inputs, &output, &side);
    mbs_step *step = backward_step(b, layer, KIND_BWD, "bwd");
    if (step == NULL ||
        !builder_bytes(b, l->weights, b->options.bits.weight, &step->weight_bytes) ||
        !builder_bytes(b, l->weights, b->options.bits.accumulator, &step->accumulator_bytes))
        return false;
    if (!builder_read(b, dy) || (inputs && !read_inputs(b)) ||
        (output && !builder_read(b, b->network->input_count + layer)) ||
        (side && !builder_read(b, b->side[layer])))
        return false;
    return write_gradients(b, layer);
}

static bool layer_backward(builder *b, int32_t layer)
{
    const mbs_layer *l = &b->network->layers[layer];
    int32_t output = b->network->input_count + layer;
    int32_t dy = b->gradient[output];
    if (op_is_view(l->op) || dy < 0 || !b->needs_gradient[output])
        return true;
    if (!members_collect(b, layer))
        return false;
    b->wants.count = 0;
    for (int32_t i = 0; i < b->reads.count; i++)
        if (b->needs_gradient[b->reads.ids[i]] && !id_array_push(b, &b->wants, b->reads.ids[i]))
            return false;
    if (l->op == OP_CONV || l->op == OP_FC)
        return conv_backward(b, layer, dy);
    if (l->op == OP_ADD)
        return add_backward(b, layer, dy);
    return plain_backward(b, layer, dy);
}

bool backward_build(builder *b)
{
    find_needs(b);
    if (!loss_step(b))
        return false;
    for (int32_t layer = b->network->layer_count; layer-- > 0;)
        if (!layer_backward(b, layer))
            return false;
    return true;
}
