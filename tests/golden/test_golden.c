/*
 * Published networks, to the byte: the figures that the model's section 8 gives, for networks
 * without biases (no_bias.h), and the committed networks with every planner in a range of buffers.
 */
#include <check.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mbsopt/mbsopt.h"
#include "no_bias.h"
#include "run.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define MIB          1048576

static mbs_error error;
static no_bias without_biases;

static mbs_network *load_network(const char *folder, const char *name)
{
    char path[2048];
    mbs_network *network;
    snprintf(path, sizeof path, "%s/%s.json", folder, name);
    mbs_error_clear(&error);
    must_succeed(mbs_network_load_file(&network, path, &error), &error, path);
    return network;
}

static mbs_program *make_program(const mbs_network *network, int inference, int keep_batch_norm)
{
    mbs_program_options options = MBS_PROGRAM_OPTIONS_INIT;
    mbs_program *program;
    options.inference = inference;
    options.keep_batch_norm = keep_batch_norm;
    must_succeed(mbs_program_create(&program, network, &options, &error), &error,
                 mbs_network_name(network));
    return program;
}

/* Total traffic; mbs_plan_create replays every plan before it returns it. */
static int64_t traffic_of(const mbs_program *program, const mbs_hardware *hardware,
                          mbs_plan_options options)
{
    mbs_plan *plan;
    mbs_traffic traffic;
    must_succeed(mbs_plan_create(&plan, program, hardware, &options, &error), &error,
                 mbs_planner_name(options.planner));
    mbs_plan_traffic(plan, &traffic);
    mbs_plan_free(plan);
    return traffic.total;
}

/* ---- Section 8 ------------------------------------------------------------------------------- */

typedef struct column {
    const char *title;
    mbs_planner planner;
    int64_t norm_passes;
    int no_pin;
    int no_stream;
    int keep_batch_norm;
} column;

static const column columns[] = {
    {"baseline, norm_passes 1", MBS_PLANNER_BASELINE, 1, 0, 0, 1},
    {"baseline, 2", MBS_PLANNER_BASELINE, 2, 0, 0, 1},
    {"mbs1", MBS_PLANNER_MBS1, 2, 0, 0, 0},
    {"mbs2", MBS_PLANNER_MBS2, 2, 0, 0, 0},
    {"dp, no pin, no stream", MBS_PLANNER_DP, 2, 1, 1, 0},
    {"dp, no pin", MBS_PLANNER_DP, 2, 1, 0, 0},
    {"dp", MBS_PLANNER_DP, 2, 0, 0, 0},
};

typedef struct row {
    const char *network;
    int64_t batch;
    size_t layers;
    size_t steps;
    int64_t parameters; /* 0: not given */
    int64_t bytes[COUNT(columns)];
} row;

static const row rows[] = {
    {"alexnet",
     64,
     18,
     44,
     0,
     {1374653888, 1374653888, 753203840, 753203840, 730927744, 730927744, 651311552}},
    {"resnet50",
     32,
     174,
     402,
     25556032,
     {INT64_C(12705049216), INT64_C(14708877952), INT64_C(5066158208), INT64_C(4071549696),
      INT64_C(3845027584), INT64_C(3688939264), INT64_C(3293583360)}},
    {"inception_v3",
     32,
     308,
     808,
     0,
     {INT64_C(12213384640), INT64_C(13522796992), INT64_C(5615456832), INT64_C(3754783232),
      INT64_C(3618777920), INT64_C(3595988288), INT64_C(3120869440)}},
};

START_TEST(published_figures)
{
    const row *r = &rows[_i / (int)COUNT(columns)];
    const column *c = &columns[_i % (int)COUNT(columns)];
    const int64_t expected = r->bytes[_i % (int)COUNT(columns)];
    mbs_network *network = load_network(without_biases.folder, r->network);
    mbs_program *program = make_program(network, 0, c->keep_batch_norm);
    mbs_hardware hardware;
    mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
    mbs_hardware_wavecore(&hardware);
    hardware.norm_passes = c->norm_passes;
    options.planner = c->planner;
    options.batch = r->batch;
    options.buffer_bytes = 10 * MIB;
    options.no_pin = c->no_pin;
    options.no_stream = c->no_stream;
    int64_t found = traffic_of(program, &hardware, options);
    ck_assert_msg(found == expected, "%s, %s: %" PRId64 " bytes, expected %" PRId64, r->network,
                  c->title, found, expected);
    mbs_program_free(program);
    mbs_network_free(network);
}
END_TEST

