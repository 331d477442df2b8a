/* Rematerialisation: forward steps again in the backward phase (model, section 10). */
#include "base/error.h"
#include "program/builder.h"
#include "program/recompute.h"

static bool refuse(builder *b, int32_t layer)
{
    if (b->status == MBS_OK)
        b->status = error_set(b->error, MBS_ERR_ARGUMENT,
                              "the output of layer %s cannot be recomputed: expected no sink, "
                              "dropout, pooling, parameter, view or tensor in parts",
                              quoted(b->network->layers[layer].name).text);
    return false;
}

bool remat_choose(builder *b)
{
    const mbs_network *n = b->network;
    const unsigned char *given = b->options.recompute_layers;
    const mbs_recompute policy = b->options.recompute;
    if (given == NULL && (unsigned)policy >= MBS_RECOMPUTE_AUTO) {
        b->status = error_set(b->error, MBS_ERR_ARGUMENT,
                              "a program recomputes none, activations, expand or given layers");
        return false;
    }
    if (given == NULL && policy == MBS_RECOMPUTE_NONE)
        return true;
    for (int32_t layer = 0; layer < n->layer_count; layer++) {
        const int32_t value = n->input_count + layer;
        /* what is read in slices is several tensors, some of which may be sinks: it stays stored */
        const bool asked = given != NULL && (given[layer] & MBS_RECOMPUTE_OUTPUT) != 0;
        const bool may =
            recompute_allows(n->layers[layer].op) && b->own[value].count == 1 && !b->is_sink[value];
        if (asked && !may)
            return refuse(b, layer);
        if (!may)
            continue;
        const id_list inputs = members_of(b, n->layers[layer].inputs[0]);
        b->recompute[value] =
            given != NULL ? asked : recompute_wants(n, layer, inputs.ids, inputs.count, policy);
    }
    return true;
}

void remat_reader(builder *b, int32_t layer)
{
    const unsigned char *given = b->options.recompute_layers;
    b->reader = layer;
    b->anew = given != NULL && (given[layer] & MBS_RECOMPUTE_ANEW) != 0;
}

static bool is_due(const builder *b, int32_t tensor)
{
    return tensor < b->value_count && b->recompute[tensor] &&
           (b->again[tensor] < 0 || (b->anew && b->again_for[tensor] != b->reader));
}

/* A value that waits for its inputs, and how far they were looked at. */
typedef struct waiting {
    int32_t value;
    int32_t input;
    int32_t member;
} waiting;

static bool push(builder *b, waiting w)
{
    return id_array_push(b, &b->pending, w.value) && id_array_push(b, &b->pending, w.input) &&
           id_array_push(b, &b->pending, w.member);
}

static waiting pop(builder *b)
{
    b->pending.count -= 3;
    const int32_t *top = b->pending.ids + b->pending.count;
    return (waiting){top[0], top[1], top[2]};
}

/* The next input that is to be recomputed before the value itself, or -1; moves on to it. */
static int32_t next_due_input(const builder *b, waiting *w)
{
    const mbs_layer *l = &b->network->layers[w->value - b->network->input_count];
    for (; w->input < l->input_count; w->input++, w->member = 0) {
        const id_list inputs = members_of(b, l->inputs[w->input]);
        for (; w->member < inputs.count; w->member++)
            if (is_due(b, inputs.ids[w->member]))
                return inputs.ids[w->member];
    }
    return -1;
}

static bool remat_step(builder *b, int32_t value)
{
    const int32_t layer = value - b->network->input_count;
    const mbs_layer *l = &b->network->layers[layer];
    const int32_t copy = ++b->copies[value];
    const char *name = copy == 1
                           ? name_pool_format(b->program->names, "%s.remat", l->name)
                           : name_pool_format(b->program->names, "%s.remat#%d", l->name, copy);
    mbs_step *step = builder_step(b, layer, STEP_REMAT, name);
    if (step == NULL ||
        !builder_bytes(b, l->weights + l->biases, b->options.bits.weight, &step->weight_bytes))
        return false;
    step->copy = copy;
    step->rows = forward_rows(b, layer);
    builder_gemm(b, layer, step);
    if (!read_inputs(b, layer))
        return false;
    elementwise_forward(b, layer);
    b->again_for[value] = b->reader;
    b->again[value] =
        builder_tensor(b, l->elements, b->options.bits.activation, rows_of(b, value), name);
    return b->again[value] >= 0 && builder_write(b, b->again[value]);
}

/* Depth first on a stack of its own, for chains may be as long as the network. */
bool remat_before(builder *b, int32_t tensor)
{
    if (!is_due(b, tensor))
        return true;
    b->pending.count = 0;
    if (!push(b, (waiting){tensor, 0, 0}))
        return false;
    while (b->pending.count > 0) {
        waiting w = pop(b);
        const int32_t input = next_due_input(b, &w);
        if (input < 0 ? !remat_step(b, w.value) : !push(b, w) || !push(b, (waiting){input, 0, 0}))
            return false;
    }
    return true;
}
