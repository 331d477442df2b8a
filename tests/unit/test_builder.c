/* Networks without files: built layer by layer, and read from streams. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "network/network.h"
#include "run.h"

static mbs_error error;
static mbs_error of_file;

static void setup(void)
{
    mbs_error_clear(&error);
    mbs_error_clear(&of_file);
}

/* ---- A file's layers, put into a builder
 * ---------------------------------------------------------
 */

static int64_t number_of(const cJSON *object, const char *member)
{
    const cJSON *value = json_member(object, member);
    return value == NULL ? 0 : (int64_t)value->valuedouble;
}

/* An integer, or a list of up to `count`, as the loader would take them. */
static void numbers_of(int64_t *numbers, int count, const cJSON *object, const char *member)
{
    const cJSON *value = json_member(object, member);
    if (value == NULL)
        return;
    int given = cJSON_IsArray(value) ? cJSON_GetArraySize(value) : 1;
    for (int i = 0; i < count; i++) {
        const cJSON *item = cJSON_IsArray(value) ? cJSON_GetArrayItem(value, i % given) : value;
        numbers[i] = (int64_t)item->valuedouble;
    }
}

static const char *text_of(const cJSON *object, const char *member)
{
    const cJSON *value = json_member(object, member);
    return value == NULL ? NULL : value->valuestring;
}

/* All members that the spec has no place for. */
static void add_members(mbs_layer_spec *layer, mbs_layer_member *members, const cJSON *object)
{
    static const char *const placed[] = {
        "name", "op",        "inputs", "out_channels", "out_features", "groups", "kind",
        "bias", "ceil_mode", "kernel", "stride",       "dilation",     "pad",    "shares"};
    static int64_t lists[16][MBS_MAX_RANK];
    for (const cJSON *member = object->child; member != NULL; member = member->next) {
        bool is_placed = json_is_ignored(member->string);
        for (size_t i = 0; i < sizeof placed / sizeof placed[0]; i++)
            is_placed = is_placed || strcmp(member->string, placed[i]) == 0;
        if (is_placed)
            continue;
        mbs_layer_member *to = &members[layer->member_count];
        *to = (mbs_layer_member){.name = member->string, .is_flag = cJSON_IsBool(member)};
        if (cJSON_IsArray(member)) {
            to->list = lists[layer->member_count];
            to->count = cJSON_GetArraySize(member);
            numbers_of(lists[layer->member_count], to->count, object, member->string);
        } else {
            to->number = cJSON_IsBool(member) ? cJSON_IsTrue(member) : (int64_t)member->valuedouble;
        }
        ck_assert_uint_lt(layer->member_count++, 16);
    }
}

static void build_layer(mbs_network_builder *builder, const cJSON *object)
{
    const char *inputs[64];
    mbs_layer_member members[16];
    mbs_layer_spec layer = {.name = text_of(object, "name"),
                            .op = text_of(object, "op"),
                            .inputs = inputs,
                            .members = members,
                            .out_channels = number_of(object, "out_channels"),
                            .out_features = number_of(object, "out_features"),
                            .groups = number_of(object, "groups"),
                            .kind = text_of(object, "kind"),
                            .bias = cJSON_IsTrue(json_member(object, "bias")),
                            .ceil_mode = cJSON_IsTrue(json_member(object, "ceil_mode")),
                            .shares = text_of(object, "shares")};
    const cJSON *input;
    cJSON_ArrayForEach(input, json_member(object, "inputs"))
    {
        ck_assert_uint_lt(layer.input_count, 64);
        inputs[layer.input_count++] = input->valuestring;
    }
    numbers_of(layer.kernel, 2, object, "kernel");
    numbers_of(layer.stride, 2, object, "stride");
    numbers_of(layer.dilation, 2, object, "dilation");
    numbers_of(layer.pad, 4, object, "pad");
    add_members(&layer, members, object);
    ck_assert_int_eq(mbs_network_builder_layer(builder, &layer, &error), MBS_OK);
}

