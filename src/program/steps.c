/* Steps, their operands and their matrix products. */
#include <assert.h>

#include "base/memory.h"
#include "program/builder.h"

static bool is_kept_batch_norm(const builder *b, const mbs_layer *l)
{
    return b->options.keep_batch_norm && l->op == OP_NORM && l->norm_kind == NORM_BATCH &&
           !norm_is_affine(b, l);
}

/* Whether the layer's steps need a whole sample; a split program's norms have their statistics from
   steps of their own. */
static bool needs_whole_sample(const builder *b, const mbs_layer *l)
{
    return l->op == OP_SOFTMAX || l->op == OP_MATMUL ||
           (l->op == OP_NORM && !b->options.split_norms && !norm_is_affine(b, l));
}

static const char *step_kind(builder *b, const mbs_layer *layer, step_pass pass)
{
    static const char *const suffixes[STEP_PASS_COUNT] = {
        "", ".wgrad", ".dgrad", ".bwd", ".agrad", ".bgrad", ".remat", ".stat", ".bwd.stat"};
    if (pass == STEP_GSUM || pass == STEP_LOSS)
        return pass == STEP_GSUM ? "gsum" : "loss";
    assert(layer != NULL);
    const char *op = op_name(layer->op);
    int row = (int)layer->op;
    if (norm_is_affine(b, layer)) {
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

/* Whether a layer's step of that pass does what is fused with it, too: a norm's statistics are of
   its input, and a product's gradients of one that has come through what is behind it. */
static bool does_fused(step_pass pass)
{
    return pass == STEP_FORWARD || pass == STEP_REMAT || pass == STEP_BWD || pass == STEP_BWD_STAT;
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
    const bool fuses = of_layer && b->fused_begin != NULL && does_fused(pass);
    mbs_step *step = &steps[p->step_count++];
    *step = (mbs_step){
        .name = name,
        .kind = kind,
        .layer = l == NULL ? name : p->tensors[b->network->input_count + layer].name,
        .layer_id = layer,
        .fused_begin = fuses ? b->fused_begin[layer] : 0,
        .fused_count = fuses ? l->fused_count : 0,
        .phase = pass == STEP_FORWARD || pass == STEP_STAT ? MBS_FORWARD : MBS_BACKWARD,
        .pass = pass,
        .whole_sample = of_layer && needs_whole_sample(b, l),
        .coupled = of_layer && is_kept_batch_norm(b, l) && !b->options.split_norms,
        .coupled_to = -1,
        .replaceable = -1,
        .weight_use = {-1, -1, 0},
        .accumulator_use = {-1, -1, 0},
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
    const int64_t pixels = elements_between(input, 1, input->rank);
    const int64_t k = input->dim[0] / l->groups;
    const int64_t n = l->weights / input->dim[0]; /* (Co/g)·kernel */
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
    const int64_t outputs = l->elements / l->out_channels; /* Ho·Wo, Do·Ho·Wo */
    const int64_t n = l->out_channels / l->groups;
    const int64_t k = l->weights / l->out_channels; /* (Ci/g)·kernel, or the inputs of an fc */
    if (step->pass == STEP_FORWARD || step->pass == STEP_REMAT)
        step->gemm = (mbs_gemm){outputs, k, n, l->groups, false, false};
    else if (step->pass == STEP_DGRAD)
        step->gemm = (mbs_gemm){outputs, n, k, l->groups, false, false};
    else if (step->pass == STEP_WGRAD)
        step->gemm = (mbs_gemm){k, outputs, n, l->groups, true, false};
    if (l->op == OP_CONV && l->axes == 2) /* what plan files and simulators know */
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
    p->touches[p->touch_count++] = (mbs_touch){tensor, p->step_count - 1, -1, -1, map, false};
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
