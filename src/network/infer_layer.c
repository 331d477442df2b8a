/* Shape inference: the table of rules. */
#include "base/json.h"
#include "network/inference.h"

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
        [SHAPE_EMBEDDING] = infer_embedding,
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
