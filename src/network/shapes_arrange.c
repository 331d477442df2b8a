/* Shapes of the ops that only arrange elements: views, permutations, padding. */
#include <inttypes.h>
#include <stdio.h>

#include "base/checked.h"
#include "base/error.h"
#include "network/inference.h"

bool infer_concat(inference *now)
{
    mbs_layer *layer = now->layer;
    mbs_shape shape = *inference_input(now, 0);
    bool good = true;
    int axis = (int)layer->axis;
    if (!inference_require_axis(now))
        return false;
    for (int32_t i = 1; i < layer->input_count; i++) {
        const mbs_shape *other = inference_input(now, i);
        bool fits = other->rank == shape.rank;
        for (int d = 0; fits && d < shape.rank; d++)
            fits = d == axis || other->dim[d] == shape.dim[d];
        if (!fits) {
            char expected[320];
            snprintf(expected, sizeof expected, "all but the %s as in %s",
                     axis == 0 ? "channels" : "dimension of the axis",
                     shape_show(inference_input(now, 0)).text);
            good = inference_input_fault(now, i, expected);
        } else if (!checked_add(shape.dim[axis], other->dim[axis], &shape.dim[axis])) {
            return inference_fault(now, NULL, "the number of channels is above 2^63 - 1");
        }
    }
    if (good)
        layer->shape = shape;
    return good;
}

bool infer_flatten(inference *now)
{
    now->layer->shape.rank = 1;
    return shape_elements(inference_input(now, 0), &now->layer->shape.dim[0]);
}

bool infer_reshape(inference *now)
{
    int64_t from, to;
    char message[400];
    now->layer->shape = now->layer->list;
    if (!shape_elements(inference_input(now, 0), &from) ||
        !shape_elements(&now->layer->list, &to) || from == to)
        return true; /* too many elements: reported where they are counted */
    snprintf(message, sizeof message,
             "found %s, %" PRId64 " elements, expected the %" PRId64 " of the input %s",
             shape_show(&now->layer->list).text, to, from,
             shape_show(inference_input(now, 0)).text);
    return inference_fault(now, "shape", message);
}

bool infer_permute(inference *now)
{
    mbs_layer *layer = now->layer;
    const mbs_shape *input = inference_input(now, 0);
    const mbs_shape *order = &layer->list;
    unsigned seen = 0;
    bool good = order->rank == input->rank;
    for (int d = 0; good && d < input->rank; d++) {
        good = order->dim[d] < input->rank && !(seen >> order->dim[d] & 1u);
        if (good) {
            seen |= 1u << order->dim[d];
            layer->shape.dim[d] = input->dim[order->dim[d]];
        }
    }
    layer->shape.rank = input->rank;
    if (good)
        return true;
    char message[480];
    snprintf(message, sizeof message, "found %s, expected each of 0 to %d once, as in the input %s",
             shape_show(order).text, input->rank - 1, shape_show(input).text);
    return inference_fault(now, "order", message);
}

bool infer_pad(inference *now)
{
    mbs_layer *layer = now->layer;
    const mbs_shape *input = inference_input(now, 0);
    const mbs_shape *margins[] = {&layer->list, &layer->after};
    static const char *const members[] = {"before", "after"};
    char message[160];
    layer->shape = *input;
    for (int side = 0; side < 2; side++) {
        if (margins[side]->rank != input->rank) {
            snprintf(message, sizeof message, "found a list of %d, expected %d, the input's rank",
                     margins[side]->rank, input->rank);
            return inference_fault(now, members[side], message);
        }
        for (int d = 0; d < input->rank; d++)
            if (!checked_add(layer->shape.dim[d], margins[side]->dim[d], &layer->shape.dim[d]))
                return inference_fault(now, NULL, "a padded dimension is above 2^63 - 1");
    }
    return true;
}

bool infer_slice(inference *now)
{
    mbs_layer *layer = now->layer;
    char message[200];
    if (!inference_require_axis(now))
        return false;
    layer->shape = *inference_input(now, 0);
    int64_t *size = &layer->shape.dim[layer->axis];
    if (layer->begin >= layer->end || layer->end > *size) {
        snprintf(message, sizeof message,
                 "found %" PRId64 " with begin %" PRId64 ", expected from begin + 1 to %" PRId64
                 ", the size of dimension %" PRId64,
                 layer->end, layer->begin, *size, layer->axis);
        return inference_fault(now, "end", message);
    }
    *size = ceil_div(layer->end - layer->begin, layer->step);
    return true;
}
