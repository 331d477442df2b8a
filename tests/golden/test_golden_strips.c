/* ResNet-50 with strips, to the byte: the figures of the model's section 11. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "mbsopt/mbsopt.h"
#include "no_bias.h"
#include "run.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define KIB          INT64_C(1024)

typedef struct row {
    int keep_batch_norm;
    int inference;
    mbs_recompute recompute;
    int64_t batch;
    int64_t buffer_bytes;
    int64_t plain; /* dp without strips; 0: the model has no figure, likewise below */
    int64_t split; /* of the split program, no strip groups */
    int64_t strips;
} row;

static const row rows[] = {
    {0, 0, MBS_RECOMPUTE_NONE, 32, 512 * KIB, 15449017984, 14831294592, 9652081792},
    {0, 0, MBS_RECOMPUTE_NONE, 32, 1024 * KIB, 12441444480, 11258781824, 7692912256},
    {0, 0, MBS_RECOMPUTE_NONE, 32, 2048 * KIB, 8899892864, 7328743552, 6184090496},
    {0, 0, MBS_RECOMPUTE_NONE, 32, 10240 * KIB, 3293583360, 3295188992, 3295188992},
    {0, 0, MBS_RECOMPUTE_EXPAND, 32, 1024 * KIB, 13625202048, 12118788992, 7704369536},
    {1, 0, MBS_RECOMPUTE_NONE, 32, 1024 * KIB, 0, 12100066432, 8226147456},
    {1, 0, MBS_RECOMPUTE_NONE, 32, 10240 * KIB, 0, 6699400320, 6699400320},
    {1, 1, MBS_RECOMPUTE_NONE, 1, 256 * KIB, 0, 216594512, 117069904},
    {1, 1, MBS_RECOMPUTE_NONE, 1, 1024 * KIB, 0, 138319952, 68474960},
};

static mbs_error error;
static no_bias without_biases;

/* Total traffic; mbs_plan_create replays every plan before it returns it. */
static int64_t traffic_of(const mbs_network *network, const row *of, int split, int no_strips)
{
    mbs_program_options program_options = MBS_PROGRAM_OPTIONS_INIT;
    mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
    mbs_hardware hardware;
    mbs_program *program;
    mbs_plan *plan;
    mbs_traffic traffic;
    mbs_hardware_wavecore(&hardware);
    program_options.inference = of->inference;
    program_options.keep_batch_norm = of->keep_batch_norm;
    program_options.recompute = of->recompute;
    program_options.split_norms = split;
    options.batch = of->batch;
    options.buffer_bytes = of->buffer_bytes;
    options.no_strips = no_strips;
    must_succeed(mbs_program_create(&program, network, &program_options, &error), &error,
                 "resnet50");
    must_succeed(mbs_plan_create(&plan, program, &hardware, &options, &error), &error, "resnet50");
    mbs_plan_traffic(plan, &traffic);
    mbs_plan_free(plan);
    mbs_program_free(program);
    return traffic.total;
}

/* The same of the better of both programs, as the command line plans. */
static int64_t better_of(const mbs_network *network, const row *of, mbs_planner planner,
                         int no_strips)
{
    mbs_program_options program_options = MBS_PROGRAM_OPTIONS_INIT;
    mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
    const mbs_recompute_options recompute = {of->recompute, 0, 0, 1};
    mbs_hardware hardware;
    mbs_plan *plan;
    mbs_traffic traffic;
    mbs_hardware_wavecore(&hardware);
    program_options.inference = of->inference;
    program_options.keep_batch_norm = of->keep_batch_norm;
    options.planner = planner;
    options.batch = of->batch;
    options.buffer_bytes = of->buffer_bytes;
    options.no_strips = no_strips;
    options.time_limit_s = 0;
    must_succeed(mbs_plan_create_recompute(&plan, network, &program_options, &hardware, &options,
                                           &recompute, &error),
                 &error, "resnet50");
    mbs_plan_traffic(plan, &traffic);
    ck_assert_int_le(mbs_plan_bound_bytes(plan), traffic.total);
    mbs_plan_free(plan);
    return traffic.total;
}

START_TEST(figures_of_section_11)
{
    const row *of = &rows[_i];
    mbs_network *network;
    char path[2048];
    snprintf(path, sizeof path, "%s/resnet50.json", without_biases.folder);
    mbs_error_clear(&error);
    must_succeed(mbs_network_load_file(&network, path, &error), &error, path);
    if (of->plain != 0)
        ck_assert_int_eq(traffic_of(network, of, 0, 0), of->plain);
    ck_assert_int_eq(traffic_of(network, of, 1, 1), of->split);
    ck_assert_int_eq(traffic_of(network, of, 1, 0), of->strips);
    if (of->plain != 0) {
        const int64_t better = of->strips < of->plain ? of->strips : of->plain;
        ck_assert_int_eq(better_of(network, of, MBS_PLANNER_DP, 0), better);
        ck_assert_int_eq(better_of(network, of, MBS_PLANNER_DP, 1), of->plain);
        ck_assert_int_le(better_of(network, of, MBS_PLANNER_ILP, 0), better);
        ck_assert_int_le(better_of(network, of, MBS_PLANNER_BEST, 0), better);
    }
    mbs_network_free(network);
}
END_TEST

int main(void)
{
    static const char *const names[] = {"resnet50", NULL};
    int status = EXIT_FAILURE;
    if (no_bias_open(&without_biases, names)) {
        Suite *suite = suite_create("golden_strips");
        TCase *tests = tcase_create("golden_strips");
        tcase_set_timeout(tests, 0);
        tcase_add_loop_test(tests, figures_of_section_11, 0, (int)COUNT(rows));
        suite_add_tcase(suite, tests);
        status = run_suite(suite);
    }
    no_bias_close(&without_biases);
    return status;
}
