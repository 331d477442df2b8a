#include "network/loader.h"

json_path layer_path(const json_path *list, size_t index)
{
    return (json_path){list, NULL, index};
}

const mbs_shape *value_shape(const mbs_network *network, int32_t value)
{
    if (value == NO_VALUE)
        return NULL;
    const mbs_shape *shape = value < network->input_count
                                 ? &network->inputs[value].shape
                                 : &network->layers[value - network->input_count].shape;
    return shape->rank > 0 ? shape : NULL;
}

const char *value_name(const mbs_network *network, int32_t value)
{
    return value < network->input_count ? network->inputs[value].name
                                        : network->layers[value - network->input_count].name;
}