static mbs_network_builder *builder_of(const char *path)
{
    char *text;
    size_t length;
    mbs_network_builder *builder;
    ck_assert_int_eq(file_read(&text, &length, path, NULL), MBS_OK);
    cJSON *root = cJSON_ParseWithLength(text, length);
    ck_assert_ptr_nonnull(root);
    ck_assert_int_eq(mbs_network_builder_create(&builder, text_of(root, "name"), &error), MBS_OK);
    const cJSON *object;
    cJSON_ArrayForEach(object, json_member(root, "inputs"))
    {
        int64_t shape[MBS_MAX_RANK] = {0};
        int rank = cJSON_GetArraySize(json_member(object, "shape"));
        numbers_of(shape, rank, object, "shape");
        ck_assert_int_eq(
            mbs_network_builder_input(builder, text_of(object, "name"), shape, rank, &error),
            MBS_OK);
    }
    cJSON_ArrayForEach(object, json_member(root, "layers")) build_layer(builder, object);
    cJSON_Delete(root);
    mbs_free(text);
    return builder;
}

static void assert_same(const mbs_network *a, const mbs_network *b)
{
    mbs_layer_info x;
    mbs_layer_info y;
    ck_assert_str_eq(mbs_network_name(a), mbs_network_name(b));
    ck_assert_uint_eq(mbs_network_layer_count(a), mbs_network_layer_count(b));
    ck_assert_uint_eq(mbs_network_input_count(a), mbs_network_input_count(b));
    ck_assert_int_eq(mbs_network_parameters(a), mbs_network_parameters(b));
    for (size_t l = 0; mbs_network_layer(a, l, &x) == MBS_OK; l++) {
        ck_assert_int_eq(mbs_network_layer(b, l, &y), MBS_OK);
        ck_assert_str_eq(x.name, y.name);
        ck_assert_str_eq(x.op, y.op);
        ck_assert_int_eq(x.elements, y.elements);
        ck_assert_int_eq(x.parameters, y.parameters);
        ck_assert_ptr_eq(x.shares == NULL ? NULL : &x, y.shares == NULL ? NULL : &x);
        if (x.shares != NULL)
            ck_assert_str_eq(x.shares, y.shares);
        ck_assert_mem_eq(&x.shape, &y.shape, sizeof x.shape);
        ck_assert_uint_eq(x.input_count, y.input_count);
        for (size_t i = 0; i < x.input_count; i++)
            ck_assert_str_eq(mbs_network_layer_input(a, l, i), mbs_network_layer_input(b, l, i));
        ck_assert_mem_eq(a->layers[l].pad, b->layers[l].pad, sizeof a->layers[l].pad);
        ck_assert_mem_eq(a->layers[l].stride, b->layers[l].stride, sizeof a->layers[l].stride);
    }
}

static const char *const good_files[] = {
    "models/networks/alexnet.json",
    "models/networks/resnet50.json",
    "models/networks/inception_v4.json",
    "models/networks/densenet121.json",
    "models/networks/mobilenet_v2.json",
    "models/networks/swin_t.json",
    "tests/fuzz/corpus/network/attention.json",
    "tests/fuzz/corpus/network/branches.json",
    "tests/fuzz/corpus/network/chain.json",
    "tests/fuzz/corpus/network/decoder.json",
    "tests/fuzz/corpus/network/elementwise.json",
    "tests/fuzz/corpus/network/residual.json",
    "tests/fuzz/corpus/network/shared.json",
};

START_TEST(built_is_as_loaded)
{
    const char *path = source_path("%s", good_files[_i]);
    mbs_network *loaded;
    mbs_network *built;
    ck_assert_int_eq(mbs_network_load_file(&loaded, path, &error), MBS_OK);
    mbs_network_builder *builder = builder_of(path);
    ck_assert_int_eq(mbs_network_builder_finish(&built, builder, "memory", &error), MBS_OK);
    mbs_network_builder_free(builder);
    assert_same(loaded, built);
    mbs_network_free(built);
    mbs_network_free(loaded);
}
END_TEST

/* ---- Faults -------------------------------------------------------------------------------------
 */

static const char *const bad_files[] = {
    "add_of_one",
    "add_sizes",
    "all_parameters_overflow",
    "concat_sizes",
    "conv_of_vector",
    "cycle_of_eight",
    "cycle_of_two",
    "elements_overflow",
    "groups_of_input",
    "input_dangling",
    "kernel_too_large",
    "layer_name_too_long",
    "mul_ranks",
    "name_of_two_layers",
    "norm_axis_of_group",
    "permute_order",
    "pad_rank",
    "slice_end",
    "parameter_with_input",
    "reshape_elements",
    "matmul_sizes",
    "shape_of_slice",
    "fc_axis",
    "shares_later",
    "shares_chain",
};

