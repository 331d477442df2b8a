/* Shape inference: what all rules share, and their table. */
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

void infer_layer(network_loader *loader, int32_t index)
{
    static infer_rule *const rules[] = {
        [SHAPE_CONV] = infer_conv,
        [SHAPE_FC] = infer_fc,
        [SHAPE_NORM] = infer_norm,
        [SHAPE_SAME] = infer_same,
        [SHAPE_SAME_CHW] = infer_same_chw,
        [SHAPE_POOL] = infer_pool,
        [SHAPE_GLOBAL_POOL] = infer_global_pool,
        [SHAPE_BROADCAST] = infer_broadcast,
        [SHAPE_CONCAT] = infer_concat,
        [SHAPE_FLATTEN] = infer_flatten,
        [SHAPE_CONV_TRANSPOSE] = infer_conv_transpose,
        [SHAPE_MATMUL] = infer_matmul,
        [SHAPE_UPSAMPLE] = infer_upsample,
        [SHAPE_PAD] = infer_pad,
        [SHAPE_PERMUTE] = infer_permute,
        [SHAPE_LEARNED] = infer_learned,
        [SHAPE_GIVEN] = infer_given,
        [SHAPE_ELEMENTWISE] = infer_elementwise,
        [SHAPE_SLICE] = infer_slice,
        [SHAPE_RESHAPE] = infer_reshape,
    };
    json_path list = {NULL, "layers", 0};
    json_path at = layer_path(&list, (size_t)index);
    mbs_layer *layer = &loader->network->layers[index];
    inference now = {loader, &at, layer};
    if (!rules[op_rules[layer->op].shape](&now)) {
        layer->shape.rank = 0;
    } else if (!shape_elements(&layer->shape, &layer->elements)) {
        json_fault(&loader->document, &at, NULL,
                   "the output of shape %s has more than 2^63 - 1 elements",
                   shape_show(&layer->shape).text);
        layer->shape.rank = 0;
    }
}
