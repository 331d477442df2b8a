/*
 * The network builder: what a file says is said again through it, layer by layer, and must come to
 * the same network or be refused as well.
 */
#include <cjson/cJSON.h>
#include <string.h>

#include "fuzz.h"

#define MAX_MEMBERS 32
#define MAX_VALUES  64

/* One layer in the making; `room` is where its lists are. */
typedef struct layer_call {
    mbs_layer_spec spec;
    const char *inputs[MAX_VALUES];
    mbs_layer_member members[MAX_MEMBERS];
    int64_t values[MAX_MEMBERS][MAX_VALUES];
} layer_call;

/* A number that the builder can be told; its checks are for the library to make. */
static int take_number(int64_t *number, const cJSON *value)
{
    if (!cJSON_IsNumber(value) || !(value->valuedouble > -0x1p62 && value->valuedouble < 0x1p62))
        return 0;
    *number = (int64_t)value->valuedouble;
    return (double)*number == value->valuedouble;
}

/* How many numbers the list has, or -1 if the builder cannot be told it. */
static int take_list(int64_t *numbers, const cJSON *value)
{
    int count = 0;
    if (!cJSON_IsArray(value))
        return -1;
    for (const cJSON *item = value->child; item != NULL; item = item->next)
        if (count == MAX_VALUES || !take_number(&numbers[count++], item))
            return -1;
    return count;
}

static int take_inputs(layer_call *call, const cJSON *value)
{
    if (!cJSON_IsArray(value))
        return 0;
    for (const cJSON *item = value->child; item != NULL; item = item->next) {
        if (call->spec.input_count == MAX_VALUES || !cJSON_IsString(item))
            return 0;
        call->inputs[call->spec.input_count++] = item->valuestring;
    }
    return 1;
}

/* The spec's own places for members that have one, as long as the file says them as it would. */
static int take_named(mbs_layer_spec *spec, const cJSON *member)
{
    int64_t number = 0;
    int64_t list[MAX_VALUES];
    const char *name = member->string;
    if (strcmp(name, "kind") == 0 && cJSON_IsString(member))
        return spec->kind == NULL && (spec->kind = member->valuestring) != NULL;
    if (strcmp(name, "bias") == 0 && cJSON_IsTrue(member))
        return spec->bias == 0 && (spec->bias = 1) != 0;
    if (strcmp(name, "kernel") == 0 && take_list(list, member) == 2 &&
        (list[0] != 0 || list[1] != 0)) {
        const int first = spec->kernel[0] == 0 && spec->kernel[1] == 0;
        memcpy(spec->kernel, list, sizeof spec->kernel);
        return first;
    }
    if (!take_number(&number, member) || number == 0)
        return 0;
    if (strcmp(name, "out_channels") == 0)
        return spec->out_channels == 0 && (spec->out_channels = number) != 0;
    if (strcmp(name, "groups") == 0)
        return spec->groups == 0 && (spec->groups = number) != 0;
    return 0;
}

static int take_member(layer_call *call, const cJSON *member)
{
    mbs_layer_spec *spec = &call->spec;
    if (strcmp(member->string, "inputs") == 0)
        return spec->input_count == 0 && take_inputs(call, member);
    if (strcmp(member->string, "name") == 0)
        return cJSON_IsString(member) && spec->name == NULL &&
               (spec->name = member->valuestring) != NULL;
    if (strcmp(member->string, "op") == 0)
        return cJSON_IsString(member) && spec->op == NULL &&
               (spec->op = member->valuestring) != NULL;
    if (take_named(spec, member))
        return 1;
    if (spec->member_count == MAX_MEMBERS)
        return 0;
    mbs_layer_member *to = &call->members[spec->member_count];
    int64_t *values = call->values[spec->member_count++];
    *to = (mbs_layer_member){.name = member->string};
    if (cJSON_IsBool(member)) {
        to->is_flag = 1;
        to->number = cJSON_IsTrue(member);
        return 1;
    }
    if (take_number(&to->number, member))
        return 1;
    to->list = values;
    to->count = take_list(values, member);
    return to->count >= 0;
}