START_TEST(faults_are_the_files)
{
    char name[128];
    mbs_network *network;
    snprintf(name, sizeof name, "tests/bad/%s.json", bad_files[_i]);
    const char *path = source_path("%s", name);
    mbs_network_builder *builder = builder_of(path);
    ck_assert_int_eq(mbs_network_load_file(&network, path, &of_file), MBS_ERR_INPUT);
    ck_assert_int_eq(mbs_network_builder_finish(&network, builder, path, &error), MBS_ERR_INPUT);
    ck_assert_ptr_null(network);
    ck_assert_uint_eq(error.count, of_file.count);
    for (size_t i = 0; i < error.count && i < MBS_ERROR_MESSAGES; i++)
        ck_assert_str_eq(error.message[i], of_file.message[i]);
    mbs_network_builder_free(builder);
}
END_TEST

/* ---- Streams ------------------------------------------------------------------------------------
 */

typedef struct slow_stream {
    FILE *file;
    size_t at_once;
    long until_failure; /* bytes, or -1 */
} slow_stream;

static int64_t read_slowly(void *context, char *data, size_t room)
{
    slow_stream *stream = context;
    if (stream->until_failure == 0)
        return -1;
    size_t wanted = stream->at_once < room ? stream->at_once : room;
    if (stream->until_failure > 0 && (size_t)stream->until_failure < wanted)
        wanted = (size_t)stream->until_failure;
    size_t got = fread(data, 1, wanted, stream->file);
    if (stream->until_failure > 0)
        stream->until_failure -= (long)got;
    return (int64_t)got;
}

static const size_t at_once[] = {1, 7, 4096, SIZE_MAX};

START_TEST(streams_are_as_files)
{
    const char *path = source_path("models/networks/inception_v3.json");
    mbs_network *loaded;
    mbs_network *streamed;
    slow_stream stream = {fopen(path, "rb"), at_once[_i], -1};
    ck_assert_ptr_nonnull(stream.file);
    ck_assert_int_eq(mbs_network_load_file(&loaded, path, &error), MBS_OK);
    ck_assert_int_eq(mbs_network_load_stream(&streamed, read_slowly, &stream, "pipe", &error),
                     MBS_OK);
    assert_same(loaded, streamed);
    fclose(stream.file);
    mbs_network_free(loaded);
    mbs_network_free(streamed);
}
END_TEST

static int64_t read_too_much(void *context, char *data, size_t room)
{
    (void)context;
    (void)data;
    return (int64_t)room + 1;
}

START_TEST(streams_fail)
{
    const char *path = source_path("models/networks/alexnet.json");
    mbs_network *network;
    slow_stream stream = {fopen(path, "rb"), 100, 1000};
    ck_assert_ptr_nonnull(stream.file);
    ck_assert_int_eq(mbs_network_load_stream(&network, read_slowly, &stream, "a\npipe", &error),
                     MBS_ERR_IO);
    ck_assert_str_eq(error.message[0], "cannot read \"a\\x0apipe\": the stream failed");
    ck_assert_ptr_null(network);
    ck_assert_int_eq(mbs_network_load_stream(&network, read_too_much, NULL, "pipe", NULL),
                     MBS_ERR_IO);
    stream.until_failure = -1; /* the rest alone is no network */
    mbs_error_clear(&error);
    ck_assert_int_eq(mbs_network_load_stream(&network, read_slowly, &stream, "pipe", &error),
                     MBS_ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(error.message[0], "pipe: line "));
    ck_assert_int_eq(mbs_network_load_stream(&network, NULL, NULL, "pipe", NULL), MBS_ERR_ARGUMENT);
    ck_assert_int_eq(mbs_network_load_stream(NULL, read_slowly, &stream, "pipe", NULL),
                     MBS_ERR_ARGUMENT);
    fclose(stream.file);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))

int main(void)
{
    Suite *suite = suite_create("builder");
    TCase *tests = tcase_create("builder");
    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, built_is_as_loaded, 0, COUNT(good_files));
    tcase_add_loop_test(tests, faults_are_the_files, 0, COUNT(bad_files));
    tcase_add_loop_test(tests, streams_are_as_files, 0, COUNT(at_once));
    tcase_add_test(tests, streams_fail);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
