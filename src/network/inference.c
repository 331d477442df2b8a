#include "network/inference.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/checked.h"
#include "base/error.h"

shape_text shape_show(const mbs_shape *shape)
{
    shape_text out = {"["};
    size_t used = 1;
    for (int i = 0; i < shape->rank; i++)
        used += (size_t)snprintf(out.text + used, sizeof out.text - used, "%s%" PRId64,
                                 i > 0 ? "," : "", shape->dim[i]);
    snprintf(out.text + used, sizeof out.text - used, "]");
    return out;
}

const mbs_shape *inference_input(const inference *now, int32_t input)
{
    return value_shape(now->loader->network, now->layer->inputs[input]);
}

bool shape_elements_from(const mbs_shape *shape, int begin, int64_t *elements)
{
    *elements = 1;
    for (int i = begin; i < shape->rank; i++)
        if (!checked_mul(*elements, shape->dim[i], elements))
            return false;
    return true;
}

bool shape_elements(const mbs_shape *shape, int64_t *elements)
{
    return shape_elements_from(shape, 0, elements);
}

bool inference_fault(const inference *now, const char *member, const char *message)
{
    json_fault(&now->loader->document, now->at, member, "%s", message);
    return false;
}

/* Reports what is wrong with the shape of an input. */
bool inference_input_fault(const inference *now, int32_t input, const char *expected)
{
    json_path list = {now->at, "inputs", 0};
    json_path place = {&list, NULL, (size_t)input};
    const mbs_network *network = now->loader->network;
    json_fault(&now->loader->document, &place, NULL, "found %s of shape %s, expected %s",
               quoted(value_name(network, now->layer->inputs[input])).text,
               shape_show(inference_input(now, input)).text, expected);
    return false;
}

bool inference_require_chw(const inference *now)
{
    char expected[64];
    if (inference_input(now, 0)->rank == 3)
        return true;
    snprintf(expected, sizeof expected, "[C,H,W] for %s", op_name(now->layer->op));
    return inference_input_fault(now, 0, expected);
}

bool inference_require_axes(inference *now)
{
    static const char *const shapes[] = {
        [0] = "[C,H,W] or [C,D,H,W]", [2] = "[C,H,W]", [3] = "[C,D,H,W]"};
    mbs_layer *layer = now->layer;
    const int rank = inference_input(now, 0)->rank;
    char expected[96];
    if ((rank == 3 || rank == 4) && (layer->axes == 0 || layer->axes == rank - 1)) {
        layer->axes = rank - 1;
        for (int i = layer->axes; i < 3; i++) { /* a single number was for these too */
            layer->kernel[i] = layer->stride[i] = layer->dilation[i] = 1;
            layer->pad[i] = layer->pad_after[i] = layer->output_pad[i] = 0;
        }
        return true;
    }
    snprintf(expected, sizeof expected, "%s for %s", shapes[layer->axes], op_name(layer->op));
    return inference_input_fault(now, 0, expected);
}

bool inference_too_many_parameters(const inference *now)
{
    now->layer->weights = 0;
    return inference_fault(now, NULL, "the number of parameters is above 2^63 - 1");
}

bool inference_require_axis(const inference *now)
{
    char message[300];
    const mbs_shape *shape = inference_input(now, 0);
    if (now->layer->axis < shape->rank)
        return true;
    snprintf(message, sizeof message, "found %" PRId64 ", expected a dimension of %s, from 0 to %d",
             now->layer->axis, shape_show(shape).text, shape->rank - 1);
    return inference_fault(now, "axis", message);
}
