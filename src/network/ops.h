/* The ops: one table row each. */
#ifndef NETWORK_OPS_H
#define NETWORK_OPS_H

#include "base/json.h"
#include "network/network.h"

/* The members that a layer of some op may have, besides name, op and inputs. */
typedef enum member_flag {
    MEMBER_OUT_CHANNELS = 1 << 0,
    MEMBER_OUT_FEATURES = 1 << 1,
    MEMBER_KERNEL = 1 << 2,
    MEMBER_STRIDE = 1 << 3,
    MEMBER_PAD = 1 << 4,
    MEMBER_DILATION = 1 << 5,
    MEMBER_GROUPS = 1 << 6,
    MEMBER_BIAS = 1 << 7,
    MEMBER_CEIL_MODE = 1 << 8,
    MEMBER_KIND = 1 << 9,
    MEMBER_AXIS = 1 << 10,
    MEMBER_AFFINE = 1 << 11,
    MEMBER_OUTPUT_PAD = 1 << 12,
    MEMBER_TRANSPOSE = 1 << 13, /* transpose_a and transpose_b */
    MEMBER_RANGE = 1 << 14,     /* begin, end and step */
    MEMBER_PARAMETERS = 1 << 15,
    MEMBER_SHAPE = 1 << 16,
    MEMBER_SHAPE_OPTIONAL = 1 << 17,
    MEMBER_SIZE = 1 << 18,
    MEMBER_ORDER = 1 << 19,
    MEMBER_MARGINS = 1 << 20, /* before and after */
    MEMBER_ROWS = 1 << 22,
    MEMBER_SHARES = 1 << 21
} member_flag;

#define NORM_DEFAULT_GROUPS 32

/* mbs_layer.learned of a `parameter` whose file does not say: all elements of its shape. */
#define LEARNED_ALL (-1)

/* How an op's output shape follows from its inputs'. */
typedef enum shape_rule {
    SHAPE_CONV,
    SHAPE_FC,
    SHAPE_NORM,
    SHAPE_SAME,
    SHAPE_SAME_CHW, /* as the input, which must be [C,H,W] */
    SHAPE_POOL,
    SHAPE_GLOBAL_POOL,
    SHAPE_BROADCAST,
    SHAPE_CONCAT,
    SHAPE_FLATTEN,
    SHAPE_CONV_TRANSPOSE,
    SHAPE_MATMUL,
    SHAPE_UPSAMPLE,
    SHAPE_PAD,
    SHAPE_PERMUTE,
    SHAPE_LEARNED, /* as the input, with parameters of its own */
    SHAPE_GIVEN,   /* as the file says */
    SHAPE_ELEMENTWISE,
    SHAPE_SLICE,
    SHAPE_RESHAPE,
    SHAPE_EMBEDDING
} shape_rule;

/* In the order of the table's columns: its padding costs less than another order would. */
// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding)
typedef struct op_rule {
    const char *name;
    bool is_view;
    int least_inputs;
    bool more_inputs; /* than the least are allowed */
    shape_rule shape;
    unsigned members; /* member_flags */
} op_rule;

extern const op_rule op_rules[OP_COUNT];

/* Takes the op from a layer's "op" member; reports a fault and returns false if it is none. */
bool read_op(json_document *document, const json_path *at, const cJSON *value, mbs_op *op);

#endif
