/* Networks as seen from outside. */
#include "network/network.h"

#include "base/memory.h"

void mbs_network_free(mbs_network *network)
{
    if (network == NULL)
        return;
    for (int32_t i = 0; i < network->input_count; i++)
        mem_free(network->inputs[i].name);
    for (int32_t i = 0; i < network->layer_count; i++) {
        mem_free(network->layers[i].name);
        mem_free(network->layers[i].inputs);
        for (int32_t f = 0; f < network->layers[i].fused_count; f++)
            mem_free(network->layers[i].fused[f]);
        mem_free(network->layers[i].fused);
    }
    mem_free(network->inputs);
    mem_free(network->layers);
    mem_free(network->name);
    mem_free(network);
}

const char *mbs_network_name(const mbs_network *network)
{
    return network != NULL ? network->name : NULL;
}

size_t mbs_network_layer_count(const mbs_network *network)
{
    return network != NULL ? (size_t)network->layer_count : 0;
}

size_t mbs_network_input_count(const mbs_network *network)
{
    return network != NULL ? (size_t)network->input_count : 0;
}

mbs_status mbs_network_input(const mbs_network *network, size_t index, mbs_input_info *info)
{
    if (info == NULL || index >= mbs_network_input_count(network))
        return MBS_ERR_ARGUMENT;
    *info = (mbs_input_info){network->inputs[index].name, network->inputs[index].shape};
    return MBS_OK;
}

int64_t mbs_network_parameters(const mbs_network *network)
{
    return network != NULL ? network->parameters : 0;
}

mbs_status mbs_network_layer(const mbs_network *network, size_t index, mbs_layer_info *info)
{
    if (info == NULL || index >= mbs_network_layer_count(network))
        return MBS_ERR_ARGUMENT;
    const mbs_layer *layer = &network->layers[index];
    *info = (mbs_layer_info){
        .name = layer->name,
        .op = op_name(layer->op),
        .shape = layer->shape,
        .elements = layer->elements,
        .parameters = layer->shares < 0 ? layer->weights + layer->biases : 0,
        .input_count = (size_t)layer->input_count,
        .is_view = op_is_view(layer->op),
        .shares = layer->shares < 0 ? NULL : network->layers[layer->shares].name,
        .fused_count = (size_t)layer->fused_count,
    };
    return MBS_OK;
}

const char *mbs_network_layer_fused(const mbs_network *network, size_t index, size_t position)
{
    if (index >= mbs_network_layer_count(network) ||
        position >= (size_t)network->layers[index].fused_count)
        return NULL;
    return network->layers[index].fused[position];
}

const char *mbs_network_layer_input(const mbs_network *network, size_t index, size_t position)
{
    if (index >= mbs_network_layer_count(network) ||
        position >= (size_t)network->layers[index].input_count)
        return NULL;
    int32_t value = network->layers[index].inputs[position];
    return value < network->input_count ? network->inputs[value].name
                                        : network->layers[value - network->input_count].name;
}