/* archopt moves what baseline moves. */
START_TEST(archopt_is_baseline)
{
    mbs_network *network = load_network(without_biases.folder, rows[_i].network);
    mbs_program *program = make_program(network, 0, 1);
    mbs_hardware hardware;
    mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
    mbs_hardware_wavecore(&hardware);
    options.batch = rows[_i].batch;
    options.planner = MBS_PLANNER_ARCHOPT;
    ck_assert_int_eq(traffic_of(program, &hardware, options), rows[_i].bytes[1]);
    mbs_program_free(program);
    mbs_network_free(network);
}
END_TEST

START_TEST(published_sizes)
{
    const row *r = &rows[_i];
    mbs_network *network = load_network(without_biases.folder, r->network);
    mbs_program *program = make_program(network, 0, 0);
    ck_assert_uint_eq(mbs_network_layer_count(network), r->layers);
    ck_assert_uint_eq(mbs_program_step_count(program), r->steps);
    if (r->parameters != 0)
        ck_assert_int_eq(mbs_network_parameters(network), r->parameters);
    mbs_program_free(program);
    mbs_network_free(network);
}
END_TEST

/* ---- Section 10 ------------------------------------------------------------------------------ */

typedef struct recompute_row {
    const char *network;
    mbs_recompute recompute;
    int64_t bytes;
    const char *macs; /* more, in percent */
} recompute_row;

static const recompute_row recompute_rows[] = {
    {"resnet50", MBS_RECOMPUTE_ACTIVATIONS, INT64_C(2879434496), "0.0"},
    {"resnet50", MBS_RECOMPUTE_EXPAND, INT64_C(2100485888), "7.2"},
    {"inception_v3", MBS_RECOMPUTE_ACTIVATIONS, INT64_C(2649729856), "0.0"},
};

/* dp's bytes, and the multiply-accumulates added as text with a decimal. */
static int64_t recompute_bytes(const mbs_network *network, const mbs_program_options *options,
                               char macs[16])
{
    mbs_hardware hardware;
    mbs_plan_options plan_options = MBS_PLAN_OPTIONS_INIT;
    mbs_program *program;
    mbs_plan *plan;
    mbs_traffic traffic;
    mbs_recompute_info info;
    mbs_hardware_wavecore(&hardware);
    must_succeed(mbs_program_create(&program, network, options, &error), &error,
                 mbs_network_name(network));
    must_succeed(mbs_plan_create(&plan, program, &hardware, &plan_options, &error), &error, "dp");
    mbs_plan_traffic(plan, &traffic);
    mbs_plan_recompute(plan, &info);
    snprintf(macs, 16, "%.1f", info.macs_percent);
    mbs_plan_free(plan);
    mbs_program_free(program);
    return traffic.total;
}

START_TEST(recompute_figures)
{
    const recompute_row *r = &recompute_rows[_i];
    mbs_network *network = load_network(without_biases.folder, r->network);
    mbs_program_options options = MBS_PROGRAM_OPTIONS_INIT;
    char macs[16];
    options.recompute = r->recompute;
    ck_assert_int_eq(recompute_bytes(network, &options, macs), r->bytes);
    ck_assert_str_eq(macs, r->macs);
    mbs_network_free(network);
}
END_TEST

/* In these residual blocks all convolutions are recomputed; the stem counts as one. */
static const char *const whole_blocks[] = {"conv1",     "layer1.0.", "layer1.1.", "layer1.2.",
                                           "layer2.0.", "layer2.1.", "layer2.2.", "layer2.3.",
                                           "layer3.0.", "layer3.2.", "layer3.4."};

static int in_whole_block(const char *layer)
{
    for (size_t i = 0; i < COUNT(whole_blocks); i++)
        if (strncmp(layer, whole_blocks[i], strlen(whole_blocks[i])) == 0)
            return 1;
    return 0;
}

/* Puts into `set` what `expand` recomputes, found in its program. */
static void add_expand(unsigned char *set, const mbs_network *network)
{
    mbs_program_options options = MBS_PROGRAM_OPTIONS_INIT;
    mbs_program *program;
    mbs_step_info step;
    mbs_layer_info layer;
    options.recompute = MBS_RECOMPUTE_EXPAND;
    must_succeed(mbs_program_create(&program, network, &options, &error), &error, "expand");
    for (size_t k = 0; k < mbs_program_step_count(program); k++) {
        ck_assert_int_eq(mbs_program_step(program, k, &step), MBS_OK);
        for (size_t l = 0; l < mbs_network_layer_count(network); l++)
            if (strstr(step.kind, ".remat") != NULL &&
                mbs_network_layer(network, l, &layer) == MBS_OK &&
                strcmp(layer.name, step.layer) == 0)
                set[l] = 1;
    }
    mbs_program_free(program);
}

