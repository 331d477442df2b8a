/* src/network: every op's shape and parameters, computed by hand. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "network_lists.h"
#include "run.h"

typedef struct shape_case {
    const char *input; /* shape of `x`; `y` has shape [8,1,1], `z` [8,12,10], `v` [100] */
    const char *layer; /* without its name */
    const char *shape; /* of its output */
    int64_t parameters;
} shape_case;

#define IN_X "'inputs': ['x']"

static const shape_case shape_cases[] = {
    /* conv: ResNet's first, (224 + 6 - 7)/2 + 1 = 112; 64*3*49 */
    {"3,224,224", "'op': 'conv', " IN_X ", 'out_channels': 64, 'kernel': 7, 'stride': 2, 'pad': 3",
     "64,112,112", 9408},
    /* the last row and column are left over: (12 - 3)/2 + 1 = 5, (11 - 3)/2 + 1 = 5 */
    {"8,12,11", "'op': 'conv', " IN_X ", 'out_channels': 4, 'kernel': 3, 'stride': 2, 'bias': true",
     "4,5,5", 4 * 8 * 9 + 4},
    /* oblong: (12 - 1)/3 + 1 = 4, (10 + 4 - 5)/1 + 1 = 10 */
    {"8,12,10",
     "'op': 'conv', " IN_X ", 'out_channels': 6, 'kernel': [1, 5], 'stride': [3, 1], 'pad': [0, 2]",
     "6,4,10", 6 * 8 * 5},
    /* top 1, left 2, bottom 3, right 0: 12 + 4 - 4 + 1 = 13, 10 + 2 - 2 + 1 = 11 */
    {"8,12,10", "'op': 'conv', " IN_X ", 'out_channels': 1, 'kernel': [4, 2], 'pad': [1, 2, 3, 0]",
     "1,13,11", 64},
    /* dilation 2, 3: reach 5 and 7: 12 - 5 + 1 = 8, 10 - 7 + 1 = 4 */
    {"8,12,10", "'op': 'conv', " IN_X ", 'out_channels': 2, 'kernel': 3, 'dilation': [2, 3]",
     "2,8,4", 144},
    /* depthwise and grouped */
    {"8,12,10", "'op': 'conv', " IN_X ", 'out_channels': 8, 'kernel': 3, 'pad': 1, 'groups': 8",
     "8,12,10", 72},
    {"8,12,10", "'op': 'conv', " IN_X ", 'out_channels': 6, 'kernel': 1, 'groups': 2, 'bias': true",
     "6,12,10", 6 * 4 + 6},
    /* the kernel just fits */
    {"8,12,10", "'op': 'conv', " IN_X ", 'out_channels': 1, 'kernel': [12, 10], 'stride': 99",
     "1,1,1", 960},
    {"8,12,10", "'op': 'fc', " IN_X ", 'out_features': 10", "10", 9600},
    {"100", "'op': 'fc', " IN_X ", 'out_features': 7, 'bias': true", "7", 707},
    {"3,2,2,2,5", "'op': 'fc', " IN_X ", 'out_features': 1", "1", 120},
    {"64,7,7", "'op': 'norm', 'kind': 'group', " IN_X, "64,7,7", 128},
    {"6,7,7", "'op': 'norm', 'kind': 'group', 'groups': 3, " IN_X, "6,7,7", 12},
    {"5,7,7", "'op': 'norm', 'kind': 'batch', " IN_X, "5,7,7", 10},
    {"5,7,7", "'op': 'norm', 'kind': 'layer', " IN_X, "5,7,7", 10},
    {"5,7,7", "'op': 'norm', 'kind': 'instance', " IN_X, "5,7,7", 10},
    {"64", "'op': 'norm', 'kind': 'group', 'groups': 64, " IN_X, "64", 128},
    {"2,3,4,5", "'op': 'relu', " IN_X, "2,3,4,5", 0},
    {"2,3,4,5", "'op': 'relu6', " IN_X, "2,3,4,5", 0},
    {"2,3,4,5", "'op': 'leaky_relu', " IN_X, "2,3,4,5", 0},
    {"2,3,4,5", "'op': 'dropout', " IN_X, "2,3,4,5", 0},
    {"2,3,4,5", "'op': 'sigmoid', " IN_X, "2,3,4,5", 0},
    {"2,3,4,5", "'op': 'tanh', " IN_X, "2,3,4,5", 0},
    {"2,3,4,5", "'op': 'softmax', " IN_X, "2,3,4,5", 0},
    {"2,3,4,5", "'op': 'gelu', " IN_X, "2,3,4,5", 0},
    {"2,3,4,5", "'op': 'silu', " IN_X, "2,3,4,5", 0},
    {"2,3,4,5", "'op': 'elu', " IN_X, "2,3,4,5", 0},
    {"2,3,4,5", "'op': 'hardswish', " IN_X, "2,3,4,5", 0},
    {"2,3,4,5", "'op': 'hardsigmoid', " IN_X, "2,3,4,5", 0},
    {"1,2,3,4,5,6,7,8", "'op': 'identity', " IN_X, "1,2,3,4,5,6,7,8", 0},
    {"96,55,55", "'op': 'lrn', " IN_X, "96,55,55", 0},
    /* AlexNet's overlapping pool, (55 - 3)/2 + 1; the stride defaults to the kernel */
    {"96,55,55", "'op': 'max_pool', " IN_X ", 'kernel': 3, 'stride': 2", "96,27,27", 0},
    {"96,55,54", "'op': 'avg_pool', " IN_X ", 'kernel': [2, 3]", "96,27,18", 0},
    /* PyTorch: max_pool2d of 7x7, kernel 2: 3 (floor), 4 (ceil) */
    {"1,7,7", "'op': 'max_pool', " IN_X ", 'kernel': 2", "1,3,3", 0},
    {"1,7,7", "'op': 'max_pool', " IN_X ", 'kernel': 2, 'ceil_mode': true", "1,4,4", 0},
    /* ceil((5 + 2 - 2)/3) + 1 = 3, but the third window would start at 6 >= 5 + 1 */
    {"1,5,5", "'op': 'max_pool', " IN_X ", 'kernel': 2, 'stride': 3, 'pad': 1, 'ceil_mode': true",
     "1,2,2", 0},
    /* ceil((6 + 2 - 2)/3) + 1 = 3: the third starts at 6 < 6 + 1 */
    {"1,6,6", "'op': 'avg_pool', " IN_X ", 'kernel': 2, 'stride': 3, 'pad': 1, 'ceil_mode': true",
     "1,3,3", 0},
    /* only the padding before counts: top 1: 6 < 7; left 0: 6 >= 6 */
    {"1,6,6",
     "'op': 'max_pool', " IN_X ", 'kernel': 2, 'stride': 3, 'pad': [1, 0, 1, 2], 'ceil_mode': true",
     "1,3,2", 0},
    /* PyTorch lets a window hang over an input smaller than itself: ceil((2 - 3)/2) + 1 = 1 */
    {"1,2,3", "'op': 'max_pool', " IN_X ", 'kernel': 3, 'stride': 2, 'ceil_mode': true", "1,1,1",
     0},
    /* padding of more than half the kernel is allowed: (4 + 6 - 3)/1 + 1 */
    {"1,4,4", "'op': 'avg_pool', " IN_X ", 'kernel': 3, 'stride': 1, 'pad': 3", "1,8,8", 0},
    {"96,55,54", "'op': 'global_avg_pool', " IN_X, "96,1,1", 0},
    {"8,12,10", "'op': 'add', 'inputs': ['x', 'z']", "8,12,10", 0},
    {"8,12,10", "'op': 'add', 'inputs': ['x', 'x', 'x']", "8,12,10", 0},
    {"8,12,10", "'op': 'mul', 'inputs': ['y', 'x']", "8,12,10", 0},
    {"1,12,1", "'op': 'mul', 'inputs': ['x', 'y', 'z']", "8,12,10", 0},
    {"1,12,1", "'op': 'add', 'inputs': ['y', 'x']", "8,12,1", 0},
    {"1", "'op': 'add', 'inputs': ['v', 'x']", "100", 0},
    {"8,12,10", "'op': 'concat', 'inputs': ['x']", "8,12,10", 0},
    {"5,12,10", "'op': 'concat', 'inputs': ['x', 'z', 'x']", "18,12,10", 0},
    {"50", "'op': 'concat', 'inputs': ['v', 'x']", "150", 0},
    {"8,12,10", "'op': 'flatten', " IN_X, "960", 0},
    /* rows of 10 features each */
    {"8,12,10", "'op': 'fc', 'axis': 2, " IN_X ", 'out_features': 3, 'bias': true", "8,12,3", 33},
    {"8,12,10", "'op': 'fc', 'axis': 1, " IN_X ", 'out_features': 3", "8,3", 360},
    {"8,12,10", "'op': 'norm', 'kind': 'layer', 'axis': 2, " IN_X, "8,12,10", 20},
    {"8,12,10", "'op': 'norm', 'kind': 'layer', 'axis': 0, " IN_X, "8,12,10", 1920},
    {"8,12,10", "'op': 'norm', 'kind': 'instance', 'affine': false, " IN_X, "8,12,10", 0},
    /* (12 - 1)*2 - 2 + 2 + 1 + 1 = 24, (10 - 1)*2 - 2 + 2 + 1 + 1 = 20; Ci·(Co/groups)·9 weights */
    {"8,12,10",
     "'op': 'conv_transpose', " IN_X ", 'out_channels': 6, 'kernel': 3, 'stride': 2, 'pad': 1, "
     "'output_pad': 1, 'groups': 2, 'bias': true",
     "6,24,20", 8 * 3 * 9 + 6},
    /* (12 - 1) - 1 - 3 + 2*2 + 1 = 12, (10 - 1)*3 - 2 - 0 + 1 + 1 + 2 = 29 */
    {"8,12,10",
     "'op': 'conv_transpose', " IN_X ", 'out_channels': 1, 'kernel': [3, 2], 'stride': [1, 3], "
     "'pad': [1, 2, 3, 0], 'dilation': [2, 1], 'output_pad': [0, 2]",
     "1,12,29", 48},
    {"8,12,10", "'op': 'matmul', 'transpose_b': true, 'inputs': ['x', 'z']", "8,12,12", 0},
    {"8,10,4", "'op': 'matmul', 'inputs': ['z', 'x']", "8,12,4", 0},
    {"1,12,4", "'op': 'matmul', 'transpose_a': true, 'inputs': ['x', 'z']", "8,4,10", 0},
    {"8,12,10", "'op': 'upsample', 'size': [30, 7], " IN_X, "8,30,7", 0},
    {"8,12", "'op': 'pad', 'before': [0, 1], 'after': [2, 3], " IN_X, "10,16", 0},
    {"8,12,10", "'op': 'permute', 'order': [2, 0, 1], " IN_X, "10,8,12", 0},
    {"8,12,10", "'op': 'prelu', " IN_X, "8,12,10", 1},
    {"8,12,10", "'op': 'prelu', 'parameters': 8, " IN_X, "8,12,10", 8},
    {"8,12,10", "'op': 'scale', " IN_X, "8,12,10", 0},
    {"8,12,10", "'op': 'bias', 'parameters': 960, " IN_X, "8,12,10", 960},
    {"1", "'op': 'parameter', 'shape': [3, 4]", "3,4", 12},
    {"1", "'op': 'parameter', 'shape': [3, 4], 'parameters': 0, 'inputs': []", "3,4", 0},
    {"8,12,10", "'op': 'elementwise', 'inputs': ['x', 'y']", "8,12,10", 0},
    {"8,12,10", "'op': 'elementwise', 'shape': [5], 'inputs': ['x', 'v']", "5", 0},
    {"8,12,10", "'op': 'slice', 'end': 3, " IN_X, "3,12,10", 0},
    {"8,12,10", "'op': 'slice', 'axis': 1, 'begin': 1, 'end': 12, 'step': 3, " IN_X, "8,4,10", 0},
    {"8,12,10", "'op': 'reshape', 'shape': [2, 4, 120], " IN_X, "2,4,120", 0},
    {"8,3,10", "'op': 'concat', 'axis': 1, 'inputs': ['x', 'z']", "8,15,10", 0},
    /* volumes: R(2+1)D's first, 16 x (112 + 6 - 7)/2 + 1 twice; all axes alike where one number is
     */
    {"3,16,112,112",
     "'op': 'conv', " IN_X ", 'out_channels': 64, 'kernel': [3, 7, 7], 'stride': [1, 2, 2], 'pad': "
     "[1, 3, 3]",
     "64,16,56,56", 64 * 3 * 3 * 49},
    {"4,6,7,8", "'op': 'conv', " IN_X ", 'out_channels': 2, 'kernel': 3, 'groups': 2, 'bias': true",
     "2,4,5,6", 2 * 2 * 27 + 2},
    /* front 1, top 0, left 2, back 0, bottom 3, right 0 */
    {"4,6,7,8", "'op': 'conv', " IN_X ", 'out_channels': 1, 'kernel': 2, 'pad': [1, 0, 2, 0, 3, 0]",
     "1,6,9,9", 4 * 8},
    {"4,6,7,8",
     "'op': 'conv_transpose', " IN_X ", 'out_channels': 3, 'kernel': [1, 2, 3], 'stride': [1, 2, "
     "2], 'output_pad': [0, 1, 0]",
     "3,6,15,17", 4 * 3 * 6},
    {"4,6,7,8", "'op': 'max_pool', 'kernel': [1, 2, 3], 'ceil_mode': true, " IN_X, "4,6,4,3", 0},
    {"4,6,7,8", "'op': 'avg_pool', 'kernel': 2, 'stride': 1, " IN_X, "4,5,6,7", 0},
    {"4,6,7,8", "'op': 'upsample', 'size': [2, 3, 5], " IN_X, "4,2,3,5", 0},
    {"4,6,7,8", "'op': 'global_avg_pool', " IN_X, "4,1,1,1", 0},
    {"7", "'op': 'embedding', 'rows': 50, 'out_features': 4, " IN_X, "7,4", 200},
    {"2,3", "'op': 'embedding', 'rows': 50, 'out_features': 4, " IN_X, "2,3,4", 200},
    {"9007199254740991", "'op': 'relu', " IN_X, "9007199254740991", 0},
};

