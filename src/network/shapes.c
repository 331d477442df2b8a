/* Shapes of the ops that combine, keep or normalise their inputs. */
#include <inttypes.h>
#include <stdio.h>

#include "base/checked.h"
#include "base/error.h"
#include "network/inference.h"

bool infer_fc(inference *now)
{
    mbs_layer *layer = now->layer;
    int64_t features;
    if (!inference_require_axis(now))
        return false;
    layer->shape = *inference_input(now, 0);
    layer->shape.rank = (int)layer->axis + 1;
    layer->shape.dim[layer->axis] = layer->out_channels;
    layer->biases = layer->bias ? layer->out_channels : 0;
    if (!shape_elements_from(inference_input(now, 0), (int)layer->axis, &features) ||
        !checked_mul(features, layer->out_channels, &layer->weights))
        inference_too_many_parameters(now);
    return true;
}

/* A row of the table for each element of the input. */
bool infer_embedding(inference *now)
{
    mbs_layer *layer = now->layer;
    const mbs_shape *input = inference_input(now, 0);
    if (input->rank == MBS_MAX_RANK)
        return inference_input_fault(now, 0, "at most 7 dimensions");
    layer->shape = *input;
    layer->shape.dim[layer->shape.rank++] = layer->out_channels;
    if (!checked_mul(layer->rows, layer->out_channels, &layer->weights))
        inference_too_many_parameters(now);
    return true;
}

bool infer_same(inference *now)
{
    now->layer->shape = *inference_input(now, 0);
    return true;
}

bool infer_same_chw(inference *now)
{
    return inference_require_chw(now) && infer_same(now);
}

bool infer_norm(inference *now)
{
    mbs_layer *layer = now->layer;
    int64_t channels = inference_input(now, 0)->dim[0];
    bool counted = true;
    if (layer->norm_kind == NORM_GROUP && channels % layer->groups != 0) {
        char message[160];
        snprintf(message, sizeof message,
                 "found %" PRId64 "%s, expected a divisor of the input's %" PRId64 " channels",
                 layer->groups, layer->groups == NORM_DEFAULT_GROUPS ? " (the default)" : "",
                 channels);
        inference_fault(now, "groups", message);
    }
    if (layer->axis >= 0) {
        if (!inference_require_axis(now))
            return false;
        counted = shape_elements_from(inference_input(now, 0), (int)layer->axis, &channels);
    }
    if (!layer->affine)
        layer->weights = 0;
    else if (!counted || !checked_mul(channels, 2, &layer->weights))
        inference_too_many_parameters(now);
    return infer_same(now);
}

bool infer_broadcast(inference *now)
{
    mbs_layer *layer = now->layer;
    mbs_shape shape = *inference_input(now, 0);
    bool good = true;
    for (int32_t i = 1; i < layer->input_count; i++) {
        const mbs_shape *other = inference_input(now, i);
        bool fits = other->rank == shape.rank;
        for (int d = 0; fits && d < shape.rank; d++)
            fits = other->dim[d] == shape.dim[d] || other->dim[d] == 1 || shape.dim[d] == 1;
        if (!fits) {
            char expected[320];
            snprintf(expected, sizeof expected,
                     "the rank of %s and in each dimension the same size or 1",
                     shape_show(&shape).text);
            good = inference_input_fault(now, i, expected);
            continue;
        }
        for (int d = 0; d < shape.rank; d++)
            shape.dim[d] = shape.dim[d] == 1 ? other->dim[d] : shape.dim[d];
    }
    if (good)
        layer->shape = shape;
    return good;
}

bool infer_elementwise(inference *now)
{
    if (now->layer->list.rank == 0)
        return infer_broadcast(now);
    now->layer->shape = now->layer->list;
    return true;
}

bool infer_learned(inference *now)
{
    now->layer->weights = now->layer->learned;
    return infer_same(now);
}

bool infer_given(inference *now)
{
    mbs_layer *layer = now->layer;
    layer->shape = layer->list;
    layer->weights = layer->learned;
    return layer->learned != LEARNED_ALL || shape_elements(&layer->shape, &layer->weights);
}

/* The rows (0) or columns (1) of a matrix operand as the product sees it. */
static int64_t matrix_size(const inference *now, int32_t input, int side)
{
    const mbs_shape *shape = inference_input(now, input);
    return shape->dim[shape->rank - 2 + (side != (int)now->layer->transpose[input])];
}

bool infer_matmul(inference *now)
{
    const mbs_shape *left = inference_input(now, 0);
    const mbs_shape *right = inference_input(now, 1);
    mbs_layer *layer = now->layer;
    char expected[400];
    if (left->rank < 2)
        return inference_input_fault(now, 0, "a matrix or a list of matrices");
    bool fits = right->rank == left->rank && matrix_size(now, 0, 1) == matrix_size(now, 1, 0);
    layer->shape = *left;
    for (int d = 0; fits && d < left->rank - 2; d++) {
        fits = left->dim[d] == right->dim[d] || left->dim[d] == 1 || right->dim[d] == 1;
        layer->shape.dim[d] = left->dim[d] == 1 ? right->dim[d] : left->dim[d];
    }
    if (!fits) {
        snprintf(expected, sizeof expected,
                 "the rank of %s, %" PRId64 " %s and in each other dimension the same size or 1",
                 shape_show(left).text, matrix_size(now, 0, 1),
                 layer->transpose[1] ? "columns" : "rows");
        return inference_input_fault(now, 1, expected);
    }
    layer->shape.dim[left->rank - 2] = matrix_size(now, 0, 0);
    layer->shape.dim[left->rank - 1] = matrix_size(now, 1, 1);
    return true;
}
