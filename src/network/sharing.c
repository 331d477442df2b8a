/* Layers that use another layer's parameters (model, section 2). */
#include "base/error.h"
#include "network/inference.h"

/* Whether the layer's op, and with it whether it has the member, is known. */
static bool op_is_known(const network_loader *loader, int32_t index)
{
    return !loader->broken[index];
}

/* Whether layers of two ops may have one tensor: a table that is looked up may also be a matrix. */
static bool have_one_form(mbs_op a, mbs_op b)
{
    return a == b || (a == OP_EMBEDDING && b == OP_FC) || (a == OP_FC && b == OP_EMBEDDING);
}

void share_parameters(network_loader *loader, const json_path *place, int32_t index, int32_t owner)
{
    mbs_layer *layers = loader->network->layers;
    const mbs_layer *other = &layers[owner];
    if (!op_is_known(loader, index) || !op_is_known(loader, owner) ||
        !(op_rules[layers[index].op].members & MEMBER_SHARES))
        return;
    const quoted_text name = quoted(other->name);
    if (owner >= index)
        json_fault(&loader->document, place, NULL, "found %s, expected a layer before this one",
                   name.text);
    else if (!have_one_form(other->op, layers[index].op))
        json_fault(&loader->document, place, NULL, "found %s, which is of op %s, expected %s",
                   name.text, op_name(other->op), op_name(layers[index].op));
    else if (other->shares != NO_LAYER)
        json_fault(&loader->document, place, NULL,
                   "found %s, which has none of its own, expected %s, whose parameters it shares",
                   name.text, quoted(layers[other->shares].name).text);
    else
        layers[index].shares = owner;
}

/* The weights of a convolution of `rows` matrices of `columns`, a kernel in each element. */
static mbs_shape window_shape(const mbs_layer *layer, int64_t rows, int64_t columns)
{
    const int axes = layer->shape.rank - 1;
    mbs_shape shape = {2 + axes, {rows, columns}};
    for (int axis = 0; axis < axes; axis++)
        shape.dim[2 + axis] = layer->kernel[axis];
    return shape;
}

/* As which the layer's parameters are stored, without biases; a norm's are two of that shape. */
static mbs_shape parameter_shape(const mbs_layer *layer)
{
    int64_t window = 1;
    for (int axis = 0; axis < 3; axis++)
        window *= layer->kernel[axis];
    switch (layer->op) {
    case OP_CONV:
        return window_shape(layer, layer->out_channels,
                            layer->weights / layer->out_channels / window);
    case OP_CONV_TRANSPOSE:
        return window_shape(layer, layer->weights / layer->out_channels * layer->groups / window,
                            layer->out_channels / layer->groups);
    case OP_FC:
        return (mbs_shape){2, {layer->out_channels, layer->weights / layer->out_channels}};
    case OP_EMBEDDING:
        return (mbs_shape){2, {layer->rows, layer->out_channels}};
    case OP_NORM:
        return (mbs_shape){1, {layer->weights / 2}};
    default:
        return (mbs_shape){1, {layer->weights}};
    }
}

/* Whether its parameters are known: convolutions and fc always have some. */
static bool is_counted(const mbs_layer *layer)
{
    return layer->shape.rank > 0 && (layer->weights > 0 || layer->out_channels == 0);
}

static bool are_equal(const mbs_shape *a, const mbs_shape *b)
{
    bool equal = a->rank == b->rank;
    for (int d = 0; equal && d < a->rank; d++)
        equal = a->dim[d] == b->dim[d];
    return equal;
}

static void check_layer(network_loader *loader, int32_t index)
{
    const mbs_layer *layer = &loader->network->layers[index];
    const mbs_layer *owner = &loader->network->layers[layer->shares];
    const json_path list = {NULL, "layers", 0};
    const json_path at = layer_path(&list, (size_t)index);
    if (!is_counted(layer) || !is_counted(owner)) /* and that is reported */
        return;
    if (owner->weights == 0) {
        json_fault(&loader->document, &at, "shares", "found %s, which has no parameters to share",
                   quoted(owner->name).text);
        return;
    }
    const mbs_shape here = parameter_shape(layer);
    const mbs_shape there = parameter_shape(owner);
    if (!are_equal(&here, &there))
        json_fault(&loader->document, &at, "shares",
                   "found %s with parameters of shape %s, expected %s", quoted(owner->name).text,
                   shape_show(&there).text, shape_show(&here).text);
    else if (layer->bias != owner->bias)
        json_fault(&loader->document, &at, "bias", "found %s, expected %s as of %s",
                   layer->bias ? "true" : "false", owner->bias ? "true" : "false",
                   quoted(owner->name).text);
}

void check_sharing(network_loader *loader)
{
    for (int32_t l = 0; l < loader->network->layer_count; l++)
        if (loader->network->layers[l].shares != NO_LAYER)
            check_layer(loader, l);
}