static void show_shape(const mbs_shape *shape, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (int i = 0; i < shape->rank; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%" PRId64, i > 0 ? "," : "",
                                 shape->dim[i]);
}

START_TEST(shapes_and_parameters)
{
    const shape_case *now = &shape_cases[_i];
    char inputs[400];
    char layers[400];
    char shape[200];
    snprintf(inputs, sizeof inputs,
             "{'name': 'x', 'shape': [%s]}, {'name': 'y', 'shape': [8,1,1]}, "
             "{'name': 'z', 'shape': [8,12,10]}, {'name': 'v', 'shape': [100]}",
             now->input);
    /* a second layer, so that views are not alone */
    snprintf(layers, sizeof layers,
             "{'name': 'a', %s}, {'name': 'b', 'op': 'relu', 'inputs': ['a']}", now->layer);
    mbs_network *network;
    mbs_status status = load_lists(&network, inputs, layers);
    ck_assert_msg(status == MBS_OK, "%s: %s", now->layer, error.message[0]);
    mbs_layer_info info;
    ck_assert_int_eq(mbs_network_layer(network, 0, &info), MBS_OK);
    show_shape(&info.shape, shape, sizeof shape);
    ck_assert_msg(strcmp(shape, now->shape) == 0, "%s: %s, not %s", now->layer, shape, now->shape);
    ck_assert_int_eq(info.parameters, now->parameters);
    ck_assert_int_eq(mbs_network_parameters(network), now->parameters);
    int64_t elements = 1;
    for (int i = 0; i < info.shape.rank; i++)
        elements *= info.shape.dim[i];
    ck_assert_int_eq(info.elements, elements);
    mbs_network_free(network);
}
END_TEST

