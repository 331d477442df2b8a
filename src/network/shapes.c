/* Shapes and parameter counts: one function per rule of the op table. */
#include <inttypes.h>
#include <stdio.h>

#include "base/checked.h"
#include "base/error.h"
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

static shape_text show_shape(const mbs_shape *shape)
{
    shape_text out = {"["};
    size_t used = 1;
    for (int i = 0; i < shape->rank; i++)
        used += (size_t)snprintf(out.text + used, sizeof out.text - used, "%s%" PRId64,
                                 i > 0 ? "," : "", shape->dim[i]);
    snprintf(out.text + used, sizeof out.text - used, "]");
    return out;
}

static const mbs_shape *input_shape(const inference *now, int32_t input)
{
    return value_shape(now->loader->network, now->layer->inputs[input]);
}

static bool count_elements(const mbs_shape *shape, int64_t *elements)
{
    *elements = 1;
    for (int i = 0; i < shape->rank; i++)
        if (!checked_mul(*elements, shape->dim[i], elements))
            return false;
    return true;
}

static bool fault(const inference *now, const char *member, const char *message)
{
    json_fault(&now->loader->document, now->at, member, "%s", message);
    return false;
}

/* Reports what is wrong with the shape of an input. */
static bool input_fault(const inference *now, int32_t input, const char *expected)
{
    json_path list = {now->at, "inputs", 0};
    json_path place = {&list, NULL, (size_t)input};
    const mbs_network *network = now->loader->network;
    json_fault(&now->loader->document, &place, NULL, "found %s of shape %s, expected %s",
               quoted(value_name(network, now->layer->inputs[input])).text,
               show_shape(input_shape(now, input)).text, expected);
    return false;
}

static bool require_chw(const inference *now)
{
    char expected[64];
    if (input_shape(now, 0)->rank == 3)
        return true;
    snprintf(expected, sizeof expected, "[C,H,W] for %s", op_name(now->layer->op));
    return input_fault(now, 0, expected);
}

/* ---- Windows: convolutions and pools ---- */

typedef struct window {
    int64_t input;
    int64_t before; /* padding */
    int64_t padded;
    int64_t reach; /* of the kernel, dilation included */
    int64_t stride;
} window;

/*
 * How often the window fits; below 1 if it never does. In ceil mode it may hang over the end, if it
 * starts inside the input or the padding before it (PyTorch's pooling_output_shape).
 */
static int64_t count_windows(const window *w, bool ceil_mode)
{
    int64_t room = w->padded - w->reach;
    if (!ceil_mode)
        return room < 0 ? 0 : room / w->stride + 1;
    /* division truncates, which for a negative room is the ceiling */
    int64_t last = room < 0 ? room / w->stride : ceil_div(room, w->stride);
    int64_t start;
    if (last > 0 && (!checked_mul(last, w->stride, &start) || start >= w->input + w->before))
        last--;
    return last + 1;
}

/* The output's extent along `axis` (0 height, 1 width). */
static bool slide(const inference *now, int axis, int64_t *extent)
{
    static const char *const axes[] = {"height", "width"};
    const mbs_layer *layer = now->layer;
    window w = {.input = input_shape(now, 0)->dim[1 + axis],
                .before = layer->pad[axis],
                .stride = layer->stride[axis]};
    char message[160];
    if (!checked_add(w.input, w.before, &w.padded) ||
        !checked_add(w.padded, layer->pad[axis + 2], &w.padded) ||
        !checked_mul(layer->dilation[axis], layer->kernel[axis] - 1, &w.reach) ||
        !checked_add(w.reach, 1, &w.reach)) {
        snprintf(message, sizeof message, "kernel or padded input %s is above 2^63 - 1",
                 axes[axis]);
        return fault(now, NULL, message);
    }
    *extent = count_windows(&w, layer->ceil_mode);
    if (*extent >= 1)
        return true;
    snprintf(message, sizeof message,
             "kernel %s %" PRId64 "%s is larger than the padded input's %" PRId64, axes[axis],
             w.reach, layer->dilation[axis] > 1 ? " (dilated)" : "", w.padded);
    return fault(now, "kernel", message);
}

static bool slide_both(const inference *now, int64_t channels)
{
    mbs_shape *shape = &now->layer->shape;
    shape->dim[0] = channels;
    bool high = slide(now, 0, &shape->dim[1]);
    bool wide = slide(now, 1, &shape->dim[2]);
    shape->rank = high && wide ? 3 : 0;
    return high && wide;
}

static bool infer_conv(inference *now)
{
    mbs_layer *layer = now->layer;
    char message[160];
    if (!require_chw(now))
        return false;
    int64_t channels = input_shape(now, 0)->dim[0];
    bool divides = true;
    if (channels % layer->groups != 0) {
        snprintf(message, sizeof message,
                 "found %" PRId64 ", expected a divisor of the input's %" PRId64 " channels",
                 layer->groups, channels);
        divides = fault(now, "groups", message);
    }
    if (layer->out_channels % layer->groups != 0) {
        snprintf(message, sizeof message,
                 "found %" PRId64 ", expected a divisor of out_channels %" PRId64, layer->groups,
                 layer->out_channels);
        divides = fault(now, "groups", message);
    }
    bool slides = slide_both(now, layer->out_channels);
    if (!divides)
        return slides; /* the shape is known all the same */
    layer->biases = layer->bias ? layer->out_channels : 0;
    if (!checked_mul(layer->out_channels, channels / layer->groups, &layer->weights) ||
        !checked_mul(layer->weights, layer->kernel[0], &layer->weights) ||
        !checked_mul(layer->weights, layer->kernel[1], &layer->weights)) {
        layer->weights = 0;
        fault(now, NULL, "the number of parameters is above 2^63 - 1");
    }
    return slides;
}

