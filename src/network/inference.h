/* Shape inference: what the rules of the op table share. */
#ifndef NETWORK_INFERENCE_H
#define NETWORK_INFERENCE_H

#include "network/loader.h"

/* One layer whose inputs' shapes are known. */
typedef struct inference {
    network_loader *loader;
    const json_path *at;
    mbs_layer *layer;
} inference;

/* A shape as in messages: [64,56,56]. */
typedef struct shape_text {
    char text[MBS_MAX_RANK * 21 + 3];
} shape_text;
shape_text shape_show(const mbs_shape *shape);

const mbs_shape *inference_input(const inference *now, int32_t input);

/* The product of dimensions [begin, rank); false if it is above 2^63 - 1. */
bool shape_elements_from(const mbs_shape *shape, int begin, int64_t *elements);
bool shape_elements(const mbs_shape *shape, int64_t *elements);

/* Report a fault of the layer, of its `member` (null: the layer itself), or of an input's shape;
 * all return false. */
bool inference_fault(const inference *now, const char *member, const char *message);
bool inference_input_fault(const inference *now, int32_t input, const char *expected);
bool inference_too_many_parameters(const inference *now);

/* Whether the first input is [C,H,W]; reports it if not. */
bool inference_require_chw(const inference *now);

/*
 * Whether the first input is [C,H,W] or [C,D,H,W], whichever the layer's members are for; reports
 * it if not. Then the layer's axes are known.
 */
bool inference_require_axes(inference *now);

/* Whether `axis` is one of the first input's dimensions; reports it if not. */
bool inference_require_axis(const inference *now);

/*
 * The rules. Each fills in the layer's shape, weights and biases, and returns false if the shape
 * cannot be told.
 */
typedef bool infer_rule(inference *now);
infer_rule infer_conv;
infer_rule infer_conv_transpose;
infer_rule infer_pool;
infer_rule infer_global_pool;
infer_rule infer_upsample;
infer_rule infer_fc;
infer_rule infer_embedding;
infer_rule infer_same;
infer_rule infer_same_chw;
infer_rule infer_norm;
infer_rule infer_broadcast;
infer_rule infer_elementwise;
infer_rule infer_learned;
infer_rule infer_given;
infer_rule infer_matmul;
infer_rule infer_concat;
infer_rule infer_flatten;
infer_rule infer_reshape;
infer_rule infer_permute;
infer_rule infer_pad;
infer_rule infer_slice;

#endif
