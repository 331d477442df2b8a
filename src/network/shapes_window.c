/* Shapes of ops that slide a window: convolutions and pools. */
#include <inttypes.h>
#include <stdio.h>

#include "base/checked.h"
#include "base/error.h"
#include "network/inference.h"

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

/* What one of the layer's axes is called. */
static const char *axis_name(const mbs_layer *layer, int axis)
{
    static const char *const names[] = {"depth", "height", "width"};
    return names[3 - layer->axes + axis];
}

/* The output's extent along `axis`. */
static bool slide(const inference *now, int axis, int64_t *extent)
{
    const mbs_layer *layer = now->layer;
    window w = {.input = inference_input(now, 0)->dim[1 + axis],
                .before = layer->pad[axis],
                .stride = layer->stride[axis]};
    char message[160];
    if (!checked_add(w.input, w.before, &w.padded) ||
        !checked_add(w.padded, layer->pad_after[axis], &w.padded) ||
        !checked_mul(layer->dilation[axis], layer->kernel[axis] - 1, &w.reach) ||
        !checked_add(w.reach, 1, &w.reach)) {
        snprintf(message, sizeof message, "kernel or padded input %s is above 2^63 - 1",
                 axis_name(layer, axis));
        return inference_fault(now, NULL, message);
    }
    *extent = count_windows(&w, layer->ceil_mode);
    if (*extent >= 1)
        return true;
    snprintf(message, sizeof message,
             "kernel %s %" PRId64 "%s is larger than the padded input's %" PRId64,
             axis_name(layer, axis), w.reach, layer->dilation[axis] > 1 ? " (dilated)" : "",
             w.padded);
    return inference_fault(now, "kernel", message);
}

/* The output's extent along `axis`: (H - 1)·stride + reach of the kernel + output_pad - pads. */
static bool spread(const inference *now, int axis, int64_t *extent)
{
    const mbs_layer *layer = now->layer;
    int64_t reach;
    char message[160];
    bool good =
        checked_mul(inference_input(now, 0)->dim[1 + axis] - 1, layer->stride[axis], extent);
    good = good && checked_mul(layer->dilation[axis], layer->kernel[axis] - 1, &reach) &&
           checked_add(*extent, reach, extent) && checked_add(*extent, 1, extent) &&
           checked_add(*extent, layer->output_pad[axis], extent);
    if (!good) {
        snprintf(message, sizeof message, "the output's %s is above 2^63 - 1",
                 axis_name(layer, axis));
        return inference_fault(now, NULL, message);
    }
    int64_t whole = *extent;
    *extent -= layer->pad[axis]; /* cannot overflow: one is positive, the others not negative */
    *extent -= *extent < 1 ? 0 : layer->pad_after[axis];
    if (*extent >= 1)
        return true;
    snprintf(message, sizeof message,
             "found padding that leaves nothing of the output's %s of %" PRId64,
             axis_name(layer, axis), whole);
    return inference_fault(now, "pad", message);
}

/* The output's shape, of `channels` and what `extend` says of each axis. */
static bool extend_all(const inference *now, int64_t channels,
                       bool (*extend)(const inference *now, int axis, int64_t *extent))
{
    mbs_shape *shape = &now->layer->shape;
    const int axes = now->layer->axes;
    bool good = true;
    shape->dim[0] = channels;
    for (int axis = 0; axis < axes; axis++)
        good = extend(now, axis, &shape->dim[1 + axis]) && good;
    shape->rank = good ? 1 + axes : 0;
    return good;
}

/* Whether `groups` divides both channel counts. */
static bool groups_divide(const inference *now, int64_t channels)
{
    const mbs_layer *layer = now->layer;
    char message[160];
    bool divides = true;
    if (channels % layer->groups != 0) {
        snprintf(message, sizeof message,
                 "found %" PRId64 ", expected a divisor of the input's %" PRId64 " channels",
                 layer->groups, channels);
        divides = inference_fault(now, "groups", message);
    }
    if (layer->out_channels % layer->groups != 0) {
        snprintf(message, sizeof message,
                 "found %" PRId64 ", expected a divisor of out_channels %" PRId64, layer->groups,
                 layer->out_channels);
        divides = inference_fault(now, "groups", message);
    }
    return divides;
}

/* from · to/groups · kernel weights, and the biases. */
static void count_weights(const inference *now, int64_t from, int64_t to)
{
    mbs_layer *layer = now->layer;
    layer->biases = layer->bias ? layer->out_channels : 0;
    bool good = checked_mul(from, to / layer->groups, &layer->weights);
    for (int axis = 0; good && axis < layer->axes; axis++)
        good = checked_mul(layer->weights, layer->kernel[axis], &layer->weights);
    if (!good)
        inference_too_many_parameters(now);
}

bool infer_conv(inference *now)
{
    if (!inference_require_axes(now))
        return false;
    int64_t channels = inference_input(now, 0)->dim[0];
    bool divides = groups_divide(now, channels);
    bool slides = extend_all(now, now->layer->out_channels, slide);
    if (divides) /* if not, the shape is known all the same */
        count_weights(now, now->layer->out_channels, channels);
    return slides;
}

bool infer_conv_transpose(inference *now)
{
    if (!inference_require_axes(now))
        return false;
    int64_t channels = inference_input(now, 0)->dim[0];
    if (groups_divide(now, channels))
        count_weights(now, channels, now->layer->out_channels);
    return extend_all(now, now->layer->out_channels, spread);
}

bool infer_pool(inference *now)
{
    return inference_require_axes(now) && extend_all(now, inference_input(now, 0)->dim[0], slide);
}

static bool be_one(const inference *now, int axis, int64_t *extent)
{
    (void)now;
    (void)axis;
    *extent = 1;
    return true;
}

bool infer_global_pool(inference *now)
{
    return inference_require_axes(now) && extend_all(now, inference_input(now, 0)->dim[0], be_one);
}

static bool be_given(const inference *now, int axis, int64_t *extent)
{
    *extent = now->layer->list.dim[axis];
    return true;
}

bool infer_upsample(inference *now)
{
    return inference_require_axes(now) &&
           extend_all(now, inference_input(now, 0)->dim[0], be_given);
}
