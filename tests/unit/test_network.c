/* src/network: every op's shape and parameters, the order, and every fault that a file may have. */
#include <check.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "network/network.h"
#include "run.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static mbs_error error;

static void setup(void)
{
    mbs_error_clear(&error);
}

/* A network with the given lists, written with ' for ". */
static mbs_status load_lists(mbs_network **network, const char *inputs, const char *layers)
{
    char document[8192];
    int length = snprintf(document, sizeof document,
                          "{'format': 'mbsopt-network/1', 'name': 'test', 'inputs': [%s], "
                          "'layers': [%s]}",
                          inputs, layers);
    ck_assert_int_lt(length, (int)sizeof document);
    for (char *at = document; *at != '\0'; at++)
        *at = *at == '\'' ? '"' : *at;
    return mbs_network_load_text(network, document, (size_t)length, "test.json", &error);
}

/* ---- Shapes and parameters, computed by hand ------------------------------------------------- */

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
    const int64_t pads[] = {1, 2, 3, 4};
    ck_assert_int_eq(conv->op, OP_CONV);
    ck_assert_int_eq(conv->kernel[0] * 10 + conv->kernel[1], 35);
    ck_assert_int_eq(conv->stride[0] * 10 + conv->stride[1], 21);
    ck_assert_int_eq(conv->dilation[0] * 10 + conv->dilation[1], 12);
    ck_assert_mem_eq(conv->pad, pads, sizeof pads);
    ck_assert_int_eq(conv->groups, 4);
    ck_assert_int_eq(conv->weights, 4 * 2 * 15);
    ck_assert_int_eq(conv->biases, 4);
    const mbs_layer *pool = &network->layers[1];
    const int64_t pool_pads[] = {0, 1, 0, 1};
    ck_assert_int_eq(pool->stride[0] * 10 + pool->stride[1], 23);
    ck_assert_mem_eq(pool->pad, pool_pads, sizeof pool_pads);
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

/* ---- Order ----------------------------------------------------------------------------------- */

#define RELU(name, input) "{'name': '" name "', 'op': 'relu', 'inputs': ['" input "']}"
#define ADD(name, a, b)   "{'name': '" name "', 'op': 'add', 'inputs': ['" a "', '" b "']}"
#define INPUT_X           "{'name': 'x', 'shape': [3]}"

static void check_order(const char *layers, const char *expected)
{
    mbs_network *network;
    char found[200] = "";
    mbs_status status = load_lists(&network, INPUT_X, layers);
    ck_assert_msg(status == MBS_OK, "%s", error.message[0]);
    for (size_t i = 0; i < mbs_network_layer_count(network); i++) {
        mbs_layer_info info;
        ck_assert_int_eq(mbs_network_layer(network, i, &info), MBS_OK);
        strcat(strcat(found, i > 0 ? " " : ""), info.name);
        for (size_t p = 0; p < info.input_count; p++) {
            strcat(strcat(found, p == 0 ? "(" : ","), mbs_network_layer_input(network, i, p));
            /* what is read comes earlier */
            ck_assert_int_lt(network->layers[i].inputs[p], network->input_count + (int32_t)i);
        }
        strcat(found, ")");
    }
    mbs_network_free(network);
    ck_assert_str_eq(found, expected);
}

START_TEST(the_order_is_stable)
{
    check_order(RELU("a", "x") "," RELU("b", "x") "," RELU("c", "a"), "a(x) b(x) c(a)");
    check_order(RELU("c", "b") "," RELU("b", "a") "," RELU("a", "x"), "a(x) b(a) c(b)");
    /* as soon as c is available it goes before d, which stood ready all the time */
    check_order(RELU("a", "b") "," RELU("c", "a") "," RELU("b", "x") "," RELU("d", "x"),
                "b(x) a(b) c(a) d(x)");
    /* the first available in file order, not first come, first served */
    check_order(ADD("s", "p", "q") "," RELU("t", "q") "," RELU("q", "x") "," RELU(
                    "p", "x") "," RELU("u", "p"),
                "q(x) t(q) p(x) s(p,q) u(p)");
    check_order(ADD("s", "p", "p") "," RELU("p", "x"), "p(x) s(p,p)");
}
END_TEST

