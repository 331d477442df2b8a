/* Backward steps: loss, gradients, and their sums at fan-outs (model, section 3). */
#include "program/builder.h"

/* The layer that made base tensor `tensor`, or -1 for a network input. */
static int32_t layer_of(const builder *b, int32_t tensor)
{
    int32_t value = owner_of(b, tensor);
    return value < b->network->input_count ? -1 : value - b->network->input_count;
}

void backward_find_needs(builder *b)
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

/* A new gradient of `tensor`, contributed by the backward steps of `reader`. */
static int32_t make_gradient(builder *b, int32_t tensor, const char *reader)
{
    const mbs_tensor *of = &b->program->tensors[tensor];
    const char *name = name_pool_format(b->program->names, "%s.grad@%s", of->name, reader);
    return builder_tensor(b, of->elements, b->options.bits.activation, name);
}

static bool sum_gradients(builder *b, int32_t tensor, int32_t contribution)
{
    const mbs_tensor of = b->program->tensors[tensor];
    int32_t k = ++b->sum_count[tensor];
    name_pool *names = b->program->names;
    const char *step_name = name_pool_format(names, "%s.gsum#%d", of.name, k);
    if (builder_step(b, layer_of(b, tensor), STEP_GSUM, step_name) == NULL ||
        !builder_read(b, b->gradient[tensor]))
        return false;
    /* a tensor added to itself contributes the same gradient twice: one operand, one read */
    if (contribution != b->gradient[tensor] && !builder_read(b, contribution))
        return false;
    const char *name = name_pool_format(names, "%s.grad#%d", of.name, k);
    int32_t sum = builder_tensor(b, of.elements, b->options.bits.activation, name);
    b->gradient[tensor] = sum;
    return sum >= 0 && builder_write(b, sum);
}

static bool contribute(builder *b, int32_t tensor, int32_t contribution)
{
    if (b->gradient[tensor] >= 0)
        return sum_gradients(b, tensor, contribution);
    b->gradient[tensor] = contribution;
    return true;
}

/* Every sink is read; those that need one get a gradient. */
static bool loss_touch(builder *b, int32_t sink, bool write)
{
    if (!b->is_sink[sink] || (write && !b->needs_gradient[owner_of(b, sink)]))
        return true;
    if (!write)
        return builder_read(b, sink);
    b->gradient[sink] = make_gradient(b, sink, "loss");
    return b->gradient[sink] >= 0 && builder_write(b, b->gradient[sink]);
}

static bool loss_step(builder *b)
{
    if (builder_step(b, -1, STEP_LOSS, "loss") == NULL)
        return false;
    for (int write = 0; write < 2; write++)
        for (int32_t value = 0; value < b->value_count; value++)
            for (int32_t i = 0; i < b->own[value].count; i++)
                if (!loss_touch(b, b->own[value].begin + i, write != 0))
                    return false;
    return true;
}

static mbs_step *backward_step(builder *b, int32_t layer, step_pass pass, const char *suffix)
{
    const mbs_layer *l = &b->network->layers[layer];
    const char *name = name_pool_format(b->program->names, "%s.%s", l->name, suffix);
    return builder_step(b, layer, pass, name);
}

/* The last step, of `reader`, writes a gradient for each of b->wants; sums follow at once. */
static bool write_gradients(builder *b, const char *reader)
{
    int32_t first = b->program->tensor_count;
    for (int32_t i = 0; i < b->wants.count; i++) {
        int32_t gradient = make_gradient(b, b->wants.ids[i], reader);
        if (gradient < 0 || !builder_write(b, gradient))
            return false;
    }
    for (int32_t i = 0; i < b->wants.count; i++)
        if (!contribute(b, b->wants.ids[i], first + i))
            return false;
    return true;
}

/* Appends what must be recomputed before the next step may read the tensors. */
static bool remat_all(builder *b, const id_array *tensors)
{
    for (int32_t i = 0; i < tensors->count; i++)
        if (!remat_before(b, tensors->ids[i]))
            return false;
    return true;
}

/* What was recomputed is read in its place. */
static bool read_again(builder *b, const id_array *tensors)
{
    for (int32_t i = 0; i < tensors->count; i++)
        if (!builder_read(b, remat_tensor(b, tensors->ids[i])))
            return false;
    return true;
}

