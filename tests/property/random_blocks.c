#include "random_blocks.h"

#include <stdbool.h>
#include <string.h>

#include "random_network.h"

int pick(generator *g, int count)
{
    return (int)random_between(g->state, 0, count - 1);
}

static bool has_parameters(const char *members)
{
    static const char *const ops[] = {"conv\"", "conv_transpose\"", "norm\"", "prelu\""};
    const char *op = members + strlen("\"op\":\"");
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++)
        if (strncmp(op, ops[i], strlen(ops[i])) == 0)
            return true;
    return strstr(members, "\"parameters\"") != NULL;
}

/* An earlier layer with the same members and as many channels to read, sometimes; or -1. */
static int draw_owner(generator *g, const char *members, int value, int input)
{
    int found = -1;
    if (!has_parameters(members) || strlen(members) >= MEMBERS_BYTES)
        return -1;
    for (int other = 1; other < value; other++)
        if (strcmp(g->members[other], members) == 0 &&
            g->read_channels[other] == g->channels[input])
            found = other;
    if (found >= 0 && pick(g, 2))
        return found;
    strcpy(g->members[value], members);
    g->read_channels[value] = g->channels[input];
    return -1;
}

int add_layer(generator *g, const char *members, const int *inputs, int input_count,
              int64_t channels, int64_t side)
{
    int value = g->count++;
    text_format(&g->out, "%s{\"name\":\"v%d\",%s,\"inputs\":[", value == 1 ? "" : ",\n", value,
                members);
    const int owner = draw_owner(g, members, value, inputs[0]);
    for (int i = 0; i < input_count; i++)
        text_format(&g->out, "%s\"v%d\"", i == 0 ? "" : ",", inputs[i]);
    if (owner >= 0)
        text_format(&g->out, "],\"shares\":\"v%d\"}", owner);
    else
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
    int value = add_layer(g, members.data, &input, 1, channels, g->side[input]);
    text_free(&members);
    return value;
}

int same_shape(generator *g, int input)
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
    return add_layer(g, ops[pick(g, sizeof ops / sizeof ops[0])], &input, 1, g->channels[input],
                     g->side[input]);
}

int any_layer(generator *g, int input)
{
    if (pick(g, 8) == 0)
        return add_layer(g, "\"op\":\"conv_transpose\",\"out_channels\":4,\"kernel\":3,\"pad\":1",
                         &input, 1, 4, g->side[input]);
    if (pick(g, 2) == 0)
        return conv(g, input, random_between(g->state, 1, 8), pick(g, 2) ? 1 : 3);
    return same_shape(g, input);
}

static int add(generator *g, int a, int b)
{
    int inputs[] = {a, b};
    return add_layer(g, pick(g, 4) ? "\"op\":\"add\"" : "\"op\":\"mul\"", inputs, 2, g->channels[a],
                     g->side[a]);
}

static int concat(generator *g, const int *inputs, int count)
{
    int64_t channels = 0;
    for (int i = 0; i < count; i++)
        channels += g->channels[inputs[i]];
    return add_layer(g, "\"op\":\"concat\"", inputs, count, channels, g->side[inputs[0]]);
}

int residual_block(generator *g, int input)
{
    int value = any_layer(g, input);
    if (pick(g, 2))
        value = same_shape(g, value);
    value = conv(g, value, g->channels[input], 1);
    if (pick(g, 3) == 0) /* squeeze and excitation: a broadcast operand */
        value = add(g, value,
                    add_layer(g, "\"op\":\"global_avg_pool\"", &value, 1, g->channels[value], 1));
    return add(g, value, input);
}

int inception_block(generator *g, int input)
{
    int branches[4] = {input};
    int count = 2 + pick(g, 2);
    for (int i = 0; i < count; i++) {
        branches[i] = any_layer(g, input);
        if (pick(g, 2))
            branches[i] = any_layer(g, branches[i]);
    }
    return concat(g, branches, count);
}

int dense_block(generator *g, int input)
{
    int both[] = {input, conv(g, pick(g, 2) ? same_shape(g, input) : input, 2, 3)};
    return concat(g, both, 2);
}

int fan_out_block(generator *g, int input)
{
    int left = conv(g, input, g->channels[input], 1);
    int right = same_shape(g, input);
    int third = add(g, left, right);
    int fourth = add(g, left, input);
    if (pick(g, 3) == 0)
        fourth = add(g, fourth, fourth);
    return add(g, third, fourth);
}

int views_block(generator *g, int input)
{
    int value = any_layer(g, input);
    int pair[] = {
        value, add_layer(g, "\"op\":\"identity\"", &value, 1, g->channels[value], g->side[value])};
    int view = concat(g, pair, 1 + pick(g, 2));
    int nested[] = {view, input};
    view = concat(g, nested, 2);
    return pick(g, 2) ? same_shape(g, view) : conv(g, view, 3, 1);
}