START_TEST(recompute_per_block)
{
    mbs_network *network = load_network(without_biases.folder, "resnet50");
    mbs_program_options options = MBS_PROGRAM_OPTIONS_INIT;
    mbs_layer_info layer;
    char macs[16];
    unsigned char *set = calloc(mbs_network_layer_count(network), 1);
    ck_assert_ptr_nonnull(set);
    add_expand(set, network);
    for (size_t l = 0; l < mbs_network_layer_count(network); l++) {
        ck_assert_int_eq(mbs_network_layer(network, l, &layer), MBS_OK);
        if (strcmp(layer.op, "norm") == 0 ||
            (strcmp(layer.op, "conv") == 0 && in_whole_block(layer.name)))
            set[l] = 1;
    }
    options.recompute_layers = set;
    ck_assert_int_eq(recompute_bytes(network, &options, macs), INT64_C(1681577984));
    ck_assert_str_eq(macs, "24.1");
    free(set);
    mbs_network_free(network);
}
END_TEST

/* What auto must reach for ResNet-50: at most 2.05 GB, and 1.70 GB with up to 25 % more. */
START_TEST(recompute_auto)
{
    const double percents[] = {10, 25};
    const int64_t most[] = {INT64_C(2050000000), INT64_C(1700000000)};
    mbs_network *network = load_network(without_biases.folder, "resnet50");
    const mbs_program_options program_options = MBS_PROGRAM_OPTIONS_INIT;
    const mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
    const mbs_recompute_options recompute = {MBS_RECOMPUTE_AUTO, percents[_i], 0, 1};
    mbs_hardware hardware;
    mbs_plan *plan;
    mbs_traffic traffic;
    mbs_recompute_info info;
    mbs_hardware_wavecore(&hardware);
    must_succeed(mbs_plan_create_recompute(&plan, network, &program_options, &hardware, &options,
                                           &recompute, &error),
                 &error, "auto");
    mbs_plan_traffic(plan, &traffic);
    mbs_plan_recompute(plan, &info);
    ck_assert_int_le(traffic.total, most[_i]);
    ck_assert(info.macs_percent <= percents[_i]);
    ck_assert(info.macs_percent > 0);
    ck_assert_str_eq(mbs_plan_planner_name(plan), "dp+auto");
    mbs_plan_free(plan);
    mbs_network_free(network);
}
END_TEST

/* ---- Section 11: split programs without strip groups ------------------------------------------
 */

typedef struct split_row {
    int64_t kib; /* of buffer */
    mbs_recompute recompute;
    int keep_batch_norm;
    int inference; /* of one sample */
    int64_t bytes;
} split_row;

static const split_row split_rows[] = {
    {512, MBS_RECOMPUTE_NONE, 0, 0, INT64_C(14831294592)},
    {1024, MBS_RECOMPUTE_NONE, 0, 0, INT64_C(11258781824)},
    {2048, MBS_RECOMPUTE_NONE, 0, 0, INT64_C(7328743552)},
    {10240, MBS_RECOMPUTE_NONE, 0, 0, INT64_C(3295188992)},
    {1024, MBS_RECOMPUTE_EXPAND, 0, 0, INT64_C(12118788992)},
    {1024, MBS_RECOMPUTE_NONE, 1, 0, INT64_C(12100066432)},
    {10240, MBS_RECOMPUTE_NONE, 1, 0, INT64_C(6699400320)},
    {256, MBS_RECOMPUTE_NONE, 1, 1, INT64_C(216594512)},
    {1024, MBS_RECOMPUTE_NONE, 1, 1, INT64_C(138319952)},
};

START_TEST(split_figures)
{
    const split_row *r = &split_rows[_i];
    mbs_network *network = load_network(without_biases.folder, "resnet50");
    mbs_program_options options = MBS_PROGRAM_OPTIONS_INIT;
    mbs_plan_options plan_options = MBS_PLAN_OPTIONS_INIT;
    mbs_hardware hardware;
    mbs_program *program;
    options.split_norms = 1;
    options.recompute = r->recompute;
    options.keep_batch_norm = r->keep_batch_norm;
    options.inference = r->inference;
    mbs_hardware_wavecore(&hardware);
    must_succeed(mbs_program_create(&program, network, &options, &error), &error, "resnet50");
    plan_options.batch = r->inference ? 1 : 32;
    plan_options.buffer_bytes = r->kib * 1024;
    plan_options.no_strips = 1;
    ck_assert_int_eq(traffic_of(program, &hardware, plan_options), r->bytes);
    mbs_program_free(program);
    mbs_network_free(network);
}
END_TEST

