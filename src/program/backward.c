/* Backward steps of every op (model, section 3). */
#include "base/checked.h"
#include "program/builder.h"

static mbs_step *backward_step(builder *b, int32_t layer, step_pass pass, const char *suffix)
{
    const mbs_layer *l = &b->network->layers[layer];
    const char *name = name_pool_format(b->program->names, "%s.%s", l->name, suffix);
    return builder_step(b, layer, pass, name);
}

/* Appends what must be recomputed before the next step may read the operands. */
static bool remat_all(builder *b, const operand_array *operands)
{
    for (int32_t i = 0; i < operands->count; i++)
        if (!remat_before(b, operands->items[i].tensor))
            return false;
    return true;
}

/* Those of b->reads that need a gradient, into b->wants. */
static bool find_wants(builder *b)
{
    b->wants.count = 0;
    for (int32_t i = 0; i < b->reads.count; i++)
        if (b->needs_gradient[owner_of(b, b->reads.items[i].tensor)] &&
            !operand_push(b, &b->wants, b->reads.items[i]))
            return false;
    return true;
}

/* The rows of a backward step and how they go with those of what it reads. */
typedef struct step_rows {
    int64_t rows;   /* R */
    bool aligned;   /* they are the rows of the layer's input; if not, all is read whole */
    int32_t output; /* the map of what has the rows of the layer's output */
} step_rows;

/* Of a step that writes a gradient for each of b->wants; if there is none, of the output's rows. */
static step_rows gradient_rows(builder *b, int32_t layer)
{
    step_rows s = {.rows = 0, .aligned = true};
    for (int32_t i = 0; i < b->wants.count; i++) {
        const int64_t rows = b->program->tensors[b->wants.items[i].tensor].rows;
        if (rows > s.rows)
            s = (step_rows){.rows = rows, .aligned = true};
        if (rows == s.rows && !b->wants.items[i].aligned)
            s.aligned = false;
    }
    if (s.rows == 0)
        s.rows = rows_of(b, b->network->input_count + layer);
    s.output = s.aligned ? map_of_output(b, layer, s.rows)
                         : map_number(b, (mbs_row_map){.kind = ROWS_WHOLE}, s.rows,
                                      rows_of(b, b->network->input_count + layer));
    return s;
}

/* Reads dY by the map; parts of one whose rows are others, whole. */
static bool read_dy(builder *b, const step_rows *s)
{
    for (int32_t i = 0; i < b->dy.count; i++) {
        const operand *dy = &b->dy.items[i];
        if (!builder_read(b, dy->tensor,
                          dy->aligned ? s->output : map_plain(b, false, s->rows, dy->tensor)))
            return false;
    }
    return true;
}

/* Reads what is as high as the layer's input: its tensors, or what was recomputed. */
static bool read_saved_inputs(builder *b, const step_rows *s)
{
    for (int32_t i = 0; i < b->reads.count; i++) {
        const operand *read = &b->reads.items[i];
        if (!builder_read(b, remat_tensor(b, read->tensor),
                          map_plain(b, s->aligned && read->aligned, s->rows, read->tensor)))
            return false;
    }
    return true;
}

/* The weight gradient's rows are those of the tensor that the window does not slide over. */
static bool wgrad_reads(builder *b, int32_t layer, mbs_step *step)
{
    const mbs_layer *l = &b->network->layers[layer];
    step_rows s = {step->rows, true, ROW_MAP_SAME};
    if (l->op == OP_CONV_TRANSPOSE) {
        const bool aligned = rows_correspond(b, layer, 0);
        s.rows = step->rows = rows_of(b, l->inputs[0]);
        s.output = aligned ? map_of_summed_output(b, layer) : ROW_MAP_WHOLE;
        return read_saved_inputs(b, &s) && read_dy(b, &s);
    }
    bool aligned = false;
    int64_t dy_rows = 0;
    for (int32_t i = 0; i < b->dy.count; i++) {
        aligned = aligned || b->dy.items[i].aligned;
        dy_rows = max_i64(dy_rows, b->program->tensors[b->dy.items[i].tensor].rows);
    }
    if (!aligned) /* in parts of its rows, or of another shape */
        s.rows = step->rows = dy_rows;
    for (int32_t i = 0; i < b->reads.count; i++) {
        const operand *read = &b->reads.items[i];
        if (!builder_read(b, remat_tensor(b, read->tensor), aligned ? read->map : ROW_MAP_WHOLE))
            return false;
    }
    return read_dy(b, &s);
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
    if (!wgrad_reads(b, layer, step))
        return false;
    if (b->wants.count == 0)
        return true;
    step = backward_step(b, layer, STEP_DGRAD, "dgrad");
    if (step == NULL || !builder_bytes(b, l->weights, b->options.bits.weight, &step->weight_bytes))
        return false;
    const step_rows s = gradient_rows(b, layer);
    step->rows = s.rows;
    builder_gemm(b, layer, step);
    return read_dy(b, &s) && gradients_write(b, l->name, s.aligned);
}

