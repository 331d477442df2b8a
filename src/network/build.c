/*
 * Networks put together without a file. A builder holds the document that a file would have been
 * read into, so that the loader checks both alike and says the same of both.
 */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "network/loader.h"

struct mbs_network_builder {
    cJSON *root;
    cJSON *inputs; /* both belong to the root */
    cJSON *layers;
};

static bool is_utf8(const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0';) {
        bool c1 = at[0] == 0xC2 && (at[1] & 0xE0) == 0x80; /* valid in files, too */
        size_t length = c1 ? 2 : utf8_length(at);
        if (length == 0)
            return false;
        at += length;
    }
    return true;
}

/* ---- Members; each returns false if memory is out ---------------------------------------------
 */

static bool add_text(cJSON *object, const char *member, const char *text)
{
    return text == NULL || cJSON_AddStringToObject(object, member, text) != NULL;
}

static bool add_number(cJSON *object, const char *member, int64_t number)
{
    /* beyond 2^53 it is rounded, and refused all the same */
    return number == 0 || cJSON_AddNumberToObject(object, member, (double)number) != NULL;
}

static bool append(cJSON *list, cJSON *item)
{
    return cJSON_AddItemToArray(list, item) != 0; /* false for none */
}

/* Of each axis; equal ones as one number, which is for as many axes as the input has. */
static bool add_numbers(cJSON *object, const char *member, const int64_t *numbers, int count)
{
    bool any = false, equal = true;
    for (int i = 0; i < count; i++) {
        any = any || numbers[i] != 0;
        equal = equal && numbers[i] == numbers[0];
    }
    if (!any)
        return true;
    if (equal)
        return cJSON_AddNumberToObject(object, member, (double)numbers[0]) != NULL;
    cJSON *list = cJSON_AddArrayToObject(object, member);
    bool good = list != NULL;
    for (int i = 0; good && i < count; i++)
        good = append(list, cJSON_CreateNumber((double)numbers[i]));
    return good;
}

static bool add_flag(cJSON *object, const char *member, int flag)
{
    return flag == 0 || cJSON_AddTrueToObject(object, member) != NULL;
}

static bool add_names(cJSON *object, const char *const *names, size_t count)
{
    cJSON *list = cJSON_AddArrayToObject(object, "inputs");
    bool good = list != NULL;
    for (size_t i = 0; good && i < count; i++)
        good = append(list, cJSON_CreateString(names[i]));
    return good;
}

static bool add_member(cJSON *object, const mbs_layer_member *member)
{
    cJSON *value = member->list != NULL ? cJSON_CreateArray()
                   : member->is_flag    ? cJSON_CreateBool(member->number != 0)
                                        : cJSON_CreateNumber((double)member->number);
    bool good = value != NULL;
    for (int i = 0; good && member->list != NULL && i < member->count; i++)
        good = append(value, cJSON_CreateNumber((double)member->list[i]));
    if (good && cJSON_AddItemToObject(object, member->name, value))
        return true;
    cJSON_Delete(value);
    return false;
}

static bool fill_layer(cJSON *object, const mbs_layer_spec *layer)
{
    return add_text(object, "name", layer->name) && add_text(object, "op", layer->op) &&
           add_names(object, layer->inputs, layer->input_count) &&
           add_number(object, "out_channels", layer->out_channels) &&
           add_number(object, "out_features", layer->out_features) &&
           add_numbers(object, "kernel", layer->kernel, 2) &&
           add_numbers(object, "stride", layer->stride, 2) &&
           add_numbers(object, "dilation", layer->dilation, 2) &&
           add_numbers(object, "pad", layer->pad, 4) &&
           add_number(object, "groups", layer->groups) && add_text(object, "kind", layer->kind) &&
           add_flag(object, "bias", layer->bias) &&
           add_flag(object, "ceil_mode", layer->ceil_mode) &&
           add_text(object, "shares", layer->shares);
}

/* ---- What users call --------------------------------------------------------------------------
 */

static mbs_status check_text(const char *text, const char *what, mbs_error *error)
{
    if (text == NULL || is_utf8(text))
        return MBS_OK;
    return error_set(error, MBS_ERR_INPUT, "the %s %s is not UTF-8 text", what, quoted(text).text);
}

