/* From a network to its program. */
#include <assert.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "program/builder.h"

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

/* In inference a batch norm's statistics are constants. */
static bool is_affine(const builder *b, const mbs_layer *l)
{
    return b->options.inference && l->op == OP_NORM && l->norm_kind == NORM_BATCH;
}

static bool is_kept_batch_norm(const builder *b, const mbs_layer *l)
{
    return b->options.keep_batch_norm && l->op == OP_NORM && l->norm_kind == NORM_BATCH &&
           !is_affine(b, l);
}

/* Whether the layer's steps need a whole sample; a split program's norms have their statistics from
   steps of their own. */
static bool needs_whole_sample(const builder *b, const mbs_layer *l)
{
    return l->op == OP_SOFTMAX || l->op == OP_MATMUL ||
           (l->op == OP_NORM && !b->options.split_norms && !is_affine(b, l));
}

static const char *step_kind(builder *b, const mbs_layer *layer, step_pass pass)
{
    static const char *const suffixes[STEP_PASS_COUNT] = {
        "", ".wgrad", ".dgrad", ".bwd", ".agrad", ".bgrad", ".remat", ".stat", ".bwd.stat"};
    if (pass == STEP_GSUM || pass == STEP_LOSS)
        return pass == STEP_GSUM ? "gsum" : "loss";
    assert(layer != NULL);
    const char *op = op_name(layer->op);
    int row = layer->op;
    if (is_affine(b, layer)) {
        row = KIND_AFFINE;
        op = "affine";
    } else if (is_kept_batch_norm(b, layer)) {
        row = KIND_BATCH_NORM;
        op = "batch_norm";
    }
    const char **kind = &b->kinds[row][pass];
    if (*kind == NULL)
        *kind = name_pool_format(b->program->names, "%s%s", op, suffixes[pass]);
    return *kind;
}

mbs_step *builder_step(builder *b, int32_t layer, step_pass pass, const char *name)
{
    mbs_program *p = b->program;
    const mbs_layer *l = layer < 0 ? NULL : &b->network->layers[layer];
    const char *kind = step_kind(b, l, pass);
    if (kind == NULL || name == NULL) {
        builder_fail(b, MBS_ERR_MEMORY);
        return NULL;
    }
    mbs_step *steps = mem_grow(p->steps, &b->step_capacity, p->step_count, sizeof *steps);
    if (steps == NULL) {
        builder_fail(b, MBS_ERR_MEMORY);
        return NULL;
    }
    p->steps = steps;
    const bool of_layer = l != NULL && pass != STEP_GSUM;
    mbs_step *step = &steps[p->step_count++];
    *step = (mbs_step){
        .name = name,
        .kind = kind,
        .layer = l == NULL ? name : p->tensors[b->network->input_count + layer].name,
        .layer_id = layer,
        .phase = pass == STEP_FORWARD || pass == STEP_STAT ? MBS_FORWARD : MBS_BACKWARD,
        .pass = pass,
        .whole_sample = of_layer && needs_whole_sample(b, l),
        .coupled = of_layer && is_kept_batch_norm(b, l) && !b->options.split_norms,
        .coupled_to = -1,
        .rows = l == NULL ? 0 : rows_of(b, b->network->input_count + layer),
        .touch_begin = p->touch_count,
        .write_begin = p->touch_count,
        .touch_end = p->touch_count,
    };
    return step;
}

/* Its forward pass is a convolution's dgrad. */
static void conv_transpose_gemm(const builder *b, const mbs_layer *l, mbs_step *step)
{
    const mbs_shape *input = builder_shape(b, l->inputs[0]);
    const int64_t pixels = input->dim[1] * input->dim[2];
    const int64_t k = input->dim[0] / l->groups;
    const int64_t n = l->weights / input->dim[0]; /* (Co/g)·kh·kw */
    if (step->pass == STEP_FORWARD || step->pass == STEP_REMAT)
        step->gemm = (mbs_gemm){pixels, k, n, l->groups, false, false};
    else if (step->pass == STEP_DGRAD)
        step->gemm = (mbs_gemm){pixels, n, k, l->groups, false, false};
    else if (step->pass == STEP_WGRAD)
        step->gemm = (mbs_gemm){k, pixels, n, l->groups, true, false};
}

/* The products of one sample: dA = dY·Bt, dB = At·dY. */
static void matmul_gemm(const builder *b, const mbs_layer *l, mbs_step *step)
{
    const mbs_shape *left = builder_shape(b, l->inputs[0]);
    const int rank = l->shape.rank;
    const int64_t m = l->shape.dim[rank - 2];
    const int64_t n = l->shape.dim[rank - 1];
    const int64_t k = left->dim[rank - (l->transpose[0] ? 2 : 1)];
    const int64_t products = l->elements / m / n;
    if (step->pass == STEP_FORWARD || step->pass == STEP_REMAT)
        step->gemm = (mbs_gemm){m, k, n, products, false, true};
    else if (step->pass == STEP_AGRAD)
        step->gemm = (mbs_gemm){m, n, k, products, false, true};
    else if (step->pass == STEP_BGRAD)
        step->gemm = (mbs_gemm){k, m, n, products, false, true};
}

