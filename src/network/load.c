/* Loads and checks network files (model, section 2). */
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "network/loader.h"

/* ---- Reading the document ---- */

/* A copy of the object's name, or null after a fault. */
static char *take_name(json_document *document, const json_path *at, const cJSON *object)
{
    const char *name = json_name(document, at, "name", json_member(object, "name"));
    if (name == NULL)
        return NULL;
    if (strlen(name) > NETWORK_MAX_NAME_BYTES) {
        json_fault(document, at, "name", "found a name of %zu bytes, expected at most %d",
                   strlen(name), NETWORK_MAX_NAME_BYTES);
        return NULL;
    }
    char *copy = mem_strdup(name);
    if (copy == NULL)
        json_out_of_memory(document);
    return copy;
}

/* The number of elements of a list that must be one, within [1, most]; 0 after a fault. */
static int32_t count_list(json_document *document, const char *member, const cJSON *value, int most)
{
    char expected[80];
    snprintf(expected, sizeof expected, "a list of 1 to %d", most);
    if (!cJSON_IsArray(value)) {
        json_unexpected(document, NULL, member, value, expected);
        return 0;
    }
    int given = cJSON_GetArraySize(value);
    if (given >= 1 && given <= most)
        return given;
    json_fault(document, NULL, member, "found a list of %d, expected %s", given, expected);
    return 0;
}

static void read_inputs(network_loader *loader, const cJSON *value)
{
    static const char *const members[] = {"name", "shape", NULL};
    json_document *document = &loader->document;
    mbs_network *network = loader->network;
    int32_t count = count_list(document, "inputs", value, NETWORK_MAX_INPUTS);
    loader->inputs_known = count > 0;
    if (count == 0)
        return;
    network->inputs = mem_calloc((size_t)count, sizeof *network->inputs);
    if (network->inputs == NULL) {
        json_out_of_memory(document);
        return;
    }
    network->input_count = count;
    json_path list = {NULL, "inputs", 0};
    const cJSON *object = value->child;
    for (int32_t i = 0; i < count; i++, object = object->next) {
        json_path at = {&list, NULL, (size_t)i};
        mbs_input *input = &network->inputs[i];
        if (!cJSON_IsObject(object)) {
            json_unexpected(document, &at, NULL, object, "an object");
            continue;
        }
        json_check_members(document, &at, object, members);
        input->name = take_name(document, &at, object);
        read_shape(document, &at, "shape", json_member(object, "shape"), &input->shape,
                   &input->elements);
    }
}

/* Makes room for the layer's inputs, which resolve_names fills in. */
static bool read_layer_inputs(json_document *document, const json_path *at, const cJSON *value,
                              mbs_layer *layer, bool op_known)
{
    const op_rule *rule = op_known ? &op_rules[layer->op] : NULL;
    int given = cJSON_IsArray(value) ? cJSON_GetArraySize(value) : 0;
    int least = rule != NULL ? rule->least_inputs : 1;
    bool too_many = rule != NULL && !rule->more_inputs && given > least;
    bool missing = least > 0 || value != NULL; /* and that is a fault */
    bool good = given >= least && !too_many && (cJSON_IsArray(value) || !missing);
    if (!good) {
        char expected[80];
        snprintf(expected, sizeof expected, "a list of %d%s %s%s%s", least,
                 rule == NULL || rule->more_inputs ? " or more" : "",
                 least == 1 && rule != NULL && !rule->more_inputs ? "name" : "names",
                 rule != NULL ? " for " : "", rule != NULL ? rule->name : "");
        if (cJSON_IsArray(value))
            json_fault(document, at, "inputs", "found a list of %d, expected %s", given, expected);
        else
            json_unexpected(document, at, "inputs", value, expected);
    }
    if (given == 0)
        return good;
    layer->inputs = mem_alloc((size_t)given * sizeof *layer->inputs);
    if (layer->inputs == NULL) {
        json_out_of_memory(document);
        return false;
    }
    layer->input_count = given;
    return good;
}