static bool infer_pool(inference *now)
{
    return require_chw(now) && slide_both(now, input_shape(now, 0)->dim[0]);
}

static bool infer_global_pool(inference *now)
{
    if (!require_chw(now))
        return false;
    now->layer->shape = (mbs_shape){3, {input_shape(now, 0)->dim[0], 1, 1}};
    return true;
}

/* ---- The others ---- */

static bool infer_fc(inference *now)
{
    mbs_layer *layer = now->layer;
    int64_t features;
    layer->shape = (mbs_shape){1, {layer->out_channels}};
    layer->biases = layer->bias ? layer->out_channels : 0;
    if (!count_elements(input_shape(now, 0), &features) ||
        !checked_mul(features, layer->out_channels, &layer->weights)) {
        layer->weights = 0;
        fault(now, NULL, "the number of parameters is above 2^63 - 1");
    }
    return true;
}

static bool infer_same(inference *now)
{
    now->layer->shape = *input_shape(now, 0);
    return true;
}

static bool infer_same_chw(inference *now)
{
    return require_chw(now) && infer_same(now);
}

static bool infer_norm(inference *now)
{
    mbs_layer *layer = now->layer;
    int64_t channels = input_shape(now, 0)->dim[0];
    if (layer->norm_kind == NORM_GROUP && channels % layer->groups != 0) {
        char message[160];
        snprintf(message, sizeof message,
                 "found %" PRId64 "%s, expected a divisor of the input's %" PRId64 " channels",
                 layer->groups, layer->groups == NORM_DEFAULT_GROUPS ? " (the default)" : "",
                 channels);
        fault(now, "groups", message);
    }
    if (!checked_mul(channels, 2, &layer->weights)) {
        layer->weights = 0;
        fault(now, NULL, "the number of parameters is above 2^63 - 1");
    }
    return infer_same(now);
}

static bool infer_broadcast(inference *now)
{
    mbs_layer *layer = now->layer;
    mbs_shape shape = *input_shape(now, 0);
    bool good = true;
    for (int32_t i = 1; i < layer->input_count; i++) {
        const mbs_shape *other = input_shape(now, i);
        bool fits = other->rank == shape.rank;
        for (int d = 0; fits && d < shape.rank; d++)
            fits = other->dim[d] == shape.dim[d] || other->dim[d] == 1 || shape.dim[d] == 1;
        if (!fits) {
            char expected[320];
            snprintf(expected, sizeof expected,
                     "the rank of %s and in each dimension the same size or 1",
                     show_shape(&shape).text);
            good = input_fault(now, i, expected);
            continue;
        }
        for (int d = 0; d < shape.rank; d++)
            shape.dim[d] = shape.dim[d] == 1 ? other->dim[d] : shape.dim[d];
    }
    if (good)
        layer->shape = shape;
    return good;
}

static bool infer_concat(inference *now)
{
    mbs_layer *layer = now->layer;
    mbs_shape shape = *input_shape(now, 0);
    bool good = true;
    for (int32_t i = 1; i < layer->input_count; i++) {
        const mbs_shape *other = input_shape(now, i);
        bool fits = other->rank == shape.rank;
        for (int d = 1; fits && d < shape.rank; d++)
            fits = other->dim[d] == shape.dim[d];
        if (!fits) {
            char expected[320];
            snprintf(expected, sizeof expected, "all but the channels as in %s",
                     show_shape(input_shape(now, 0)).text);
            good = input_fault(now, i, expected);
        } else if (!checked_add(shape.dim[0], other->dim[0], &shape.dim[0])) {
            return fault(now, NULL, "the number of channels is above 2^63 - 1");
        }
    }
    if (good)
        layer->shape = shape;
    return good;
}

static bool infer_flatten(inference *now)
{
    now->layer->shape.rank = 1;
    return count_elements(input_shape(now, 0), &now->layer->shape.dim[0]);
}

void infer_layer(network_loader *loader, int32_t index)
{
    static bool (*const rules[])(inference *) = {
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
    };
    json_path list = {NULL, "layers", 0};
    json_path at = layer_path(&list, (size_t)index);
    mbs_layer *layer = &loader->network->layers[index];
    inference now = {loader, &at, layer};
    if (!rules[op_rules[layer->op].shape](&now)) {
        layer->shape.rank = 0;
    } else if (!count_elements(&layer->shape, &layer->elements)) {
        json_fault(&loader->document, &at, NULL,
                   "the output of shape %s has more than 2^63 - 1 elements",
                   show_shape(&layer->shape).text);
        layer->shape.rank = 0;
    }
}