START_TEST(members_reach_the_layer)
{
    mbs_network *network;
    ck_assert_int_eq(
        load_lists(&network, "{'name': 'x', 'shape': [8, 20, 20], 'x_note': {}}",
                   "{'name': 'c', 'op': 'conv', 'inputs': ['x'], 'out_channels': 4, 'kernel': "
                   "[3, 5], 'stride': [2, 1], 'pad': [1, 2, 3, 4], 'dilation': [1, 2], 'groups': "
                   "4, 'bias': true, 'x_note': 'ignored'},"
                   "{'name': 'p', 'op': 'max_pool', 'inputs': ['c'], 'kernel': [2, 3], 'pad': [0, "
                   "1], 'ceil_mode': true},"
                   "{'name': 'n', 'op': 'norm', 'inputs': ['p'], 'kind': 'group', 'groups': 2},"
                   "{'name': 'b', 'op': 'norm', 'inputs': ['n'], 'kind': 'instance'},"
                   "{'name': 's', 'op': 'add', 'inputs': ['b', 'n', 'b']}"),
        MBS_OK);
    const mbs_layer *conv = &network->layers[0];
    const int64_t before[] = {1, 2, 0}, after[] = {3, 4, 0};
    ck_assert_int_eq(conv->op, OP_CONV);
    ck_assert_int_eq(conv->kernel[0] * 10 + conv->kernel[1], 35);
    ck_assert_int_eq(conv->stride[0] * 10 + conv->stride[1], 21);
    ck_assert_int_eq(conv->dilation[0] * 10 + conv->dilation[1], 12);
    ck_assert_mem_eq(conv->pad, before, sizeof before);
    ck_assert_mem_eq(conv->pad_after, after, sizeof after);
    ck_assert_int_eq(conv->groups, 4);
    ck_assert_int_eq(conv->weights, 4 * 2 * 15);
    ck_assert_int_eq(conv->biases, 4);
    const mbs_layer *pool = &network->layers[1];
    const int64_t pool_pads[] = {0, 1, 0};
    ck_assert_int_eq(pool->stride[0] * 10 + pool->stride[1], 23);
    ck_assert_mem_eq(pool->pad, pool_pads, sizeof pool_pads);
    ck_assert_mem_eq(pool->pad_after, pool_pads, sizeof pool_pads);
    ck_assert(pool->ceil_mode);
    ck_assert_int_eq(network->layers[2].norm_kind, NORM_GROUP);
    ck_assert_int_eq(network->layers[2].groups, 2);
    ck_assert_int_eq(network->layers[3].norm_kind, NORM_INSTANCE);
    ck_assert_int_eq(network->layers[3].weights, 8);
    ck_assert_int_eq(network->layers[3].biases, 0);
    const int32_t sum_inputs[] = {4, 3, 4}; /* value 0 is x */
    ck_assert_int_eq(network->layers[4].input_count, 3);
    ck_assert_mem_eq(network->layers[4].inputs, sum_inputs, sizeof sum_inputs);
    mbs_network_free(network);
}
END_TEST

START_TEST(ops_have_names_and_views)
{
    ck_assert_str_eq(op_name(OP_CONV), "conv");
    ck_assert_str_eq(op_name(OP_GLOBAL_AVG_POOL), "global_avg_pool");
    ck_assert_str_eq(op_name(OP_IDENTITY), "identity");
    for (int op = 0; op < OP_COUNT; op++) {
        bool view = op == OP_CONCAT || op == OP_FLATTEN || op == OP_IDENTITY || op == OP_SLICE ||
                    op == OP_RESHAPE;
        ck_assert_ptr_nonnull(op_name((mbs_op)op));
        ck_assert_int_eq(op_is_view((mbs_op)op), view);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("shapes");
    TCase *tests = tcase_create("shapes");
    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, shapes_and_parameters, 0, COUNT(shape_cases));
    tcase_add_test(tests, members_reach_the_layer);
    tcase_add_test(tests, ops_have_names_and_views);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
