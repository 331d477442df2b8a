/*
 * Two residual blocks for which single moves of the search for what to recompute are not enough: a
 * set that a longer walk came to is known, and auto's plan is to move no more (docs/exact.md).
 */
#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "mbsopt/mbsopt.h"
#include "run.h"

#define MOST_LAYERS 32

/* As layer1 of ResNet-50, with an fc layer of 9 MB behind it. */
#define CONV(name, input, channels, kernel, pad)                                                   \
    "{'name':'" name "','op':'conv','inputs':['" input "'],'out_channels':" channels               \
    ",'kernel':" kernel ",'pad':" pad "},"
#define NORM(name, input) "{'name':'" name "','op':'norm','inputs':['" input "'],'kind':'group'},"
#define RELU(name, input) "{'name':'" name "','op':'relu','inputs':['" input "']},"
#define UNIT(conv, norm, relu, input, kernel, pad)                                                 \
    CONV(conv, input, "64", kernel, pad) NORM(norm, conv) RELU(relu, norm)
#define BLOCK(n, input)                                                                            \
    UNIT(n "conv1", n "norm1", n "relu1", input, "1", "0")                                         \
    UNIT(n "conv2", n "norm2", n "relu2", n "relu1", "3", "1")                                     \
    CONV(n "conv3", n "relu2", "256", "1", "0") NORM(n "norm3", n "conv3")

static const char blocks[] =
    "{'format':'mbsopt-network/1','name':'blocks','inputs':[{'name':'image','shape':[64,56,56]}],"
    "'layers':[" BLOCK("a.", "image") CONV("a.project", "image", "256", "1", "0") NORM(
        "a.pnorm",
        "a.project") "{'name':'a.add','op':'add','inputs':['a.norm3','a.pnorm']}," RELU("a.relu",
                                                                                        "a.add")
        BLOCK("b.", "a.relu") "{'name':'b.add','op':'add','inputs':['b.norm3','a.relu']}," RELU(
            "b.relu", "b.add") "{'name':'pool','op':'global_avg_pool','inputs':['b.relu']},"
                               "{'name':'fc','op':'fc','inputs':['pool'],'out_features':17578,'"
                               "bias':false}]}";

/* All else between the input and the pool is computed again, these so anew. */
static const char *const anew[] = {"a.norm3", "a.project", "a.add", "b.norm2"};

static mbs_error error;
static mbs_network *network;
static mbs_hardware hardware;
static mbs_plan_options options;

static void must(mbs_status status)
{
    ck_assert_msg(status == MBS_OK, "%s", error.message[0]);
}

static void setup(void)
{
    char text[sizeof blocks];
    mbs_error_clear(&error);
    memcpy(text, blocks, sizeof blocks);
    double_quotes(text);
    must(mbs_network_load_text(&network, text, sizeof blocks - 1, "blocks", &error));
    mbs_hardware_wavecore(&hardware);
    options = (mbs_plan_options)MBS_PLAN_OPTIONS_INIT;
    options.planner = MBS_PLANNER_DP;
    options.no_strips = 1;
}

static void teardown(void)
{
    mbs_network_free(network);
}

/* What dp's plan moves with the known set. */
static int64_t known(void)
{
    mbs_program_options program_options = MBS_PROGRAM_OPTIONS_INIT;
    unsigned char set[MOST_LAYERS] = {0};
    mbs_program *program;
    mbs_plan *plan;
    const size_t count = mbs_network_layer_count(network);
    ck_assert_uint_le(count, MOST_LAYERS);
    for (size_t l = 0; l < count; l++) {
        mbs_layer_info layer;
        must(mbs_network_layer(network, l, &layer));
        if (strchr(layer.name, '.') != NULL)
            set[l] = MBS_RECOMPUTE_OUTPUT;
        for (size_t i = 0; i < sizeof anew / sizeof anew[0]; i++)
            if (strcmp(layer.name, anew[i]) == 0)
                set[l] |= MBS_RECOMPUTE_ANEW;
    }
    program_options.recompute_layers = set;
    must(mbs_program_create(&program, network, &program_options, &error));
    must(mbs_plan_create(&plan, program, &hardware, &options, &error));
    const int64_t bytes = plan_total(plan);
    mbs_plan_free(plan);
    mbs_program_free(program);
    return bytes;
}

static int64_t plan_auto(double percent, int effort)
{
    const mbs_program_options program_options = MBS_PROGRAM_OPTIONS_INIT;
    const mbs_recompute_options recompute = {MBS_RECOMPUTE_AUTO, percent, 0, effort};
    mbs_plan *plan;
    must(mbs_plan_create_recompute(&plan, network, &program_options, &hardware, &options,
                                   &recompute, &error));
    must(mbs_plan_verify(plan, NULL, &error));
    const int64_t bytes = plan_total(plan);
    mbs_plan_free(plan);
    return bytes;
}

START_TEST(comes_to_a_known_set)
{
    const int64_t bytes = known();
    const int64_t found = plan_auto(100, 1);
    ck_assert_msg(found <= bytes, "auto moves %lld bytes, the known set %lld", (long long)found,
                  (long long)bytes);
    ck_assert_int_eq(plan_auto(100, 1), found);
    ck_assert_int_le(plan_auto(100, 2), found);
    ck_assert_int_ge(plan_auto(60, 1), found);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("recompute walk");
    TCase *tests = tcase_create("blocks");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, comes_to_a_known_set);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
