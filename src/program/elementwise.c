/* Which operands a step takes element by element, so that it may write over them (section 12). */
#include <string.h>

#include "base/text.h"
#include "program/builder.h"

/*
 * Ops whose output and whose input's gradient are computed element by element, or, for norms and
 * softmax, are so once statistics have been taken in a pass before.
 */
static bool is_elementwise(mbs_op op)
{
    switch (op) {
    case OP_NORM:
    case OP_RELU:
    case OP_RELU6:
    case OP_LEAKY_RELU:
    case OP_DROPOUT:
    case OP_SIGMOID:
    case OP_TANH:
    case OP_SOFTMAX:
    case OP_GELU:
    case OP_SILU:
    case OP_ELU:
    case OP_HARDSWISH:
    case OP_HARDSIGMOID:
    case OP_PRELU:
    case OP_SCALE:
    case OP_BIAS:
    case OP_ADD:
    case OP_MUL:
        return true;
    default:
        return false;
    }
}

/* Whether the first `length` letters of the kind are the word. */
static bool begins(const char *kind, size_t length, const char *word)
{
    return strlen(word) == length && strncmp(kind, word, length) == 0;
}

bool program_is_elementwise(const char *kind)
{
    const bool backward = ends_with(kind, ".bwd");
    const size_t length = strcspn(kind, ".");
    if (strcmp(kind, "gsum") == 0)
        return true;
    if (kind[length] != '\0' && strcmp(kind + length, backward ? ".bwd" : ".remat") != 0)
        return false;
    if (begins(kind, length, "batch_norm") || begins(kind, length, "affine"))
        return true; /* norms, too */
    for (int op = 0; op < OP_COUNT; op++)
        if (is_elementwise((mbs_op)op) && begins(kind, length, op_name((mbs_op)op)))
            return !backward || (op != OP_ADD && op != OP_BIAS);
    return false;
}

int32_t ordered_tensor(const builder *b, int32_t value)
{
    const mbs_layer *layer = builder_layer(b, value);
    while (layer != NULL &&
           (layer->op == OP_IDENTITY || layer->op == OP_FLATTEN || layer->op == OP_RESHAPE)) {
        value = layer->inputs[0];
        layer = builder_layer(b, value);
    }
    if ((layer != NULL && op_is_view(layer->op)) || b->own[value].count != 1)
        return -1;
    return b->own[value].begin;
}

static void mark(builder *b, int32_t tensor, bool elementwise)
{
    mbs_program *p = b->program;
    const mbs_step *step = &p->steps[p->step_count - 1];
    for (int32_t t = step->touch_begin; t < step->write_begin; t++)
        if (p->touches[t].tensor == tensor)
            p->touches[t].elementwise = elementwise;
}

/* What the last step reads of the layer's inputs: those of the output's size and order. */
static void mark_inputs(builder *b, const mbs_layer *l)
{
    for (int32_t i = 0; i < l->input_count; i++) {
        const int32_t tensor = ordered_tensor(b, l->inputs[i]);
        if (tensor >= 0 && b->program->tensors[tensor].elements == l->elements)
            mark(b, remat_tensor(b, tensor), true);
    }
    /* what another input gives in another order is needed there, too */
    for (int32_t i = 0; i < l->input_count; i++) {
        const id_list members = members_of(b, l->inputs[i]);
        for (int32_t m = 0; m < members.count && ordered_tensor(b, l->inputs[i]) < 0; m++)
            mark(b, remat_tensor(b, members.ids[m]), false);
    }
}

void elementwise_forward(builder *b, int32_t layer)
{
    const mbs_layer *l = &b->network->layers[layer];
    if (is_elementwise(l->op))
        mark_inputs(b, l);
}

/* Whether each gradient that is as large as the output's is of an input in the output's order. */
static bool are_ordered(const builder *b, const mbs_layer *l)
{
    for (int32_t w = 0; w < b->wants.count; w++) {
        const int32_t tensor = b->wants.items[w].tensor;
        bool ordered = b->program->tensors[tensor].elements != l->elements;
        for (int32_t i = 0; i < l->input_count && !ordered; i++)
            ordered = ordered_tensor(b, l->inputs[i]) == tensor;
        if (!ordered)
            return false;
    }
    return true;
}

void elementwise_backward(builder *b, int32_t layer)
{
    const mbs_layer *l = &b->network->layers[layer];
    const id_range output = b->own[b->network->input_count + layer];
    if (!is_elementwise(l->op) || output.count != 1 || b->dy.count != 1 || !are_ordered(b, l))
        return;
    const int32_t dy = b->dy.items[0].tensor;
    mark_inputs(b, l);
    mark(b, remat_tensor(b, output.begin), true);
    mark(b, dy, !b->gradient_shuffled[output.begin]);
}

void elementwise_sum(builder *b)
{
    const mbs_step *step = &b->program->steps[b->program->step_count - 1];
    for (int32_t t = step->touch_begin; t < step->write_begin; t++)
        b->program->touches[t].elementwise = true;
}