START_TEST(long_orders_are_what_the_rule_says)
{
    /* layer i reads layer (i * 7 + 3) mod 1000 or x; compared with the rule carried out literally
     */
    enum { LAYERS = 1000 };
    text out = TEXT_INIT;
    static int from[LAYERS];
    static bool placed[LAYERS];
    text_string(&out, "{\"format\":\"mbsopt-network/1\",\"name\":\"n\",\"inputs\":[{\"name\":\"x\","
                      "\"shape\":[1]}],\"layers\":[");
    uint32_t random = 12345;
    for (int i = 0; i < LAYERS; i++) {
        /* a layer reads one with a smaller key; keys are a permutation of the file's places */
        int key = i * 7 % LAYERS;
        random = random * 1664525u + 1013904223u;
        int key_read = key == 0 ? -1 : (int)(random >> 8) % key;
        from[i] = key_read < 0 ? -1 : key_read * 143 % LAYERS; /* 7 * 143 = 1001 */
        text_format(&out, "%s{\"name\":\"l%d\",\"op\":\"relu\",\"inputs\":[\"", i > 0 ? "," : "",
                    i);
        if (from[i] < 0)
            text_format(&out, "x\"]}");
        else
            text_format(&out, "l%d\"]}", from[i]);
    }
    text_string(&out, "]}");
    mbs_network *network;
    mbs_status status = mbs_network_load_text(&network, out.data, out.length, "long", &error);
    text_free(&out);
    ck_assert_msg(status == MBS_OK, "%s", error.message[0]);
    for (int k = 0; k < LAYERS; k++) {
        int next = 0;
        while (placed[next] || (from[next] >= 0 && !placed[from[next]]))
            next++;
        placed[next] = true;
        char name[16];
        snprintf(name, sizeof name, "l%d", next);
        ck_assert_str_eq(network->layers[k].name, name);
    }
    mbs_network_free(network);
}
END_TEST

/* ---- Faults ---------------------------------------------------------------------------------- */

/* The next line of expected.tsv as file and message, or false at the end. */
static bool next_row(char **at, char **file, char **message)
{
    char *tab = strchr(*at, '\t');
    char *end = tab != NULL ? strchr(tab, '\n') : NULL;
    if (end == NULL)
        return false;
    *tab = *end = '\0';
    *file = *at;
    *message = tab + 1;
    *at = end + 1;
    return true;
}

/* Loads the file and checks that it has as many faults as the list says: none is blamed on others.
 */
static void load_bad(const char *file, char *list)
{
    char name[256];
    mbs_network *network = NULL;
    snprintf(name, sizeof name, "tests/bad/%s", file);
    setup();
    ck_assert_msg(mbs_network_load_file(&network, source_path("%s", name), &error) == MBS_ERR_INPUT,
                  "%s", file);
    ck_assert_ptr_null(network);
    char start[270];
    size_t expected = 0;
    snprintf(start, sizeof start, "%s\t", file);
    for (char *at = list; (at = strstr(at, start)) != NULL; at += strlen(start))
        expected += at == list || at[-1] == '\n';
    ck_assert_msg(error.count == expected, "%s: %zu faults, %zu expected; the first: %s", file,
                  error.count, expected, error.message[0]);
}

START_TEST(bad_files_are_refused_for_their_faults)
{
    char *list;
    size_t length;
    ck_assert_int_eq(file_read(&list, &length, source_path("tests/bad/expected.tsv"), &error),
                     MBS_OK);
    char *original = strdup(list);
    ck_assert_ptr_nonnull(original);
    char *at = list;
    char *file;
    char *message;
    size_t rows = 0;
    for (; next_row(&at, &file, &message); rows++) {
        load_bad(file, original);
        bool found = false;
        for (size_t i = 0; i < error.count && i < MBS_ERROR_MESSAGES; i++) {
            found |= strstr(error.message[i], message) != NULL;
            ck_assert_msg(strstr(error.message[i], file) != NULL, "%s", error.message[i]);
        }
        ck_assert_msg(found, "%s: \"%s\" expected, found \"%s\"", file, message, error.message[0]);
    }
    ck_assert_str_eq(at, "");
    ck_assert_uint_gt(rows, 100);
    free(original);
    mbs_free(list);
}
END_TEST

START_TEST(every_bad_file_is_listed)
{
    char *list;
    size_t length;
    ck_assert_int_eq(file_read(&list, &length, source_path("tests/bad/expected.tsv"), &error),
                     MBS_OK);
    DIR *folder = opendir(source_path("tests/bad"));
    ck_assert_ptr_nonnull(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        size_t bytes = strlen(entry->d_name);
        if (bytes > 5 && strcmp(entry->d_name + bytes - 5, ".json") == 0)
            ck_assert_msg(strstr(list, entry->d_name) != NULL, "%s is not listed", entry->d_name);
    }
    closedir(folder);
    mbs_free(list);
}
END_TEST

START_TEST(all_faults_are_counted)
{
    mbs_network *network;
    char layers[4000] = RELU("r", "x");
    for (int i = 0; i < 30; i++)
        strcat(layers, ", {'op': 'relu', 'inputs': ['x']}");
    ck_assert_int_eq(load_lists(&network, INPUT_X, layers), MBS_ERR_INPUT);
    ck_assert_uint_eq(error.count, 30);
    ck_assert_str_eq(error.message[19],
                     "test.json: layers[20].name: is missing, expected a string that is not empty");
    ck_assert_int_eq(load_lists(&network, INPUT_X, layers), MBS_ERR_INPUT);
    ck_assert_uint_eq(error.count, 60); /* the caller's error was not empty */
}
END_TEST

