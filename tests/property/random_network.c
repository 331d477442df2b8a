#include "random_network.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "run.h"

#define MAX_VALUES 200

typedef enum network_shape {
    SHAPE_CHAIN,
    SHAPE_RESIDUAL,
    SHAPE_INCEPTION,
    SHAPE_DENSE,
    SHAPE_FAN_OUT,
    SHAPE_VIEWS,
    SHAPE_SPLIT,
    SHAPE_ROWS, /* of random_network_of_rows alone */
    SHAPE_COUNT
} network_shape;

typedef struct generator {
    uint64_t *state;
    text out;
    int count; /* values so far; value 0 is the image */
    int64_t channels[MAX_VALUES];
    int64_t side[MAX_VALUES];
} generator;

uint64_t random_next(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

int64_t random_between(uint64_t *state, int64_t low, int64_t high)
{
    return low + (int64_t)((random_next(state) >> 11) % (uint64_t)(high - low + 1));
}

static int pick(generator *g, int count)
{
    return (int)random_between(g->state, 0, count - 1);
}

/* Appends a layer reading `inputs`; returns its value. */
static int layer(generator *g, const char *members, const int *inputs, int input_count,
                 int64_t channels, int64_t side)
{
    int value = g->count++;
    text_format(&g->out, "%s{\"name\":\"v%d\",%s,\"inputs\":[", value == 1 ? "" : ",\n", value,
                members);
    for (int i = 0; i < input_count; i++)
        text_format(&g->out, "%s\"v%d\"", i == 0 ? "" : ",", inputs[i]);
    text_string(&g->out, "]}");
    g->channels[value] = channels;
    g->side[value] = side;
    return value;
}

static int conv(generator *g, int input, int64_t channels, int kernel)
{
    text members = TEXT_INIT;
    text_format(&members,
                "\"op\":\"conv\",\"out_channels\":%d,\"kernel\":%d,\"pad\":%d,\"bias\":%s",
                (int)channels, kernel, kernel / 2, pick(g, 2) ? "true" : "false");
    int value = layer(g, members.data, &input, 1, channels, g->side[input]);
    text_free(&members);
    return value;
}

/* One of the ops that keep the shape. */
static int same(generator *g, int input)
{
    static const char *const ops[] = {
        "\"op\":\"relu\"",
        "\"op\":\"norm\",\"kind\":\"group\",\"groups\":1",
        "\"op\":\"norm\",\"kind\":\"batch\"",
        "\"op\":\"sigmoid\"",
        "\"op\":\"gelu\"",
        "\"op\":\"dropout\"",
        "\"op\":\"softmax\"",
        "\"op\":\"lrn\"",
        "\"op\":\"max_pool\",\"kernel\":3,\"stride\":1,\"pad\":1",
        "\"op\":\"avg_pool\",\"kernel\":3,\"stride\":1,\"pad\":1",
        "\"op\":\"prelu\"",
        "\"op\":\"scale\",\"parameters\":3",
        "\"op\":\"scale\"",
        "\"op\":\"bias\",\"parameters\":7",
        "\"op\":\"bias\"",
        "\"op\":\"permute\",\"order\":[0,2,1]",
    };
    return layer(g, ops[pick(g, sizeof ops / sizeof ops[0])], &input, 1, g->channels[input],
                 g->side[input]);
}

static int any(generator *g, int input)
{
    if (pick(g, 8) == 0)
        return layer(g, "\"op\":\"conv_transpose\",\"out_channels\":4,\"kernel\":3,\"pad\":1",
                     &input, 1, 4, g->side[input]);
    if (pick(g, 2) == 0)
        return conv(g, input, random_between(g->state, 1, 8), pick(g, 2) ? 1 : 3);
    return same(g, input);
}

static int add(generator *g, int a, int b)
{
    int inputs[] = {a, b};
    return layer(g, pick(g, 4) ? "\"op\":\"add\"" : "\"op\":\"mul\"", inputs, 2, g->channels[a],
                 g->side[a]);
}

static int concat(generator *g, const int *inputs, int count)
{
    int64_t channels = 0;
    for (int i = 0; i < count; i++)
        channels += g->channels[inputs[i]];
    return layer(g, "\"op\":\"concat\"", inputs, count, channels, g->side[inputs[0]]);
}

static int residual_block(generator *g, int input)
{
    int value = any(g, input);
    if (pick(g, 2))
        value = same(g, value);
    value = conv(g, value, g->channels[input], 1);
    if (pick(g, 3) == 0) /* squeeze and excitation: a broadcast operand */
        value =
            add(g, value, layer(g, "\"op\":\"global_avg_pool\"", &value, 1, g->channels[value], 1));
    return add(g, value, input);
}

static int inception_block(generator *g, int input)
{
    int branches[4];
    int count = 2 + pick(g, 2);
    for (int i = 0; i < count; i++) {
        branches[i] = any(g, input);
        if (pick(g, 2))
            branches[i] = any(g, branches[i]);
    }
    return concat(g, branches, count);
}

static int dense_block(generator *g, int input)
{
    int both[] = {input, conv(g, pick(g, 2) ? same(g, input) : input, 2, 3)};
    return concat(g, both, 2);
}

static int fan_out_block(generator *g, int input)
{
    int left = conv(g, input, g->channels[input], 1);
    int right = same(g, input);
    int third = add(g, left, right);
    int fourth = add(g, left, input);
    if (pick(g, 3) == 0)
        fourth = add(g, fourth, fourth);
    return add(g, third, fourth);
}

static int views_block(generator *g, int input)
{
    int value = any(g, input);
    int pair[] = {value,
                  layer(g, "\"op\":\"identity\"", &value, 1, g->channels[value], g->side[value])};
    int view = concat(g, pair, 1 + pick(g, 2));
    int nested[] = {view, input};
    view = concat(g, nested, 2);
    return pick(g, 2) ? same(g, view) : conv(g, view, 3, 1);
}

static int slice(generator *g, int input, int64_t begin, int64_t end, int axis)
{
    text members = TEXT_INIT;
    text_format(&members, "\"op\":\"slice\",\"axis\":%d,\"begin\":%d,\"end\":%d", axis, (int)begin,
                (int)end);
    int value = layer(g, members.data, &input, 1, axis == 0 ? end - begin : g->channels[input],
                      g->side[input]);
    text_free(&members);
    return value;
}

/* Channels that part ways and meet again, or some that end; and a product of the two halves. */
static int split_block(generator *g, int input)
{
    int whole = conv(g, input, 2 * random_between(g->state, 1, 3), 1);
    int64_t half = g->channels[whole] / 2;
    int both[] = {slice(g, whole, 0, half, 0), slice(g, whole, half, 2 * half, 0)};
    if (pick(g, 2))
        both[1] = conv(g, both[1], half, 3);
    if (pick(g, 3) == 0)
        return pick(g, 2) ? conv(g, both[0], 2, 1) : both[1];
    if (pick(g, 3) == 0)
        return layer(g, "\"op\":\"matmul\",\"transpose_b\":true", both, 2, half, g->side[whole]);
    if (pick(g, 3) == 0)
        return add(g, whole, concat(g, both, 2));
    return concat(g, both, 2);
}

/* A window of its own stride, dilation and padding; the values stay square. */
static int window_layer(generator *g, int input)
{
    const int64_t side = g->side[input];
    const int64_t dilation = random_between(g->state, 1, 2);
    const int64_t kernel = random_between(g->state, 1, 3);
    const int64_t window = (kernel - 1) * dilation + 1;
    const int64_t pad = random_between(g->state, 0, kernel / 2);
    const int64_t stride = random_between(g->state, 1, side > 4 ? 3 : 1);
    const bool pools = pick(g, 3) == 0 && dilation == 1;
    const int64_t channels = pools ? g->channels[input] : random_between(g->state, 1, 4);
    if (side + 2 * pad < window)
        return input;
    text members = TEXT_INIT;
    if (pools)
        text_format(&members, "\"op\":\"%s_pool\"", pick(g, 2) ? "max" : "avg");
    else
        text_format(&members, "\"op\":\"conv\",\"out_channels\":%d,\"dilation\":%d", (int)channels,
                    (int)dilation);
    text_format(&members, ",\"kernel\":%d,\"stride\":%d,\"pad\":%d", (int)kernel, (int)stride,
                (int)pad);
    int value = layer(g, members.data, &input, 1, channels, (side + 2 * pad - window) / stride + 1);
    text_free(&members);
    return value;
}

/* More rows, or rows set off against others. */
static int grow(generator *g, int input)
{
    const int64_t side = g->side[input];
    const int64_t more = random_between(g->state, 1, 4);
    const int64_t before = random_between(g->state, 0, more);
    text members = TEXT_INIT;
    int64_t grown = side + more;
    int64_t channels = g->channels[input];
    switch (pick(g, 3)) {
    case 0:
        text_format(&members, "\"op\":\"upsample\",\"size\":[%d,%d]", (int)grown, (int)grown);
        break;
    case 1:
        text_format(&members, "\"op\":\"pad\",\"before\":[0,%d,%d],\"after\":[0,%d,%d]",
                    (int)before, (int)before, (int)(more - before), (int)(more - before));
        break;
    default: /* stride 2 and a kernel of 2 or 3 */
        grown = 2 * side + before % 2;
        text_format(&members,
                    "\"op\":\"conv_transpose\",\"out_channels\":2,\"kernel\":%d,\"stride\":2",
                    2 + (int)(before % 2));
        channels = 2;
        break;
    }
    int value = layer(g, members.data, &input, 1, channels, grown);
    text_free(&members);
    return value;
}

/* Rows as tokens: scores of each row with each, softmax, and the values' mean by them. */
static int attention_block(generator *g, int input)
{
    const int64_t side = g->side[input];
    int projection[3];
    text members = TEXT_INIT;
    text_format(&members, "\"op\":\"fc\",\"axis\":2,\"out_features\":%d", (int)side);
    for (int i = 0; i < 3; i++)
        projection[i] = layer(g, members.data, &input, 1, g->channels[input], side);
    text_free(&members);
    int scores[2] = {
        layer(g, "\"op\":\"matmul\",\"transpose_b\":true", projection, 2, g->channels[input], side),
        projection[2]};
    scores[0] = layer(g, "\"op\":\"softmax\"", scores, 1, g->channels[input], side);
    return layer(g, "\"op\":\"matmul\"", scores, 2, g->channels[input], side);
}

static int rows_block(generator *g, int input)
{
    if (g->side[input] < 12 && pick(g, 4) == 0)
        return grow(g, input);
    if (pick(g, 6) == 0)
        return attention_block(g, input);
    return pick(g, 3) ? window_layer(g, input) : residual_block(g, input);
}

/* As `mbsopt-network/1` text, the caller's (mbs_free). */
static char *write_network(uint64_t *state, network_shape shape, int layers)
{
    generator g = {.state = state, .out = TEXT_INIT, .count = 1};
    g.channels[0] = random_between(state, 1, 4);
    g.side[0] = random_between(state, 3, shape == SHAPE_ROWS ? 20 : 8);
    text_format(&g.out,
                "{\"format\":\"mbsopt-network/1\",\"name\":\"random\",\"inputs\":[{\"name\":\"v0\","
                "\"shape\":[%d,%d,%d]}],\"layers\":[\n",
                (int)g.channels[0], (int)g.side[0], (int)g.side[0]);
    int value = 0;
    while (g.count <= layers && g.count < MAX_VALUES - 20) {
        switch (shape) {
        case SHAPE_RESIDUAL:
            value = residual_block(&g, value);
            break;
        case SHAPE_INCEPTION:
            value = inception_block(&g, value);
            break;
        case SHAPE_DENSE:
            value = dense_block(&g, value);
            break;
        case SHAPE_FAN_OUT:
            value = fan_out_block(&g, value);
            break;
        case SHAPE_VIEWS:
            value = views_block(&g, value);
            break;
        case SHAPE_SPLIT:
            value = split_block(&g, value);
            break;
        case SHAPE_ROWS:
            value = rows_block(&g, value);
            break;
        case SHAPE_CHAIN:
        case SHAPE_COUNT:
            value = any(&g, value);
            break;
        }
    }
    if (pick(&g, 4) == 0) /* a second sink */
        same(&g, pick(&g, g.count));
    if (pick(&g, 2))
        layer(&g, "\"op\":\"fc\",\"out_features\":5", &value, 1, 5, 1);
    text_string(&g.out, "]}");
    char *result = NULL;
    text_finish(&g.out, &result, NULL);
    return result;
}

/* Of the shapes up to `last`; what is drawn beyond is the last. */
static mbs_network *make_network(uint64_t *state, int drawn, int last, int layers,
                                 char label[RANDOM_LABEL_BYTES])
{
    static mbs_error error;
    mbs_network *network;
    const uint64_t start = *state;
    const int64_t number = random_between(state, 0, drawn - 1);
    const network_shape shape = (network_shape)(number < last ? number : last);
    char *json = write_network(state, shape, layers);
    snprintf(label, RANDOM_LABEL_BYTES, "network of shape %d from state %" PRIu64, (int)shape,
             start);
    mbs_error_clear(&error);
    must_succeed(mbs_network_load_text(&network, json, strlen(json), "random", &error), &error,
                 label);
    mbs_free(json);
    return network;
}

mbs_network *random_network(uint64_t *state, int layers, char label[RANDOM_LABEL_BYTES])
{
    return make_network(state, SHAPE_ROWS, SHAPE_ROWS - 1, layers, label);
}

mbs_network *random_network_of_rows(uint64_t *state, int layers, char label[RANDOM_LABEL_BYTES])
{
    return make_network(state, SHAPE_COUNT + 4, SHAPE_ROWS, layers, label);
}
