/* From a network to its program. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "program/builder.h"

/* The names of the layers that others do, too; what is without names has none of these. */
static bool copy_fused(builder *b)
{
    const mbs_network *n = b->network;
    int32_t count = 0;
    b->fused_begin = mem_alloc((size_t)n->layer_count * sizeof *b->fused_begin);
    for (int32_t l = 0; l < n->layer_count; l++)
        count += n->layers[l].fused_count;
    if (b->fused_begin != NULL && count > 0)
        b->program->fused = mem_alloc((size_t)count * sizeof *b->program->fused);
    if (b->fused_begin == NULL || (count > 0 && b->program->fused == NULL))
        return builder_fail(b, MBS_ERR_MEMORY);
    count = 0;
    for (int32_t l = 0; l < n->layer_count; l++) {
        b->fused_begin[l] = count;
        for (int32_t f = 0; f < n->layers[l].fused_count; f++) {
            const char *name = name_pool_copy(b->program->names, n->layers[l].fused[f]);
            if (name == NULL)
                return builder_fail(b, MBS_ERR_MEMORY);
            b->program->fused[count++] = name;
        }
    }
    return true;
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
    b->program->folded = b->network->folded;
    b->program->fused_norms = b->network->fused;
    b->program->fused_sums = b->network->sums && !b->options.inference;
    b->program->keeps_batch_norms = b->options.keep_batch_norm != 0;
    b->program->recompute = b->options.recompute;
    b->program->has_shapes = true;
    b->program->has_rows = true;
    b->program->split = b->options.split_norms != 0;
    b->program->bits = b->options.bits;
    b->program->optimizer = b->options.inference ? MBS_OPTIMIZER_NONE : b->options.optimizer;
    b->program->optimizer_bits = b->options.optimizer_bits;
    b->program->names = blank ? name_pool_create_blank() : name_pool_create();
    b->program->network_name = mem_strdup(b->network->name);
    if (b->program->names == NULL || b->program->network_name == NULL)
        return builder_fail(b, MBS_ERR_MEMORY);
    row_axes_find(b);
    return maps_open(b) && (blank || copy_fused(b));
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
    b->gradient_shuffled = mem_calloc(count, sizeof *b->gradient_shuffled);
    b->sum_count = mem_calloc(count, sizeof *b->sum_count);
    b->recompute = mem_calloc(values, sizeof *b->recompute);
    b->again = mem_alloc(values * sizeof *b->again);
    b->again_for = mem_calloc(values, sizeof *b->again_for);
    b->copies = mem_calloc(values, sizeof *b->copies);
    if (b->gradient == NULL || b->gradient_aligned == NULL || b->gradient_shuffled == NULL ||
        b->sum_count == NULL || b->recompute == NULL || b->again == NULL || b->again_for == NULL ||
        b->copies == NULL)
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
            !b->options.keep_batch_norm && !norm_is_affine(b, layer))
            b->program->replaced_batch_norms++;
    }
    return true;
}

bool builder_open(builder *b, const mbs_network *network, const mbs_program_options *options,
                  bool blank, mbs_error *error)
{
    if (network->folded && !options->inference) {
        *b = (builder){.status = MBS_ERR_ARGUMENT};
        error_set(error, MBS_ERR_ARGUMENT,
                  "network %s has its norms folded into products, which is for inference alone",
                  quoted(network->name).text);
        return false;
    }
    if ((unsigned)options->optimizer >= MBS_OPTIMIZER_COUNT) {
        *b = (builder){.status = MBS_ERR_ARGUMENT};
        error_set(error, MBS_ERR_ARGUMENT, "no optimizer has the number %d",
                  (int)options->optimizer);
        return false;
    }
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
    mem_free(b->fused_begin);
    builder_close_own(b);
}

void builder_close_own(builder *b)
{
    mem_free(b->map_slots);
    mem_free(b->seen);
    mem_free(b->seen_at);
    mem_free(b->gradient);
    mem_free(b->gradient_aligned);
    mem_free(b->gradient_shuffled);
    mem_free(b->sum_count);
    mem_free(b->recompute);
    mem_free(b->again);
    mem_free(b->again_for);
    mem_free(b->copies);
    mem_free(b->pending.ids);
    mem_free(b->reads.items);
    mem_free(b->wants.items);
    mem_free(b->dy.items);
    mem_free(b->sums.ids);
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
