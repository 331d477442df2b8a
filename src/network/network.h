/* A network's data (model, section 2). */
#ifndef NETWORK_NETWORK_H
#define NETWORK_NETWORK_H

#include <stdbool.h>

#include "mbsopt/network.h"

typedef enum mbs_op {
    OP_CONV,
    OP_FC,
    OP_NORM,
    OP_RELU,
    OP_RELU6,
    OP_LEAKY_RELU,
    OP_DROPOUT,
    OP_SIGMOID,
    OP_TANH,
    OP_SOFTMAX,
    OP_GELU,
    OP_SILU,
    OP_ELU,
    OP_HARDSWISH,
    OP_HARDSIGMOID,
    OP_LRN,
    OP_MAX_POOL,
    OP_AVG_POOL,
    OP_GLOBAL_AVG_POOL,
    OP_ADD,
    OP_MUL,
    OP_CONCAT,
    OP_FLATTEN,
    OP_IDENTITY,
    OP_CONV_TRANSPOSE,
    OP_MATMUL,
    OP_UPSAMPLE,
    OP_PAD,
    OP_PERMUTE,
    OP_PRELU,
    OP_SCALE,
    OP_BIAS,
    OP_PARAMETER,
    OP_ELEMENTWISE,
    OP_SLICE,
    OP_RESHAPE,
    OP_EMBEDDING,
    OP_COUNT
} mbs_op;

typedef enum mbs_norm_kind { NORM_GROUP, NORM_BATCH, NORM_LAYER, NORM_INSTANCE } mbs_norm_kind;

/*
 * Values are what layers read: value v < input_count is a network input, value input_count + l the
 * output of layer l.
 */
typedef struct mbs_layer {
    char *name;
    mbs_op op;
    mbs_norm_kind norm_kind;
    int64_t groups;       /* convolutions, norm */
    int axes;             /* that windows slide along: 2, height and width, or 3, depth before them;
                             0 elsewhere, and while only single numbers are known */
    int64_t kernel[3];    /* convolutions, pools: of each axis; 1 elsewhere */
    int64_t stride[3];    /* likewise */
    int64_t dilation[3];  /* convolutions */
    int64_t pad[3];       /* before the first element: top, left */
    int64_t pad_after[3]; /* behind the last: bottom, right */
    int64_t output_pad[3]; /* conv_transpose: behind the last */
    bool ceil_mode;        /* pools */
    bool bias;             /* convolutions, fc */
    bool affine;           /* norm: has learned factors and offsets */
    bool transpose[2];     /* matmul: the left, the right operand */
    int64_t out_channels;  /* convolutions; fc: out_features */
    int64_t axis;  /* concat, slice: along it; fc, norm: from it on (norm: -1 if not given) */
    int64_t begin; /* slice: elements begin, begin + step, … before end */
    int64_t end;
    int64_t step;
    int64_t rows;    /* embedding: of its table */
    int64_t learned; /* prelu, scale, bias, parameter: as in the file */
    mbs_shape list;  /* reshape, parameter, elementwise: the shape (rank 0: none given); upsample:
                        the sizes of the axes; permute: the order; pad: before each dimension */
    mbs_shape after; /* pad: after each dimension */
    int32_t *inputs; /* values, in file order, repeated where the file repeats them */
    int32_t input_count;
    int32_t shares; /* the layer whose parameters it uses, which has its own; -1: its own */
    char **fused;   /* names of the layers behind it whose work its steps do (section 13) */
    int32_t fused_count;
    mbs_shape shape;  /* of the output, per sample */
    int64_t elements; /* product of shape */
    int64_t weights;  /* parameter elements without the bias */
    int64_t biases;   /* bias elements; all other ops' parameters count as weights */
} mbs_layer;

typedef struct mbs_input {
    char *name;
    mbs_shape shape;
    int64_t elements;
} mbs_input;

struct mbs_network {
    char *name;
    mbs_input *inputs;
    int32_t input_count;
    mbs_layer *layers; /* in program order */
    int32_t layer_count;
    int64_t parameters;
    bool folded; /* rewritten by mbs_network_fuse: products, */
    bool fused;  /* norms, */
    bool sums;   /* or, in training, backward steps with sums of gradients */
};

/* The layer whose parameters layer `index` uses: itself, or the one it shares them with. */
static inline int32_t layer_owner(const mbs_network *network, int32_t index)
{
    return network->layers[index].shares < 0 ? index : network->layers[index].shares;
}

/* The op's name in files. */
const char *op_name(mbs_op op);

/* Of the layer's axes the one along which rows are counted: the height. */
static inline int row_window(const mbs_layer *layer)
{
    return layer->axes == 3 ? 1 : 0;
}

/* concat, flatten, identity, slice, reshape: no step, no bytes. */
bool op_is_view(mbs_op op);

/* Whether element i of the output is a function of element i of the one input and nothing else: the
 * rectifiers and their like. */
bool op_is_activation(mbs_op op);

#define NETWORK_MAX_LAYERS     1000000
#define NETWORK_MAX_INPUTS     100000
#define NETWORK_MAX_NAME_BYTES 1024

#endif