/* Section 7: fc is a convolution of as many output pixels as it has rows. */
void builder_gemm(const builder *b, int32_t layer, mbs_step *step)
{
    const mbs_layer *l = &b->network->layers[layer];
    if (l->op == OP_CONV_TRANSPOSE)
        conv_transpose_gemm(b, l, step);
    if (l->op == OP_MATMUL)
        matmul_gemm(b, l, step);
    if (l->op != OP_CONV && l->op != OP_FC)
        return;
    const int64_t outputs = l->elements / l->out_channels; /* Ho·Wo */
    const int64_t n = l->out_channels / l->groups;
    const int64_t k = l->weights / l->out_channels; /* (Ci/g)·kh·kw, or the inputs of an fc */
    if (step->pass == STEP_FORWARD || step->pass == STEP_REMAT)
        step->gemm = (mbs_gemm){outputs, k, n, l->groups, false, false};
    else if (step->pass == STEP_DGRAD)
        step->gemm = (mbs_gemm){outputs, n, k, l->groups, false, false};
    else if (step->pass == STEP_WGRAD)
        step->gemm = (mbs_gemm){k, outputs, n, l->groups, true, false};
    if (l->op == OP_CONV)
        step->conv = (mbs_conv){k / (l->kernel[0] * l->kernel[1]) * l->groups,
                                l->out_channels,
                                {l->shape.dim[1], l->shape.dim[2]},
                                {l->kernel[0], l->kernel[1]},
                                {l->stride[0], l->stride[1]},
                                {l->dilation[0], l->dilation[1]}};
}

static bool add_touch(builder *b, int32_t tensor, int32_t map)
{
    mbs_program *p = b->program;
    if (p->touch_count >= PROGRAM_MAX_TOUCHES)
        return builder_fail(b, MBS_ERR_INPUT);
    mbs_touch *touches = mem_grow(p->touches, &b->touch_capacity, p->touch_count, sizeof *touches);
    if (touches == NULL)
        return builder_fail(b, MBS_ERR_MEMORY);
    p->touches = touches;
    p->tensors[tensor].last_touch = p->touch_count;
    p->touches[p->touch_count++] = (mbs_touch){tensor, p->step_count - 1, -1, -1, map};
    return true;
}

bool builder_read(builder *b, int32_t tensor, int32_t map)
{
    mbs_step *step = &b->program->steps[b->program->step_count - 1];
    const int32_t before = b->program->tensors[tensor].last_touch;
    if (map < 0)
        return false;
    if (before >= step->touch_begin) { /* an operand already */
        mbs_touch *touch = &b->program->touches[before];
        touch->map = touch->map == map ? map : ROW_MAP_WHOLE;
        return true;
    }
    if (!add_touch(b, tensor, map))
        return false;
    step->write_begin = step->touch_end = b->program->touch_count;
    return true;
}

bool builder_write(builder *b, int32_t tensor)
{
    if (!add_touch(b, tensor, ROW_MAP_SAME))
        return false;
    b->program->steps[b->program->step_count - 1].touch_end = b->program->touch_count;
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
                                               .first_touch = -1,
                                               .last_touch = -1};
    return p->tensor_count++;
}

static bool open_values(builder *b, bool blank)
{
    size_t values = (size_t)b->value_count;
    b->ranges = mem_calloc(values, sizeof *b->ranges);
    b->own = mem_calloc(values, sizeof *b->own);
    b->members = mem_calloc(values, sizeof *b->members);
    b->needs_gradient = mem_calloc(values, sizeof *b->needs_gradient);
    b->side = mem_alloc(values * sizeof *b->side);
    b->row_axis = mem_calloc(values, sizeof *b->row_axis);
    b->keeps_rows = mem_calloc(values, sizeof *b->keeps_rows);
    b->program = mem_calloc(1, sizeof *b->program);
    if (b->ranges == NULL || b->own == NULL || b->members == NULL || b->needs_gradient == NULL ||
        b->side == NULL || b->row_axis == NULL || b->keeps_rows == NULL || b->program == NULL)
        return builder_fail(b, MBS_ERR_MEMORY);
    b->program->inference = b->options.inference != 0;
    b->program->keeps_batch_norms = b->options.keep_batch_norm != 0;
    b->program->recompute = b->options.recompute;
    b->program->has_shapes = true;
    b->program->has_rows = true;
    b->program->split = b->options.split_norms != 0;
    b->program->bits = b->options.bits;
    b->program->names = blank ? name_pool_create_blank() : name_pool_create();
    b->program->network_name = mem_strdup(b->network->name);
    if (b->program->names == NULL || b->program->network_name == NULL)
        return builder_fail(b, MBS_ERR_MEMORY);
    row_axes_find(b);
    return maps_open(b);
}

