/* The loss, gradients, and their sums at fan-outs (model, section 3). */
#include "program/builder.h"

/* The layer that made base tensor `tensor`, or -1 for a network input. */
static int32_t layer_of(const builder *b, int32_t tensor)
{
    int32_t value = owner_of(b, tensor);
    return value < b->network->input_count ? -1 : value - b->network->input_count;
}

/* A new gradient of `tensor`, contributed by the backward steps of `reader`. */
static int32_t make_gradient(builder *b, int32_t tensor, const char *reader)
{
    const mbs_tensor *of = &b->program->tensors[tensor];
    const char *name = name_pool_format(b->program->names, "%s.grad@%s", of->name, reader);
    return builder_tensor(b, of->elements, b->options.bits.activation, of->rows, name);
}

/* The next sum of the tensor's gradients, which becomes the running one. */
static int32_t make_sum(builder *b, int32_t tensor)
{
    const mbs_tensor of = b->program->tensors[tensor];
    const char *name =
        name_pool_format(b->program->names, "%s.grad#%d", of.name, b->sum_count[tensor]);
    const int32_t sum = builder_tensor(b, of.elements, b->options.bits.activation, of.rows, name);
    b->gradient[tensor] = sum;
    b->gradient_aligned[tensor] = true;
    b->gradient_shuffled[tensor] = false;
    return sum;
}

static bool sum_gradients(builder *b, int32_t tensor, int32_t contribution, bool aligned)
{
    const mbs_tensor of = b->program->tensors[tensor];
    const int32_t k = ++b->sum_count[tensor];
    const char *step_name = name_pool_format(b->program->names, "%s.gsum#%d", of.name, k);
    mbs_step *step = builder_step(b, layer_of(b, tensor), STEP_GSUM, step_name);
    if (step == NULL)
        return false;
    step->rows = of.rows;
    /* a tensor added to itself contributes the same gradient twice: one operand, one read */
    if (!builder_read(b, b->gradient[tensor],
                      map_plain(b, b->gradient_aligned[tensor], of.rows, b->gradient[tensor])) ||
        !builder_read(b, contribution, map_plain(b, aligned, of.rows, contribution)))
        return false;
    if (!b->gradient_shuffled[tensor])
        elementwise_sum(b);
    const int32_t sum = make_sum(b, tensor);
    return sum >= 0 && builder_write(b, sum);
}

bool gradient_add(builder *b, int32_t tensor, int32_t contribution, bool aligned, bool ordered)
{
    b->gradient_shuffled[tensor] = b->gradient_shuffled[tensor] || !ordered;
    if (b->gradient[tensor] >= 0)
        return sum_gradients(b, tensor, contribution, aligned);
    b->gradient[tensor] = contribution;
    b->gradient_aligned[tensor] = aligned;
    return true;
}

/* Every sink is read; those that need one get a gradient. */
static bool loss_touch(builder *b, int32_t sink, bool write)
{
    if (!b->is_sink[sink] || (write && !b->needs_gradient[owner_of(b, sink)]))
        return true;
    if (!write)
        return builder_read(b, sink, ROW_MAP_WHOLE);
    b->gradient[sink] = make_gradient(b, sink, "loss");
    b->gradient_aligned[sink] = true;
    return b->gradient[sink] >= 0 && builder_write(b, b->gradient[sink]);
}

bool loss_build(builder *b)
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

/*
 * Whether the last step adds to the running gradient of the i-th of b->wants, which it then reads,
 * or has read, for nothing else.
 */
static bool adds(const builder *b, int32_t i)
{
    const mbs_program *p = b->program;
    const int32_t running = b->gradient[b->wants.items[i].tensor];
    const int32_t latest = running < 0 ? -1 : p->tensors[running].last_touch;
    return b->network->sums && running >= 0 && latest < p->steps[p->step_count - 1].touch_begin;
}

/* The last step reads the running gradients to which it adds, into b->sums. */
static bool read_running(builder *b, bool aligned)
{
    mbs_program *p = b->program;
    b->sums.count = 0;
    for (int32_t i = 0; i < b->wants.count; i++) {
        const operand *of = &b->wants.items[i];
        const int32_t running = adds(b, i) ? b->gradient[of->tensor] : -1;
        const bool by_rows = aligned && of->aligned && b->gradient_aligned[of->tensor];
        if (!id_array_push(b, &b->sums, running))
            return false;
        if (running < 0)
            continue;
        const int64_t rows = p->steps[p->step_count - 1].rows;
        if (!builder_read(b, running, map_plain(b, by_rows, rows, running)))
            return false;
        /* what is written first comes of it element by element, whatever the step computes */
        p->touches[p->touch_count - 1].elementwise = i == 0 && !b->gradient_shuffled[of->tensor];
    }
    return true;
}

bool gradients_write(builder *b, const char *reader, bool aligned)
{
    const int32_t first = b->program->tensor_count;
    if (!read_running(b, aligned))
        return false;
    for (int32_t i = 0; i < b->wants.count; i++) {
        const int32_t tensor = b->wants.items[i].tensor;
        const int32_t running = b->sums.ids[i];
        b->sum_count[tensor] += running >= 0;
        const int32_t gradient =
            running >= 0 ? make_sum(b, tensor) : make_gradient(b, tensor, reader);
        if (gradient < 0 || !builder_write(b, gradient))
            return false;
        b->program->tensors[gradient].running = running;
    }
    for (int32_t i = 0; i < b->wants.count; i++)
        if (b->sums.ids[i] < 0 && !gradient_add(b, b->wants.items[i].tensor, first + i, true, true))
            return false;
    return true;
}
