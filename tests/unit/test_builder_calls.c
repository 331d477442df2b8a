/* Layers put into a builder one by one: faults of their members, and calls that are wrong. */
#include <check.h>
#include <string.h>

#include "network/network.h"
#include "run.h"

static mbs_error error;

static void setup(void)
{
    mbs_error_clear(&error);
}

static mbs_status add_one(mbs_network_builder *builder, mbs_layer_spec layer)
{
    const char *inputs[] = {"x"};
    layer.inputs = inputs;
    layer.input_count = 1;
    return mbs_network_builder_layer(builder, &layer, &error);
}

START_TEST(faults_of_members)
{
    mbs_network *network;
    mbs_network_builder *builder;
    const int64_t shape[] = {3, INT64_MAX, 8};
    ck_assert_int_eq(mbs_network_builder_create(&builder, "mine", &error), MBS_OK);
    ck_assert_int_eq(mbs_network_builder_input(builder, "x", shape, 3, &error), MBS_OK);
    ck_assert_int_eq(add_one(builder, (mbs_layer_spec){.name = "a", .op = "relu", .bias = 1}),
                     MBS_OK);
    ck_assert_int_eq(add_one(builder, (mbs_layer_spec){.name = "b", .op = "cnv"}), MBS_OK);
    ck_assert_int_eq(
        add_one(builder, (mbs_layer_spec){.name = "c", .op = "conv", .kernel = {3, -1}}), MBS_OK);
    ck_assert_int_eq(mbs_network_builder_finish(&network, builder, "memory", &error),
                     MBS_ERR_INPUT);
    ck_assert_uint_eq(error.count, 5);
    ck_assert_ptr_nonnull(strstr(error.message[0], "memory: inputs[0].shape[1]: found"));
    ck_assert_str_eq(error.message[1],
                     "memory: layers[0].bias: is a member of conv, fc, conv_transpose, not of relu "
                     "(in \"a\")");
    ck_assert_ptr_nonnull(strstr(error.message[2], "unknown op \"cnv\" (did you mean \"conv\"?)"));
    ck_assert_ptr_nonnull(strstr(error.message[3], "layers[2].out_channels: is missing"));
    ck_assert_ptr_nonnull(strstr(error.message[4], "layers[2].kernel[1]: found -1"));
    mbs_network_builder_free(builder);
}
END_TEST

START_TEST(members_beyond_the_spec)
{
    mbs_network *network;
    mbs_network_builder *builder;
    const int64_t shape[] = {3, 8, 8};
    const int64_t order[] = {2, 0, 1};
    const mbs_layer_member turned = {.name = "order", .list = order, .count = 3};
    const mbs_layer_member twice[] = {{.name = "axis"}, {.name = "axis", .number = 1}};
    const mbs_layer_member again = {.name = "groups", .number = 2};
    const mbs_layer_member nameless = {.number = 2};
    const mbs_layer_member negative = {.name = "order", .list = order, .count = -1};
    const mbs_layer_member broken = {.name = "\xFF"};
    mbs_layer_spec layer = {.name = "p", .op = "permute", .members = &turned, .member_count = 1};
    ck_assert_int_eq(mbs_network_builder_create(&builder, "mine", &error), MBS_OK);
    ck_assert_int_eq(mbs_network_builder_input(builder, "x", shape, 3, &error), MBS_OK);
    ck_assert_int_eq(add_one(builder, layer), MBS_OK);
    layer.members = twice;
    layer.member_count = 2;
    ck_assert_int_eq(add_one(builder, layer), MBS_ERR_INPUT);
    ck_assert_str_eq(error.message[0], "the layer's member \"axis\" is given twice");
    layer.member_count = 1;
    layer.groups = 4;
    layer.members = &again;
    ck_assert_int_eq(add_one(builder, layer), MBS_ERR_INPUT);
    layer.members = &broken;
    ck_assert_int_eq(add_one(builder, layer), MBS_ERR_INPUT);
    layer.members = &nameless;
    ck_assert_int_eq(add_one(builder, layer), MBS_ERR_ARGUMENT);
    layer.members = &negative;
    ck_assert_int_eq(add_one(builder, layer), MBS_ERR_ARGUMENT);
    layer.members = NULL;
    ck_assert_int_eq(add_one(builder, layer), MBS_ERR_ARGUMENT);
    mbs_error_clear(&error);
    ck_assert_int_eq(mbs_network_builder_finish(&network, builder, "memory", &error), MBS_OK);
    ck_assert_int_eq(network->layers[0].shape.dim[0], 8);
    ck_assert_int_eq(network->layers[0].shape.dim[1], 3);
    mbs_network_free(network);
    mbs_network_builder_free(builder);
}
END_TEST