/* What is kept for each tensor of a value and each part, once there are all of them. */
static bool open_base_tensors(builder *b)
{
    b->base_count = b->program->tensor_count;
    size_t count = (size_t)b->base_count;
    b->seen = mem_calloc(count, sizeof *b->seen);
    b->seen_at = mem_calloc(count, sizeof *b->seen_at);
    b->is_sink = mem_calloc(count, sizeof *b->is_sink);
    if (b->seen == NULL || b->seen_at == NULL || b->is_sink == NULL)
        return builder_fail(b, MBS_ERR_MEMORY);
    return true;
}

/* What only backward steps change. */
static bool open_backward(builder *b)
{
    size_t values = (size_t)b->value_count;
    size_t count = (size_t)b->base_count;
    b->gradient = mem_alloc(count * sizeof *b->gradient);
    b->gradient_aligned = mem_calloc(count, sizeof *b->gradient_aligned);
    b->sum_count = mem_calloc(count, sizeof *b->sum_count);
    b->recompute = mem_calloc(values, sizeof *b->recompute);
    b->again = mem_alloc(values * sizeof *b->again);
    b->again_for = mem_calloc(values, sizeof *b->again_for);
    b->copies = mem_calloc(values, sizeof *b->copies);
    if (b->gradient == NULL || b->gradient_aligned == NULL || b->sum_count == NULL ||
        b->recompute == NULL || b->again == NULL || b->again_for == NULL || b->copies == NULL)
        return builder_fail(b, MBS_ERR_MEMORY);
    for (size_t tensor = 0; tensor < count; tensor++)
        b->gradient[tensor] = -1;
    for (size_t value = 0; value < values; value++)
        b->again[value] = -1;
    return true;
}

/* Tensor v is value v's; that of a view or of a value in parts is dropped at the end, untouched. */
static bool add_value_tensors(builder *b)
{
    const mbs_network *n = b->network;
    for (int32_t value = 0; value < b->value_count; value++) {
        bool input = value < n->input_count;
        const mbs_layer *layer = input ? NULL : &n->layers[value - n->input_count];
        int64_t elements = input ? n->inputs[value].elements : layer->elements;
        const char *name =
            name_pool_copy(b->program->names, input ? n->inputs[value].name : layer->name);
        if (builder_tensor(b, elements, b->options.bits.activation, rows_of(b, value), name) < 0)
            return false;
        b->own[value] = (id_range){value, 1};
        if (!input && layer->op == OP_NORM && layer->norm_kind == NORM_BATCH &&
            !b->options.keep_batch_norm && !is_affine(b, layer))
            b->program->replaced_batch_norms++;
    }
    return true;
}

bool builder_open(builder *b, const mbs_network *network, const mbs_program_options *options,
                  bool blank, mbs_error *error)
{
    *b = (builder){.network = network,
                   .options = *options,
                   .error = error,
                   .value_count = network->input_count + network->layer_count};
    return open_values(b, blank) && add_value_tensors(b) && parts_make(b) && open_base_tensors(b) &&
           members_resolve(b) && forward_build(b);
}

mbs_program *builder_end(builder *b)
{
    if (!b->options.inference && (!open_backward(b) || !backward_build(b)))
        return NULL;
    if (!builder_finish(b))
        return NULL;
    mbs_program *program = b->program;
    b->program = NULL;
    return program;
}

void builder_close(builder *b)
{
    mem_free(b->ranges);
    mem_free(b->own);
    mem_free(b->part_owner.ids);
    mem_free(b->part_begin);
    mem_free(b->members);
    mem_free(b->part_aligned.ids);
    mem_free(b->member_pool.ids);
    mem_free(b->member_aligned.ids);
    mem_free(b->row_axis);
    mem_free(b->keeps_rows);
    mem_free(b->needs_gradient);
    mem_free(b->is_sink);
    mem_free(b->side);
    builder_close_own(b);
}

void builder_close_own(builder *b)
{
    mem_free(b->map_slots);
    mem_free(b->seen);
    mem_free(b->seen_at);
    mem_free(b->gradient);
    mem_free(b->gradient_aligned);
    mem_free(b->sum_count);
    mem_free(b->recompute);
    mem_free(b->again);
    mem_free(b->again_for);
    mem_free(b->copies);
    mem_free(b->pending.ids);
    mem_free(b->reads.items);
    mem_free(b->wants.items);
    mem_free(b->dy.items);
    mbs_program_free(b->program);
}

mbs_status mbs_program_create(mbs_program **program, const mbs_network *network,
                              const mbs_program_options *options, mbs_error *error)
{
    builder b;
    *program = builder_open(&b, network, options, false, error) ? builder_end(&b) : NULL;
    builder_close(&b);
    return b.status;
}