static bool read_all(builder *b, const id_array *tensors)
{
    for (int32_t i = 0; i < tensors->count; i++)
        if (!builder_read(b, tensors->ids[i]))
            return false;
    return true;
}

/* Those of b->reads that need a gradient, into b->wants. */
static bool find_wants(builder *b)
{
    b->wants.count = 0;
    for (int32_t i = 0; i < b->reads.count; i++)
        if (b->needs_gradient[owner_of(b, b->reads.ids[i])] &&
            !id_array_push(b, &b->wants, b->reads.ids[i]))
            return false;
    return true;
}

static bool conv_backward(builder *b, int32_t layer)
{
    const mbs_layer *l = &b->network->layers[layer];
    if (!remat_all(b, &b->reads))
        return false;
    mbs_step *step = backward_step(b, layer, STEP_WGRAD, "wgrad");
    if (step == NULL || !builder_bytes(b, l->weights + l->biases, b->options.bits.accumulator,
                                       &step->accumulator_bytes))
        return false;
    builder_gemm(b, layer, step);
    if (!read_again(b, &b->reads) || !read_all(b, &b->dy))
        return false;
    if (b->wants.count == 0)
        return true;
    step = backward_step(b, layer, STEP_DGRAD, "dgrad");
    if (step == NULL || !builder_bytes(b, l->weights, b->options.bits.weight, &step->weight_bytes))
        return false;
    builder_gemm(b, layer, step);
    return read_all(b, &b->dy) && write_gradients(b, b->network->layers[layer].name);
}

/* One operand's gradient: a product of dY and the other operand. */
static bool operand_backward(builder *b, int32_t layer, int32_t operand)
{
    static const char *const suffixes[] = {"agrad", "bgrad"};
    const step_pass pass = operand == 0 ? STEP_AGRAD : STEP_BGRAD;
    if (!members_collect_input(b, layer, operand) || !find_wants(b))
        return false;
    if (b->wants.count == 0)
        return true;
    if (!members_collect_input(b, layer, 1 - operand) || !remat_all(b, &b->reads))
        return false;
    mbs_step *step = backward_step(b, layer, pass, suffixes[operand]);
    if (step == NULL)
        return false;
    const char *name = step->name;
    builder_gemm(b, layer, step);
    return read_all(b, &b->dy) && read_again(b, &b->reads) && write_gradients(b, name);
}

/* Whether dY as it is can be the gradient of the layer's input: then it is an alias. */
static bool is_alias(const builder *b, const mbs_layer *l, int32_t input)
{
    id_list members = members_of(b, l->inputs[input]);
    const mbs_tensor *tensors = b->program->tensors;
    int32_t output = (int32_t)(l - b->network->layers) + b->network->input_count;
    int64_t elements = 1;
    const mbs_shape *shape = builder_shape(b, l->inputs[input]);
    for (int d = 0; d < shape->rank; d++)
        elements *= shape->dim[d];
    return b->own[output].count == 1 && members.count == 1 && elements == l->elements &&
           tensors[members.ids[0]].elements == elements;
}

/*
 * The gradient of a sum is the gradient of each summand: an alias for summands of the output's size
 * (one for each time a tensor is added), a step for others, and for the parameters of a bias.
 */
static bool add_backward(builder *b, int32_t layer)
{
    const mbs_layer *l = &b->network->layers[layer];
    b->reads.count = 0;
    b->stamp++;
    for (int32_t i = 0; i < l->input_count; i++)
        if (!is_alias(b, l, i) && !members_add(b, l->inputs[i], &b->reads))
            return false;
    if (!find_wants(b))
        return false;
    for (int32_t i = 0; i < l->input_count; i++) {
        int32_t tensor = members_of(b, l->inputs[i]).ids[0];
        if (is_alias(b, l, i) && b->needs_gradient[owner_of(b, tensor)] &&
            !contribute(b, tensor, b->dy.ids[0]))
            return false;
    }
    if (b->wants.count == 0 && l->weights == 0)
        return true;
    mbs_step *step = backward_step(b, layer, STEP_BWD, "bwd");
    return step != NULL &&
           builder_bytes(b, l->weights, b->options.bits.accumulator, &step->accumulator_bytes) &&
           read_all(b, &b->dy) && write_gradients(b, l->name);
}