/* ---- The committed networks ------------------------------------------------------------------ */

static const char *const zoo[] = {"alexnet",
                                  "convnext_tiny",
                                  "densenet121",
                                  "efficientnet_b0",
                                  "fcn_resnet50",
                                  "googlenet",
                                  "inception_v3",
                                  "inception_v4",
                                  "lraspp_mobilenet_v3_large",
                                  "mnasnet1_0",
                                  "mobilenet_v2",
                                  "mobilenet_v3_large",
                                  "regnet_y_400mf",
                                  "resnet101",
                                  "resnet152",
                                  "resnet18",
                                  "resnet50",
                                  "resnext50_32x4d",
                                  "shufflenet_v2_x1_0",
                                  "squeezenet1_1",
                                  "swin_t",
                                  "vgg16",
                                  "vgg16_bn",
                                  "vit_b_16",
                                  "wide_resnet50_2"};

static const int64_t buffers[] = {MIB / 4, MIB, 10 * MIB, 64 * MIB};

static void compare_planners(const mbs_program *program, int64_t buffer_bytes)
{
    mbs_hardware hardware;
    mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
    int64_t bytes[MBS_PLANNER_DP + 1];
    mbs_hardware_wavecore(&hardware);
    options.buffer_bytes = buffer_bytes;
    for (int planner = 0; planner <= MBS_PLANNER_DP; planner++) {
        options.planner = (mbs_planner)planner;
        bytes[planner] = traffic_of(program, &hardware, options);
    }
    ck_assert_int_eq(bytes[MBS_PLANNER_ARCHOPT], bytes[MBS_PLANNER_BASELINE]);
    ck_assert_int_le(bytes[MBS_PLANNER_DP], bytes[MBS_PLANNER_BASELINE]);
    ck_assert_int_le(bytes[MBS_PLANNER_DP], bytes[MBS_PLANNER_MBS2]);
}

/* In every buffer each plan passes the replay, and dp moves no more than baseline and mbs2. */
START_TEST(committed_networks)
{
    mbs_network *network = load_network(source_path("models/networks"), zoo[_i]);
    ck_assert_str_eq(mbs_network_name(network), zoo[_i]);
    for (int inference = 0; inference < 2; inference++) {
        mbs_program *program = make_program(network, inference, 0);
        for (size_t b = 0; b < COUNT(buffers); b++)
            compare_planners(program, buffers[b]);
        mbs_program_free(program);
    }
    mbs_network_free(network);
}
END_TEST

/* Nothing is in models/networks that the test above leaves out. */
START_TEST(all_are_tested)
{
    const char *folder = source_path("models/networks");
    size_t found = 0;
    DIR *directory = opendir(folder);
    ck_assert_msg(directory != NULL, "cannot open %s", folder);
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        const char *dot = strrchr(entry->d_name, '.');
        found += dot != NULL && strcmp(dot, ".json") == 0 && dot != entry->d_name;
    }
    closedir(directory);
    ck_assert_uint_eq(found, COUNT(zoo));
}
END_TEST

static int run_tests(void)
{
    Suite *suite = suite_create("golden");
    TCase *tests = tcase_create("networks");
    tcase_set_timeout(tests, 0);
    tcase_add_loop_test(tests, published_figures, 0, (int)(COUNT(rows) * COUNT(columns)));
    tcase_add_loop_test(tests, published_sizes, 0, (int)COUNT(rows));
    tcase_add_loop_test(tests, archopt_is_baseline, 0, (int)COUNT(rows));
    tcase_add_loop_test(tests, recompute_figures, 0, (int)COUNT(recompute_rows));
    tcase_add_loop_test(tests, split_figures, 0, (int)COUNT(split_rows));
    tcase_add_test(tests, recompute_per_block);
    tcase_add_loop_test(tests, recompute_auto, 0, 2);
    tcase_add_loop_test(tests, committed_networks, 0, (int)COUNT(zoo));
    tcase_add_test(tests, all_are_tested);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

int main(void)
{
    const char *names[COUNT(rows) + 1] = {NULL};
    int status = 1;
    for (size_t i = 0; i < COUNT(rows); i++)
        names[i] = rows[i].network;
    if (no_bias_open(&without_biases, names))
        status = run_tests();
    else
        fprintf(stderr, "cannot write networks without biases to %s\n", without_biases.folder);
    no_bias_close(&without_biases);
    return status;
}