START_TEST(misuse_is_refused)
{
    mbs_network *network = NULL;
    mbs_layer_info info;
    ck_assert_int_eq(mbs_network_load_file(NULL, "x", &error), MBS_ERR_ARGUMENT);
    ck_assert_int_eq(mbs_network_load_file(&network, NULL, &error), MBS_ERR_ARGUMENT);
    ck_assert_int_eq(mbs_network_load_text(&network, NULL, 0, "x", &error), MBS_ERR_ARGUMENT);
    ck_assert_int_eq(mbs_network_load_text(&network, "", 0, NULL, &error), MBS_ERR_ARGUMENT);
    ck_assert_int_eq(mbs_network_load_file(&network, "/nowhere.json", &error), MBS_ERR_IO);
    ck_assert_int_eq(mbs_network_load_file(&network, "/nowhere.json", NULL), MBS_ERR_IO);
    ck_assert_int_eq(mbs_network_load_text(&network, "[", 1, "x", NULL), MBS_ERR_INPUT);
    ck_assert_int_eq(mbs_network_layer(NULL, 0, &info), MBS_ERR_ARGUMENT);
    ck_assert_ptr_null(mbs_network_layer_input(NULL, 0, 0));
    mbs_network_free(NULL);
    ck_assert_int_eq(load_lists(&network, INPUT_X, RELU("a", "x")), MBS_OK);
    ck_assert_int_eq(mbs_network_layer(network, 1, &info), MBS_ERR_ARGUMENT);
    ck_assert_int_eq(mbs_network_layer(network, 0, NULL), MBS_ERR_ARGUMENT);
    ck_assert_ptr_null(mbs_network_layer_input(network, 0, 1));
    ck_assert_ptr_null(mbs_network_layer_input(network, 1, 0));
    ck_assert_str_eq(mbs_network_layer_input(network, 0, 0), "x");
    ck_assert_str_eq(mbs_network_name(network), "test");
    ck_assert_uint_eq(mbs_network_input_count(network), 1);
    mbs_network_free(network);
}
END_TEST

/* ---- The zoo --------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    size_t layers; /* 0: not checked */
    int64_t parameters;
} zoo[] = {
    /* as published with torchvision's and, for Inception-v4, Cadene's weights */
    {"vgg16", 0, 138357544},
    {"resnet18", 0, 11689512},
    {"resnet50", 174, 25557032},
    {"resnet101", 0, 44549160},
    {"resnet152", 0, 60192808},
    {"inception_v3", 308, 23834568},
    {"inception_v4", 0, 42679816},
    {"densenet121", 0, 7978856},
    {"mobilenet_v2", 0, 3504872},
    /* by hand: 3*96*121 + 96*256*25 + 256*384*9 + 384*384*9 + 384*256*9 + 9216*4096 + 4096*4096
     * + 4096*1000, and 96 + 256 + 384 + 384 + 256 + 4096 + 4096 + 1000 biases */
    {"alexnet", 18, 62378344},
};

START_TEST(the_zoo_has_the_published_parameters)
{
    char name[64];
    mbs_network *network;
    snprintf(name, sizeof name, "models/networks/%s.json", zoo[_i].name);
    ck_assert_msg(mbs_network_load_file(&network, source_path("%s", name), &error) == MBS_OK, "%s",
                  error.message[0]);
    ck_assert_str_eq(mbs_network_name(network), zoo[_i].name);
    ck_assert_int_eq(mbs_network_parameters(network), zoo[_i].parameters);
    if (zoo[_i].layers > 0)
        ck_assert_uint_eq(mbs_network_layer_count(network), zoo[_i].layers);
    mbs_network_free(network);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("network");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, setup, NULL);
    tcase_set_timeout(all, 60);
    tcase_add_loop_test(all, shapes_and_parameters, 0, COUNT(shape_cases));
    tcase_add_test(all, members_reach_the_layer);
    tcase_add_test(all, ops_have_names_and_views);
    tcase_add_test(all, the_order_is_stable);
    tcase_add_test(all, long_orders_are_what_the_rule_says);
    tcase_add_test(all, bad_files_are_refused_for_their_faults);
    tcase_add_test(all, every_bad_file_is_listed);
    tcase_add_test(all, all_faults_are_counted);
    tcase_add_test(all, misuse_is_refused);
    tcase_add_loop_test(all, the_zoo_has_the_published_parameters, 0, COUNT(zoo));
    suite_add_tcase(suite, all);
    return run_suite(suite);
}
