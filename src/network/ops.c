#include "network/ops.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"

#define CONV_MEMBERS                                                                               \
    (MEMBER_OUT_CHANNELS | MEMBER_KERNEL | MEMBER_STRIDE | MEMBER_PAD | MEMBER_DILATION |          \
     MEMBER_GROUPS | MEMBER_BIAS | MEMBER_SHARES)
#define POOL_MEMBERS (MEMBER_KERNEL | MEMBER_STRIDE | MEMBER_PAD | MEMBER_CEIL_MODE)

/* The table of section 2. */
const op_rule op_rules[OP_COUNT] = {
    /* name, view, inputs, more, shape, members */
    [OP_CONV] = {"conv", false, 1, false, SHAPE_CONV, CONV_MEMBERS},
    [OP_FC] = {"fc", false, 1, false, SHAPE_FC,
               MEMBER_OUT_FEATURES | MEMBER_BIAS | MEMBER_AXIS | MEMBER_SHARES},
    [OP_NORM] = {"norm", false, 1, false, SHAPE_NORM,
                 MEMBER_KIND | MEMBER_GROUPS | MEMBER_AXIS | MEMBER_AFFINE | MEMBER_SHARES},
    [OP_RELU] = {"relu", false, 1, false, SHAPE_SAME, 0},
    [OP_RELU6] = {"relu6", false, 1, false, SHAPE_SAME, 0},
    [OP_LEAKY_RELU] = {"leaky_relu", false, 1, false, SHAPE_SAME, 0},
    [OP_DROPOUT] = {"dropout", false, 1, false, SHAPE_SAME, 0},
    [OP_SIGMOID] = {"sigmoid", false, 1, false, SHAPE_SAME, 0},
    [OP_TANH] = {"tanh", false, 1, false, SHAPE_SAME, 0},
    [OP_SOFTMAX] = {"softmax", false, 1, false, SHAPE_SAME, 0},
    [OP_GELU] = {"gelu", false, 1, false, SHAPE_SAME, 0},
    [OP_SILU] = {"silu", false, 1, false, SHAPE_SAME, 0},
    [OP_ELU] = {"elu", false, 1, false, SHAPE_SAME, 0},
    [OP_HARDSWISH] = {"hardswish", false, 1, false, SHAPE_SAME, 0},
    [OP_HARDSIGMOID] = {"hardsigmoid", false, 1, false, SHAPE_SAME, 0},
    [OP_LRN] = {"lrn", false, 1, false, SHAPE_SAME_CHW, 0},
    [OP_MAX_POOL] = {"max_pool", false, 1, false, SHAPE_POOL, POOL_MEMBERS},
    [OP_AVG_POOL] = {"avg_pool", false, 1, false, SHAPE_POOL, POOL_MEMBERS},
    [OP_GLOBAL_AVG_POOL] = {"global_avg_pool", false, 1, false, SHAPE_GLOBAL_POOL, 0},
    [OP_ADD] = {"add", false, 2, true, SHAPE_BROADCAST, 0},
    [OP_MUL] = {"mul", false, 2, true, SHAPE_BROADCAST, 0},
    [OP_CONCAT] = {"concat", true, 1, true, SHAPE_CONCAT, MEMBER_AXIS},
    [OP_FLATTEN] = {"flatten", true, 1, false, SHAPE_FLATTEN, 0},
    [OP_IDENTITY] = {"identity", true, 1, false, SHAPE_SAME, 0},
    [OP_CONV_TRANSPOSE] = {"conv_transpose", false, 1, false, SHAPE_CONV_TRANSPOSE,
                           CONV_MEMBERS | MEMBER_OUTPUT_PAD},
    [OP_MATMUL] = {"matmul", false, 2, false, SHAPE_MATMUL, MEMBER_TRANSPOSE},
    [OP_UPSAMPLE] = {"upsample", false, 1, false, SHAPE_UPSAMPLE, MEMBER_SIZE},
    [OP_PAD] = {"pad", false, 1, false, SHAPE_PAD, MEMBER_MARGINS},
    [OP_PERMUTE] = {"permute", false, 1, false, SHAPE_PERMUTE, MEMBER_ORDER},
    [OP_PRELU] = {"prelu", false, 1, false, SHAPE_LEARNED, MEMBER_PARAMETERS | MEMBER_SHARES},
    [OP_SCALE] = {"scale", false, 1, false, SHAPE_LEARNED, MEMBER_PARAMETERS | MEMBER_SHARES},
    [OP_BIAS] = {"bias", false, 1, false, SHAPE_LEARNED, MEMBER_PARAMETERS | MEMBER_SHARES},
    [OP_PARAMETER] = {"parameter", false, 0, false, SHAPE_GIVEN,
                      MEMBER_SHAPE | MEMBER_PARAMETERS | MEMBER_SHARES},
    [OP_ELEMENTWISE] = {"elementwise", false, 1, true, SHAPE_ELEMENTWISE, MEMBER_SHAPE_OPTIONAL},
    [OP_SLICE] = {"slice", true, 1, false, SHAPE_SLICE, MEMBER_AXIS | MEMBER_RANGE},
    [OP_RESHAPE] = {"reshape", true, 1, false, SHAPE_RESHAPE, MEMBER_SHAPE},
    [OP_EMBEDDING] = {"embedding", false, 1, false, SHAPE_EMBEDDING,
                      MEMBER_ROWS | MEMBER_OUT_FEATURES | MEMBER_SHARES},
};

const char *op_name(mbs_op op)
{
    return op_rules[op].name;
}

bool op_is_view(mbs_op op)
{
    return op_rules[op].is_view;
}

bool op_is_activation(mbs_op op)
{
    return op == OP_RELU || op == OP_RELU6 || op == OP_LEAKY_RELU || op == OP_SIGMOID ||
           op == OP_TANH || op == OP_GELU || op == OP_SILU || op == OP_ELU || op == OP_HARDSWISH ||
           op == OP_HARDSIGMOID;
}

static void report_unknown(json_document *document, const json_path *at, const char *name)
{
    name_guess guess = name_guess_start(name);
    char known[480] = "";
    size_t used = 0;
    for (int i = 0; i < OP_COUNT; i++) {
        name_guess_try(&guess, op_rules[i].name);
        if (used < sizeof known)
            used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i > 0 ? ", " : "",
                                     op_rules[i].name);
    }
    if (guess.best != NULL)
        json_fault(document, at, "op", "unknown op %s%s", quoted(name).text,
                   name_guess_show(&guess).text);
    else
        json_fault(document, at, "op", "unknown op %s, expected one of %s", quoted(name).text,
                   known);
}

bool read_op(json_document *document, const json_path *at, const cJSON *value, mbs_op *op)
{
    const char *name = json_name(document, at, "op", value);
    if (name == NULL)
        return false;
    for (int i = 0; i < OP_COUNT; i++) {
        if (strcmp(op_rules[i].name, name) == 0) {
            *op = (mbs_op)i;
            return true;
        }
    }
    report_unknown(document, at, name);
    return false;
}
