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

/* The output's extent along `axis` (0 height, 1 width). */
static bool slide(const inference *now, int axis, int64_t *extent)
{
    static const char *const axes[] = {"height", "width"};
    const mbs_layer *layer = now->layer;
    window w = {.input = inference_input(now, 0)->dim[1 + axis],
                .before = layer->pad[axis],
                .stride = layer->stride[axis]};
    char message[160];
    if (!checked_add(w.input, w.before, &w.padded) ||
        !checked_add(w.padded, layer->pad[axis + 2], &w.padded) ||
        !checked_mul(layer->dilation[axis], layer->kernel[axis] - 1, &w.reach) ||
        !checked_add(w.reach, 1, &w.reach)) {
        snprintf(message, sizeof message, "kernel or padded input %s is above 2^63 - 1",
                 axes[axis]);
        return inference_fault(now, NULL, message);
    }
    *extent = count_windows(&w, layer->ceil_mode);
    if (*extent >= 1)
        return true;
    snprintf(message, sizeof message,
             "kernel %s %" PRId64 "%s is larger than the padded input's %" PRId64, axes[axis],
             w.reach, layer->dilation[axis] > 1 ? " (dilated)" : "", w.padded);
    return inference_fault(now, "kernel", message);
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

/* from · to/groups · kh·kw weights, and the biases. */
static void count_weights(const inference *now, int64_t from, int64_t to)
{
    mbs_layer *layer = now->layer;
    layer->biases = layer->bias ? layer->out_channels : 0;
    if (!checked_mul(from, to / layer->groups, &layer->weights) ||
        !checked_mul(layer->weights, layer->kernel[0], &layer->weights) ||
        !checked_mul(layer->weights, layer->kernel[1], &layer->weights))
        inference_too_many_parameters(now);
}

bool infer_conv(inference *now)
{
    if (!inference_require_chw(now))
        return false;
    int64_t channels = inference_input(now, 0)->dim[0];
    bool divides = groups_divide(now, channels);
    bool slides = slide_both(now, now->layer->out_channels);
    if (divides) /* if not, the shape is known all the same */
        count_weights(now, now->layer->out_channels, channels);
    return slides;
}

/* The output's extent along `axis`: (H - 1)·stride + reach of the kernel + output_pad - pads. */
static bool spread(const inference *now, int axis, int64_t *extent)
{
    static const char *const axes[] = {"height", "width"};
    const mbs_layer *layer = now->layer;
    int64_t reach;
    char message[160];
    bool good =
        checked_mul(inference_input(now, 0)->dim[1 + axis] - 1, layer->stride[axis], extent);
    good = good && checked_mul(layer->dilation[axis], layer->kernel[axis] - 1, &reach) &&
           checked_add(*extent, reach, extent) && checked_add(*extent, 1, extent) &&
           checked_add(*extent, layer->output_pad[axis], extent);
    if (!good) {
        snprintf(message, sizeof message, "the output's %s is above 2^63 - 1", axes[axis]);
        return inference_fault(now, NULL, message);
    }
    int64_t whole = *extent;
    *extent -= layer->pad[axis]; /* cannot overflow: one is positive, the others not negative */
    *extent -= *extent < 1 ? 0 : layer->pad[axis + 2];
    if (*extent >= 1)
        return true;
    snprintf(message, sizeof message,
             "found padding that leaves nothing of the output's %s of %" PRId64, axes[axis], whole);
    return inference_fault(now, "pad", message);
}

bool infer_conv_transpose(inference *now)
{
    mbs_layer *layer = now->layer;
    if (!inference_require_chw(now))
        return false;
    int64_t channels = inference_input(now, 0)->dim[0];
    if (groups_divide(now, channels))
        count_weights(now, channels, layer->out_channels);
    layer->shape.dim[0] = layer->out_channels;
    bool high = spread(now, 0, &layer->shape.dim[1]);
    bool wide = spread(now, 1, &layer->shape.dim[2]);
    layer->shape.rank = high && wide ? 3 : 0;
    return high && wide;
}

bool infer_pool(inference *now)
{
    return inference_require_chw(now) && slide_both(now, inference_input(now, 0)->dim[0]);
}

bool infer_global_pool(inference *now)
{
    if (!inference_require_chw(now))
        return false;
    now->layer->shape = (mbs_shape){3, {inference_input(now, 0)->dim[0], 1, 1}};
    return true;
}

bool infer_upsample(inference *now)
{
    const int64_t *size = now->layer->list.dim;
    if (!inference_require_chw(now))
        return false;
    now->layer->shape = (mbs_shape){3, {inference_input(now, 0)->dim[0], size[0], size[1]}};
    return true;
}