static bool read_layer(json_document *document, const json_path *at, const cJSON *object,
                       mbs_layer *layer)
{
    layer->shares = NO_LAYER;
    if (!cJSON_IsObject(object)) {
        json_unexpected(document, at, NULL, object, "an object");
        return false;
    }
    layer->name = take_name(document, at, object);
    bool op_known = read_op(document, at, json_member(object, "op"), &layer->op);
    bool inputs_good =
        read_layer_inputs(document, at, json_member(object, "inputs"), layer, op_known);
    return op_known && read_members(document, at, object, layer) && inputs_good;
}

static void read_layers(network_loader *loader, const cJSON *value)
{
    json_document *document = &loader->document;
    mbs_network *network = loader->network;
    int32_t count = count_list(document, "layers", value, NETWORK_MAX_LAYERS);
    if (count == 0)
        return;
    network->layers = mem_calloc((size_t)count, sizeof *network->layers);
    loader->broken = mem_calloc((size_t)count, sizeof *loader->broken);
    if (network->layers == NULL || loader->broken == NULL) {
        json_out_of_memory(document);
        return;
    }
    network->layer_count = count;
    json_path list = {NULL, "layers", 0};
    const cJSON *object = value->child;
    for (int32_t i = 0; i < count && !document->no_memory; i++, object = object->next) {
        json_path at = layer_path(&list, (size_t)i);
        loader->broken[i] = !read_layer(document, &at, object, &network->layers[i]);
    }
}

/* ---- Checking what was read ---- */

static bool inputs_have_shapes(const mbs_network *network, const mbs_layer *layer)
{
    for (int32_t i = 0; i < layer->input_count; i++)
        if (value_shape(network, layer->inputs[i]) == NULL)
            return false;
    return true;
}

static void infer_all(network_loader *loader, const int32_t *order, int32_t placed)
{
    mbs_network *network = loader->network;
    bool overflow = false;
    for (int32_t k = 0; k < placed; k++) {
        mbs_layer *layer = &network->layers[order[k]];
        if (loader->broken[order[k]] || !inputs_have_shapes(network, layer))
            continue;
        infer_layer(loader, order[k]);
        if (layer->shares != NO_LAYER) /* they are counted where they are owned */
            continue;
        overflow |= !checked_add(network->parameters, layer->weights, &network->parameters) ||
                    !checked_add(network->parameters, layer->biases, &network->parameters);
    }
    if (overflow)
        json_fault(&loader->document, NULL, "layers",
                   "the number of all layers' parameters is above 2^63 - 1");
}

static void check_some_work(network_loader *loader)
{
    const mbs_network *network = loader->network;
    for (int32_t l = 0; l < network->layer_count; l++)
        if (!op_is_view(network->layers[l].op)) /* an unknown op counts as OP_CONV */
            return;
    if (network->layer_count > 0)
        json_fault(&loader->document, NULL, "layers",
                   "all are views (concat, flatten, identity, slice, reshape), expected one that "
                   "computes");
}

/* Puts the layers, and the values that name them, from file order into program order. */
static void permute(mbs_network *network, const int32_t *order, int32_t *position)
{
    for (int32_t k = 0; k < network->layer_count; k++)
        position[order[k]] = k;
    for (int32_t l = 0; l < network->layer_count; l++) {
        mbs_layer *layer = &network->layers[l];
        for (int32_t i = 0; i < layer->input_count; i++)
            if (layer->inputs[i] >= network->input_count)
                layer->inputs[i] =
                    network->input_count + position[layer->inputs[i] - network->input_count];
        if (layer->shares != NO_LAYER)
            layer->shares = position[layer->shares];
    }
    for (int32_t l = 0; l < network->layer_count; l++) {
        while (position[l] != l) { /* each exchange brings one layer home */
            int32_t home = position[l];
            mbs_layer moved = network->layers[home];
            network->layers[home] = network->layers[l];
            network->layers[l] = moved;
            position[l] = position[home];
            position[home] = home;
        }
    }
}