mbs_status mbs_network_builder_create(mbs_network_builder **builder, const char *name,
                                      mbs_error *error)
{
    if (builder == NULL)
        return error_set(error, MBS_ERR_ARGUMENT, "no place for the builder");
    *builder = NULL;
    mbs_status status = check_text(name, "network's name", error);
    if (status != MBS_OK)
        return status;
    mbs_network_builder *made = mem_calloc(1, sizeof *made);
    if (made == NULL)
        return error_memory(error);
    made->root = cJSON_CreateObject();
    if (made->root != NULL && add_text(made->root, "format", "mbsopt-network/1") &&
        add_text(made->root, "name", name)) {
        made->inputs = cJSON_AddArrayToObject(made->root, "inputs");
        made->layers = cJSON_AddArrayToObject(made->root, "layers");
    }
    if (made->inputs == NULL || made->layers == NULL) {
        mbs_network_builder_free(made);
        return error_memory(error);
    }
    *builder = made;
    return MBS_OK;
}

void mbs_network_builder_free(mbs_network_builder *builder)
{
    if (builder == NULL)
        return;
    cJSON_Delete(builder->root);
    mem_free(builder);
}

/* Appends the object if it was filled, else frees it. */
static mbs_status append_object(cJSON *list, cJSON *object, bool filled, mbs_error *error)
{
    if (filled && append(list, object))
        return MBS_OK;
    if (!filled)
        cJSON_Delete(object);
    return error_memory(error);
}

mbs_status mbs_network_builder_input(mbs_network_builder *builder, const char *name,
                                     const int64_t *dimensions, int rank, mbs_error *error)
{
    if (builder == NULL || dimensions == NULL || rank < 0)
        return error_set(error, MBS_ERR_ARGUMENT, "no builder or no dimensions");
    mbs_status status = check_text(name, "input's name", error);
    if (status != MBS_OK)
        return status;
    cJSON *object = cJSON_CreateObject();
    cJSON *shape = NULL;
    bool filled = object != NULL && add_text(object, "name", name) &&
                  (shape = cJSON_AddArrayToObject(object, "shape")) != NULL;
    for (int i = 0; filled && i < rank; i++)
        filled = append(shape, cJSON_CreateNumber((double)dimensions[i]));
    return append_object(builder->inputs, object, filled, error);
}

/* The members of the list, after the others are in; `*filled` is false if memory is out. */
static mbs_status add_members(cJSON *object, const mbs_layer_spec *layer, bool *filled,
                              mbs_error *error)
{
    for (size_t i = 0; i < layer->member_count && *filled; i++) {
        const char *name = layer->members[i].name;
        if (json_member(object, name) != NULL)
            return error_set(error, MBS_ERR_INPUT, "the layer's member %s is given twice",
                             quoted(name).text);
        *filled = add_member(object, &layer->members[i]);
    }
    return MBS_OK;
}

static mbs_status check_layer(const mbs_layer_spec *layer, mbs_error *error)
{
    mbs_status status = check_text(layer->name, "layer's name", error);
    if (status == MBS_OK)
        status = check_text(layer->op, "op", error);
    if (status == MBS_OK)
        status = check_text(layer->kind, "kind", error);
    if (status == MBS_OK)
        status = check_text(layer->shares, "name of the layer to share with", error);
    for (size_t i = 0; i < layer->input_count && status == MBS_OK; i++)
        status = layer->inputs[i] == NULL
                     ? error_set(error, MBS_ERR_ARGUMENT, "a layer's input is null")
                     : check_text(layer->inputs[i], "input", error);
    for (size_t i = 0; i < layer->member_count && status == MBS_OK; i++)
        status = layer->members[i].name == NULL || layer->members[i].count < 0
                     ? error_set(error, MBS_ERR_ARGUMENT, "a layer's member has no name or count")
                     : check_text(layer->members[i].name, "member's name", error);
    return status;
}

mbs_status mbs_network_builder_layer(mbs_network_builder *builder, const mbs_layer_spec *layer,
                                     mbs_error *error)
{
    if (builder == NULL || layer == NULL || (layer->inputs == NULL && layer->input_count > 0) ||
        (layer->members == NULL && layer->member_count > 0))
        return error_set(error, MBS_ERR_ARGUMENT, "no builder, no layer, no inputs or no members");
    mbs_status status = check_layer(layer, error);
    if (status != MBS_OK)
        return status;
    cJSON *object = cJSON_CreateObject();
    bool filled = object != NULL && fill_layer(object, layer);
    status = add_members(object, layer, &filled, error);
    if (status != MBS_OK) {
        cJSON_Delete(object);
        return status;
    }
    return append_object(builder->layers, object, filled, error);
}

mbs_status mbs_network_builder_finish(mbs_network **network, mbs_network_builder *builder,
                                      const char *label, mbs_error *error)
{
    if (network == NULL)
        return error_set(error, MBS_ERR_ARGUMENT, "no place for the network");
    *network = NULL;
    if (builder == NULL || label == NULL)
        return error_set(error, MBS_ERR_ARGUMENT, "no builder or no label");
    network_loader loader = {.document = {.label = label, .root = builder->root, .error = error}};
    return load_network(network, &loader);
}