/* One operand's gradient: a product of dY and the other operand. */
static bool operand_backward(builder *b, int32_t layer, int32_t input)
{
    static const char *const suffixes[] = {"agrad", "bgrad"};
    const step_pass pass = input == 0 ? STEP_AGRAD : STEP_BGRAD;
    if (!reads_collect_input(b, layer, input) || !find_wants(b))
        return false;
    if (b->wants.count == 0)
        return true;
    if (!reads_collect_input(b, layer, 1 - input) || !remat_all(b, &b->reads))
        return false;
    mbs_step *step = backward_step(b, layer, pass, suffixes[input]);
    if (step == NULL)
        return false;
    const char *name = step->name;
    const step_rows s = gradient_rows(b, layer);
    const step_rows other = {.rows = s.rows}; /* of which a row of the gradient needs all */
    step->rows = s.rows;
    builder_gemm(b, layer, step);
    return read_dy(b, &s) && read_saved_inputs(b, &other) && gradients_write(b, name, s.aligned);
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
    const int32_t output = b->own[b->network->input_count + layer].begin;
    reads_start(b);
    for (int32_t i = 0; i < l->input_count; i++)
        if (!is_alias(b, l, i) && !reads_add(b, layer, i))
            return false;
    if (!find_wants(b))
        return false;
    for (int32_t i = 0; i < l->input_count; i++) {
        if (!is_alias(b, l, i))
            continue;
        const operand summand = operand_of(b, layer, i, 0);
        const operand dy = b->dy.items[0];
        if (b->needs_gradient[owner_of(b, summand.tensor)] &&
            !gradient_add(b, summand.tensor, dy.tensor, dy.aligned && summand.aligned,
                          ordered_tensor(b, l->inputs[i]) >= 0 && !b->gradient_shuffled[output]))
            return false;
    }
    if (b->wants.count == 0 && l->weights == 0)
        return true;
    mbs_step *step = backward_step(b, layer, STEP_BWD, "bwd");
    if (step == NULL ||
        !builder_bytes(b, l->weights, b->options.bits.accumulator, &step->accumulator_bytes))
        return false;
    const step_rows s = gradient_rows(b, layer);
    step->rows = s.rows;
    return read_dy(b, &s) && gradients_write(b, l->name, s.aligned);
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

/*
 * A split norm's parameters' gradient and what else its backward step needs of all rows; returns
 * the tensor of the latter, or -1.
 */
static int32_t gradient_statistics(builder *b, int32_t layer)
{
    const mbs_layer *l = &b->network->layers[layer];
    const step_rows s = {rows_of(b, l->inputs[0]), true, ROW_MAP_SAME};
    mbs_step *step = backward_step(b, layer, STEP_BWD_STAT, "bwd.stat");
    /* what an activation fused with the norm lets through follows from the norm's output */
    const int64_t weights = l->fused_count > 0 ? l->weights : 0;
    if (step == NULL || !builder_bytes(b, weights, b->options.bits.weight, &step->weight_bytes) ||
        !builder_bytes(b, l->weights, b->options.bits.accumulator, &step->accumulator_bytes) ||
        !read_dy(b, &s) || !read_saved_inputs(b, &s))
        return -1;
    return write_statistics(b, name_pool_format(b->program->names, "%s.bwd.statistics", l->name));
}

/* What the forward step wrote: the output, or what was recomputed, and a mask or index. */
static bool read_results(builder *b, int32_t layer, saved_operands saved, const step_rows *s)
{
    const id_range output = b->own[b->network->input_count + layer];
    for (int32_t i = 0; saved.output && i < output.count; i++) {
        const int32_t tensor = output.begin + i;
        if (!builder_read(b, remat_tensor(b, tensor),
                          is_aligned_part(b, tensor) ? s->output
                                                     : map_plain(b, false, s->rows, tensor)))
            return false;
    }
    return !saved.side || builder_read(b, b->side[layer], s->output);
}

static bool plain_backward(builder *b, int32_t layer)
{
    const mbs_layer *l = &b->network->layers[layer];
    const int32_t value = b->network->input_count + layer;
    const bool split = norm_is_split(b, l);
    saved_operands saved = find_saved(l);
    if (saved.side && b->recompute[value]) { /* the output tells what its mask would */
        saved.output = true;
        saved.side = false;
    }
    if ((saved.inputs && !remat_all(b, &b->reads)) || (saved.output && !remat_before(b, value)))
        return false;
    const int32_t statistics = split ? gradient_statistics(b, layer) : -1;
    if (split && (statistics < 0 || b->wants.count == 0))
        return statistics >= 0;
    mbs_step *step = backward_step(b, layer, STEP_BWD, "bwd");
    if (step == NULL ||
        !builder_bytes(b, saved.weights ? l->weights : 0, b->options.bits.weight,
                       &step->weight_bytes) ||
        !builder_bytes(b, split ? 0 : l->weights, b->options.bits.accumulator,
                       &step->accumulator_bytes))
        return false;
    const step_rows s = gradient_rows(b, layer);
    step->rows = s.rows;
    if (!read_dy(b, &s) || (saved.inputs && !read_saved_inputs(b, &s)) ||
        (split && !read_statistics(b, statistics)))
        return false;
    if (!read_results(b, layer, saved, &s))
        return false;
    elementwise_backward(b, layer);
    return gradients_write(b, l->name, s.aligned);
}

/* The gradient of the rows that were looked up, each sample's of its own: nobody reads it here. */
static bool embedding_backward(builder *b, int32_t layer)
{
    const mbs_layer *l = &b->network->layers[layer];
    b->wants.count = 0;
    if (!remat_all(b, &b->reads) || backward_step(b, layer, STEP_BWD, "bwd") == NULL)
        return false;
    step_rows s = gradient_rows(b, layer);
    if (!read_dy(b, &s))
        return false;
    s.aligned = false;
    if (!read_saved_inputs(b, &s))
        return false;
    const char *name = name_pool_format(b->program->names, "%s.rows.grad", l->name);
    const int32_t gradient =
        builder_tensor(b, l->elements, b->options.bits.accumulator, s.rows, name);
    if (gradient < 0)
        return false;
    b->program->tensors[gradient].kept = true;
    return builder_write(b, gradient);
}

/* The gradients of the layer's output that there are, into b->dy. */
static bool find_dy(builder *b, int32_t layer)
{
    const id_range output = b->own[b->network->input_count + layer];
    b->dy.count = 0;
    for (int32_t i = 0; i < output.count; i++) {
        const int32_t tensor = output.begin + i;
        const operand dy = {.tensor = b->gradient[tensor],
                            .aligned = b->gradient_aligned[tensor] && is_aligned_part(b, tensor)};
        if (dy.tensor >= 0 && !operand_push(b, &b->dy, dy))
            return false;
    }
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
    if (!reads_collect(b, layer) || !find_wants(b))
        return false;
    if (l->op == OP_CONV || l->op == OP_FC || l->op == OP_CONV_TRANSPOSE)
        return conv_backward(b, layer);
    return l->op == OP_EMBEDDING ? embedding_backward(b, layer) : plain_backward(b, layer);
}

bool backward_build(builder *b)
{
    if (!remat_choose(b) || !loss_build(b))
        return false;
    for (int32_t layer = b->network->layer_count; layer-- > 0;)
        if (!layer_backward(b, layer))
            return false;
    return true;
}