START_TEST(text_must_be_utf8)
{
    mbs_network_builder *builder;
    const int64_t shape[] = {3};
    ck_assert_int_eq(mbs_network_builder_create(&builder, "\xFF", &error), MBS_ERR_INPUT);
    ck_assert_str_eq(error.message[0], "the network's name \"\\xff\" is not UTF-8 text");
    ck_assert_ptr_null(builder);
    ck_assert_int_eq(mbs_network_builder_create(&builder, "\xC3\xBC", NULL), MBS_OK);
    ck_assert_int_eq(mbs_network_builder_input(builder, "\x80", shape, 1, NULL), MBS_ERR_INPUT);
    ck_assert_int_eq(add_one(builder, (mbs_layer_spec){.name = "\xC3"}), MBS_ERR_INPUT);
    ck_assert_int_eq(add_one(builder, (mbs_layer_spec){.name = "a", .op = "\xF8"}), MBS_ERR_INPUT);
    ck_assert_int_eq(add_one(builder, (mbs_layer_spec){.name = "a", .kind = "\xF8"}),
                     MBS_ERR_INPUT);
    mbs_network_builder_free(builder);
    mbs_network_builder_free(NULL);
}
END_TEST

START_TEST(misuse)
{
    mbs_network *network;
    mbs_network_builder *builder;
    const char *inputs[] = {NULL};
    mbs_layer_spec layer = {.name = "a", .op = "relu", .inputs = inputs, .input_count = 1};
    const int64_t shape[] = {3};
    ck_assert_int_eq(mbs_network_builder_create(NULL, "x", NULL), MBS_ERR_ARGUMENT);
    ck_assert_int_eq(mbs_network_builder_create(&builder, "x", NULL), MBS_OK);
    ck_assert_int_eq(mbs_network_builder_layer(builder, &layer, NULL), MBS_ERR_ARGUMENT);
    ck_assert_int_eq(mbs_network_builder_layer(builder, NULL, NULL), MBS_ERR_ARGUMENT);
    ck_assert_int_eq(mbs_network_builder_layer(NULL, &layer, NULL), MBS_ERR_ARGUMENT);
    layer.inputs = NULL;
    ck_assert_int_eq(mbs_network_builder_layer(builder, &layer, NULL), MBS_ERR_ARGUMENT);
    ck_assert_int_eq(mbs_network_builder_input(builder, "x", NULL, 1, NULL), MBS_ERR_ARGUMENT);
    ck_assert_int_eq(mbs_network_builder_input(builder, "x", shape, -1, NULL), MBS_ERR_ARGUMENT);
    ck_assert_int_eq(mbs_network_builder_input(NULL, "x", shape, 1, NULL), MBS_ERR_ARGUMENT);
    ck_assert_int_eq(mbs_network_builder_finish(NULL, builder, "x", NULL), MBS_ERR_ARGUMENT);
    ck_assert_int_eq(mbs_network_builder_finish(&network, builder, NULL, NULL), MBS_ERR_ARGUMENT);
    ck_assert_int_eq(mbs_network_builder_finish(&network, NULL, "x", NULL), MBS_ERR_ARGUMENT);
    mbs_network_builder_free(builder);
}
END_TEST

START_TEST(finish_and_go_on)
{
    mbs_network *network;
    mbs_network_builder *builder;
    const int64_t shape[] = {3, 8, 8};
    ck_assert_int_eq(mbs_network_builder_create(&builder, "mine", &error), MBS_OK);
    ck_assert_int_eq(mbs_network_builder_input(builder, "x", shape, 3, &error), MBS_OK);
    for (size_t layers = 1; layers <= 3; layers++) {
        const char *names[] = {"a", "b", "c"};
        mbs_layer_spec layer = {.name = names[layers - 1], .op = "relu"};
        ck_assert_int_eq(add_one(builder, layer), MBS_OK);
        ck_assert_int_eq(mbs_network_builder_finish(&network, builder, "memory", &error), MBS_OK);
        ck_assert_uint_eq(mbs_network_layer_count(network), layers);
        mbs_network_free(network);
    }
    mbs_network_builder_free(builder);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("builder_calls");
    TCase *tests = tcase_create("calls");
    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, faults_of_members);
    tcase_add_test(tests, members_beyond_the_spec);
    tcase_add_test(tests, text_must_be_utf8);
    tcase_add_test(tests, misuse);
    tcase_add_test(tests, finish_and_go_on);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