/* MBS_OK, the builder's complaint, or MBS_ERR_ARGUMENT where it cannot be told. */
static mbs_status add_layer(mbs_network_builder *builder, const cJSON *object, mbs_error *error)
{
    static layer_call call;
    if (!cJSON_IsObject(object))
        return MBS_ERR_ARGUMENT;
    memset(&call.spec, 0, sizeof call.spec);
    call.spec.inputs = call.inputs;
    call.spec.members = call.members;
    for (const cJSON *member = object->child; member != NULL; member = member->next)
        if (!take_member(&call, member))
            return MBS_ERR_ARGUMENT;
    mbs_status status = mbs_network_builder_layer(builder, &call.spec, error);
    fuzz_check_error(status, error);
    return status;
}

static mbs_status add_input(mbs_network_builder *builder, const cJSON *object, mbs_error *error)
{
    int64_t shape[MAX_VALUES];
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(object, "name");
    const int rank = take_list(shape, cJSON_GetObjectItemCaseSensitive(object, "shape"));
    if (!cJSON_IsObject(object) || cJSON_GetArraySize(object) != 2 || !cJSON_IsString(name) ||
        rank < 0)
        return MBS_ERR_ARGUMENT;
    mbs_status status = mbs_network_builder_input(builder, name->valuestring, shape, rank, error);
    fuzz_check_error(status, error);
    return status;
}

static mbs_status build(mbs_network **network, const cJSON *root, mbs_error *error)
{
    mbs_network_builder *builder = NULL;
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(root, "name");
    const cJSON *inputs = cJSON_GetObjectItemCaseSensitive(root, "inputs");
    const cJSON *layers = cJSON_GetObjectItemCaseSensitive(root, "layers");
    const cJSON *item;
    if (!cJSON_IsObject(root) || cJSON_GetArraySize(root) != 4 || !cJSON_IsString(name) ||
        !cJSON_IsArray(inputs) || !cJSON_IsArray(layers))
        return MBS_ERR_ARGUMENT;
    mbs_status status = mbs_network_builder_create(&builder, name->valuestring, error);
    for (item = inputs->child; item != NULL && status == MBS_OK; item = item->next)
        status = add_input(builder, item, error);
    for (item = layers->child; item != NULL && status == MBS_OK; item = item->next)
        status = add_layer(builder, item, error);
    if (status == MBS_OK) {
        status = mbs_network_builder_finish(network, builder, "input.json", error);
        fuzz_check_error(status, error);
        fuzz_require((*network != NULL) == (status == MBS_OK), "a network where there is no error");
    }
    mbs_network_builder_free(builder);
    return status;
}

static void require_same(const mbs_network *a, const mbs_network *b)
{
    mbs_layer_info x;
    mbs_layer_info y;
    fuzz_require(mbs_network_layer_count(a) == mbs_network_layer_count(b) &&
                     mbs_network_input_count(a) == mbs_network_input_count(b) &&
                     mbs_network_parameters(a) == mbs_network_parameters(b),
                 "the same network");
    for (size_t l = 0; mbs_network_layer(a, l, &x) == MBS_OK; l++) {
        mbs_network_layer(b, l, &y);
        fuzz_require(strcmp(x.name, y.name) == 0 && strcmp(x.op, y.op) == 0 &&
                         x.elements == y.elements && x.parameters == y.parameters &&
                         memcmp(&x.shape, &y.shape, sizeof x.shape) == 0 &&
                         x.input_count == y.input_count,
                     "the same layers");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mbs_network *loaded = NULL;
    mbs_network *built = NULL;
    mbs_error of_file;
    mbs_error of_builder;
    mbs_error_clear(&of_file);
    mbs_error_clear(&of_builder);
    cJSON *root = cJSON_ParseWithLength((const char *)data, size);
    mbs_status status = build(&built, root, &of_builder);
    if (status != MBS_ERR_ARGUMENT) {
        mbs_status expected =
            mbs_network_load_text(&loaded, (const char *)data, size, "input.json", &of_file);
        /* the text may have faults, such as a wrong format, that the builder is not told of */
        fuzz_require(status == expected || expected == MBS_ERR_INPUT, "the builder is as strict");
        if (loaded != NULL)
            require_same(loaded, built);
    }
    cJSON_Delete(root);
    mbs_network_free(built);
    mbs_network_free(loaded);
    return 0;
}