/* What the `bwd` step of a layer reads besides dY. */
typedef struct saved_operands {
    bool inputs;
    bool output;
    bool side;
    bool weights;
} saved_operands;

static saved_operands find_saved(const mbs_layer *l)
{
    saved_operands saved = {.weights = true};
    switch (l->op) {
    case OP_NORM:
    case OP_GELU:
    case OP_SILU:
    case OP_ELU:
    case OP_HARDSWISH:
    case OP_HARDSIGMOID:
    case OP_MUL:
    case OP_PRELU:
    case OP_ELEMENTWISE:
        saved.inputs = true;
        break;
    case OP_SCALE:
        saved.inputs = l->weights > 0;
        break;
    case OP_LRN:
        saved.inputs = saved.output = true;
        break;
    case OP_SIGMOID:
    case OP_TANH:
    case OP_SOFTMAX:
        saved.output = true;
        break;
    case OP_RELU:
    case OP_RELU6:
    case OP_LEAKY_RELU:
    case OP_DROPOUT:
    case OP_MAX_POOL:
        saved.side = true;
        break;
    case OP_PARAMETER:
        saved.weights = false;
        break;
    default:
        break;
    }
    return saved;
}

static bool plain_backward(builder *b, int32_t layer)
{
    const mbs_layer *l = &b->network->layers[layer];
    const int32_t value = b->network->input_count + layer;
    const id_range output = b->own[value];
    saved_operands saved = find_saved(l);
    if (saved.side && b->recompute[value]) { /* the output tells what its mask would */
        saved.output = true;
        saved.side = false;
    }
    if ((saved.inputs && !remat_all(b, &b->reads)) || (saved.output && !remat_before(b, value)))
        return false;
    mbs_step *step = backward_step(b, layer, STEP_BWD, "bwd");
    if (step == NULL ||
        !builder_bytes(b, saved.weights ? l->weights : 0, b->options.bits.weight,
                       &step->weight_bytes) ||
        !builder_bytes(b, l->weights, b->options.bits.accumulator, &step->accumulator_bytes))
        return false;
    if (!read_all(b, &b->dy) || (saved.inputs && !read_again(b, &b->reads)))
        return false;
    for (int32_t i = 0; saved.output && i < output.count; i++)
        if (!builder_read(b, remat_tensor(b, output.begin + i)))
            return false;
    return (!saved.side || builder_read(b, b->side[layer])) && write_gradients(b, l->name);
}

/* The gradients of the layer's output that there are, into b->dy. */
static bool find_dy(builder *b, int32_t layer)
{
    const id_range output = b->own[b->network->input_count + layer];
    b->dy.count = 0;
    for (int32_t i = 0; i < output.count; i++)
        if (b->gradient[output.begin + i] >= 0 &&
            !id_array_push(b, &b->dy, b->gradient[output.begin + i]))
            return false;
    return true;
}

static bool layer_backward(builder *b, int32_t layer)
{
    const mbs_layer *l = &b->network->layers[layer];
    if (op_is_view(l->op) || !b->needs_gradient[b->network->input_count + layer])
        return true;
    if (!find_dy(b, layer))
        return false;
    if (b->dy.count == 0)
        return true;
    remat_reader(b, layer);
    if (l->op == OP_MATMUL)
        return operand_backward(b, layer, 0) && operand_backward(b, layer, 1);
    if (l->op == OP_ADD || l->op == OP_BIAS)
        return add_backward(b, layer);
    if (!members_collect(b, layer) || !find_wants(b))
        return false;
    if (l->op == OP_CONV || l->op == OP_FC || l->op == OP_CONV_TRANSPOSE)
        return conv_backward(b, layer);
    return plain_backward(b, layer);
}

bool backward_build(builder *b)
{
    if (!remat_choose(b) || !loss_step(b))
        return false;
    for (int32_t layer = b->network->layer_count; layer-- > 0;)
        if (!layer_backward(b, layer))
            return false;
    return true;
}