static void check_layers(network_loader *loader)
{
    mbs_network *network = loader->network;
    size_t room = (size_t)network->layer_count + 1;
    int32_t *order = mem_alloc(room * sizeof *order);
    int32_t *position = mem_alloc(room * sizeof *position);
    int32_t placed = order != NULL && position != NULL ? sort_layers(network, order) : -1;
    if (placed < 0) {
        json_out_of_memory(&loader->document);
    } else {
        if (placed < network->layer_count)
            report_cycles(loader, order, placed);
        infer_all(loader, order, placed);
        check_sharing(loader);
        check_some_work(loader);
        if (json_status(&loader->document) == MBS_OK)
            permute(network, order, position);
    }
    mem_free(order);
    mem_free(position);
}

static void load_document(network_loader *loader)
{
    static const char *const members[] = {"format", "name", "inputs", "layers", NULL};
    json_document *document = &loader->document;
    const cJSON *root = document->root;
    /* another format's file would only give a heap of faults that say nothing */
    if (!json_check_format(document, "mbsopt-network/1") && json_member(root, "format") != NULL)
        return;
    json_check_members(document, NULL, root, members);
    loader->network->name = take_name(document, NULL, root);
    read_inputs(loader, json_member(root, "inputs"));
    if (!document->no_memory)
        read_layers(loader, json_member(root, "layers"));
    if (!document->no_memory)
        resolve_names(loader, json_member(root, "layers"));
    if (!document->no_memory)
        check_layers(loader);
}

mbs_status load_network(mbs_network **network, network_loader *loader)
{
    loader->network = mem_calloc(1, sizeof *loader->network);
    if (loader->network == NULL)
        json_out_of_memory(&loader->document);
    else
        load_document(loader);
    mbs_status status = json_status(&loader->document);
    mem_free(loader->broken);
    if (status == MBS_OK)
        *network = loader->network;
    else
        mbs_network_free(loader->network);
    return status;
}

mbs_status mbs_network_load_text(mbs_network **network, const char *text, size_t length,
                                 const char *label, mbs_error *error)
{
    if (network == NULL)
        return error_set(error, MBS_ERR_ARGUMENT, "no place for the network");
    *network = NULL;
    if (text == NULL || label == NULL)
        return error_set(error, MBS_ERR_ARGUMENT, "no text or no label");
    network_loader loader = {0};
    mbs_status status = json_open(&loader.document, text, length, label, error);
    if (status == MBS_OK)
        status = load_network(network, &loader);
    json_close(&loader.document);
    return status;
}

mbs_status mbs_network_load_file(mbs_network **network, const char *path, mbs_error *error)
{
    if (network == NULL)
        return error_set(error, MBS_ERR_ARGUMENT, "no place for the network");
    *network = NULL;
    if (path == NULL)
        return error_set(error, MBS_ERR_ARGUMENT, "no path");
    char *text;
    size_t length;
    mbs_status status = file_read(&text, &length, path, error);
    if (status != MBS_OK)
        return status;
    status = mbs_network_load_text(network, text, length, file_label(path), error);
    mem_free(text);
    return status;
}

mbs_status mbs_network_load_stream(mbs_network **network, mbs_read_function *read_some,
                                   void *context, const char *label, mbs_error *error)
{
    if (network == NULL)
        return error_set(error, MBS_ERR_ARGUMENT, "no place for the network");
    *network = NULL;
    if (read_some == NULL || label == NULL)
        return error_set(error, MBS_ERR_ARGUMENT, "no stream or no label");
    char *text;
    size_t length;
    mbs_status status = stream_read(&text, &length, read_some, context, label, error);
    if (status != MBS_OK)
        return status;
    status = mbs_network_load_text(network, text, length, label, error);
    mem_free(text);
    return status;
}