static int slice(generator *g, int input, int64_t begin, int64_t end, int axis)
{
    text members = TEXT_INIT;
    text_format(&members, "\"op\":\"slice\",\"axis\":%d,\"begin\":%d,\"end\":%d", axis, (int)begin,
                (int)end);
    int value = add_layer(g, members.data, &input, 1, axis == 0 ? end - begin : g->channels[input],
                          g->side[input]);
    text_free(&members);
    return value;
}

/* Channels that part ways and meet again, or some that end; and a product of the two halves. */
int split_block(generator *g, int input)
{
    int whole = conv(g, input, 2 * random_between(g->state, 1, 3), 1);
    int64_t half = g->channels[whole] / 2;
    int both[] = {slice(g, whole, 0, half, 0), slice(g, whole, half, 2 * half, 0)};
    if (pick(g, 2))
        both[1] = conv(g, both[1], half, 3);
    if (pick(g, 3) == 0)
        return pick(g, 2) ? conv(g, both[0], 2, 1) : both[1];
    if (pick(g, 3) == 0)
        return add_layer(g, "\"op\":\"matmul\",\"transpose_b\":true", both, 2, half,
                         g->side[whole]);
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
    int value =
        add_layer(g, members.data, &input, 1, channels, (side + 2 * pad - window) / stride + 1);
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
    int value = add_layer(g, members.data, &input, 1, channels, grown);
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
        projection[i] = add_layer(g, members.data, &input, 1, g->channels[input], side);
    text_free(&members);
    int scores[2] = {add_layer(g, "\"op\":\"matmul\",\"transpose_b\":true", projection, 2,
                               g->channels[input], side),
                     projection[2]};
    scores[0] = add_layer(g, "\"op\":\"softmax\"", scores, 1, g->channels[input], side);
    return add_layer(g, "\"op\":\"matmul\"", scores, 2, g->channels[input], side);
}

/* A view that changes nothing. */
static int passed(generator *g, int input)
{
    text members = TEXT_INIT;
    text_format(&members, "\"op\":\"reshape\",\"shape\":[%d,%d,%d]", (int)g->channels[input],
                (int)g->side[input], (int)g->side[input]);
    int value = add_layer(g, pick(g, 2) ? "\"op\":\"identity\"" : members.data, &input, 1,
                          g->channels[input], g->side[input]);
    text_free(&members);
    return value;
}

/* The two halves of a tensor, or of a part of one, added: one gradient for both. */
static int sum_of_slices(generator *g, int input)
{
    int whole = conv(g, input, 4, 1);
    if (pick(g, 3) == 0)
        whole = slice(g, whole, 1, 3, 0);
    if (pick(g, 3) == 0)
        whole = passed(g, whole);
    const int64_t half = g->channels[whole] / 2;
    int both[] = {slice(g, whole, 0, half, 0), slice(g, whole, half, 2 * half, 0)};
    if (pick(g, 2))
        both[1] = passed(g, both[1]);
    int sum = add_layer(g, "\"op\":\"add\"", both, 2, half, g->side[input]);
    return pick(g, 3) == 0 ? sum : any_layer(g, sum);
}

/* The rows of a tensor in another order. */
static int roll(generator *g, int input)
{
    const int64_t side = g->side[input];
    const int64_t at = random_between(g->state, 1, side - 1);
    int both[] = {slice(g, input, at, side, 1), slice(g, input, 0, at, 1)};
    return add_layer(g, "\"op\":\"concat\",\"axis\":1", both, 2, g->channels[input], side);
}

/* Columns as rows. */
static int transposed(generator *g, int input)
{
    return add_layer(g, "\"op\":\"permute\",\"order\":[0,2,1]", &input, 1, g->channels[input],
                     g->side[input]);
}

/* A tensor read as it is and in another way, by one step. */
static int read_in_two_ways(generator *g, int input)
{
    static const char *const ops[] = {"\"op\":\"add\"", "\"op\":\"mul\"", "\"op\":\"elementwise\"",
                                      "\"op\":\"matmul\",\"transpose_b\":true",
                                      "\"op\":\"matmul\",\"transpose_a\":true"};
    int value = any_layer(g, input);
    int both[] = {value, passed(g, value)};
    if (pick(g, 3) == 0)
        both[1] = g->side[value] > 1 ? roll(g, both[1]) : both[1];
    else if (pick(g, 3) == 0)
        both[1] = transposed(g, both[1]);
    return add_layer(g, ops[pick(g, 5)], both, 2, g->channels[value], g->side[value]);
}

int tangled_block(generator *g, int input)
{
    switch (pick(g, 4)) {
    case 0:
        return sum_of_slices(g, input);
    case 1:
        return g->side[input] > 1 ? same_shape(g, roll(g, input)) : any_layer(g, input);
    case 2:
        return read_in_two_ways(g, input);
    default:
        return any_layer(g, input);
    }
}

int rows_block(generator *g, int input)
{
    if (g->side[input] < 12 && pick(g, 4) == 0)
        return grow(g, input);
    if (pick(g, 6) == 0)
        return pick(g, 2) ? attention_block(g, input) : tangled_block(g, input);
    return pick(g, 3) ? window_layer(g, input) : residual_block(g, input);
}
