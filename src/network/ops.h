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
    MEMBER_KIND = 1 << 9
} member_flag;

#define NORM_DEFAULT_GROUPS 32

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
    SHAPE_FLATTEN
} shape_rule;

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
