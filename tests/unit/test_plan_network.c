/* src/verify/plan_network.c: one call plans what program and plan calls plan, with the machine's
 * word sizes. */
#include <check.h>
#include <math.h>
#include <stdbool.h>

#include "mbsopt/mbsopt.h"
#include "run.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static mbs_network *load(const char *name)
{
    mbs_network *network;
    mbs_error error;
    mbs_error_clear(&error);
    must_succeed(
        mbs_network_load_file(&network, source_path("models/networks/%s.json", name), &error),
        &error, name);
    return network;
}

static mbs_options small_options(mbs_planner planner, int flags)
{
    mbs_options options = MBS_OPTIONS_INIT;
    options.planner = planner;
    options.batch = 4;
    options.buffer_bytes = INT64_C(1) << 20;
    options.inference = flags & 1;
    options.keep_batch_norm = flags >> 1 & 1;
    options.no_pin = flags >> 2 & 1;
    options.no_stream = flags >> 3 & 1;
    options.time_limit_s = 0;
    return options;
}

/* The plan file of the same by program and plan; the caller's (mbs_free). */
static char *by_program(const mbs_network *network, const mbs_hardware *hardware,
                        const mbs_options *of)
{
    const bool keeps = of->planner == MBS_PLANNER_BASELINE || of->planner == MBS_PLANNER_ARCHOPT;
    const int fusion = (of->inference && !of->no_fold ? MBS_FUSE_PRODUCTS : 0) |
                       (of->fuse ? MBS_FUSE_NORMS : 0) |
                       (of->fuse && !of->inference ? MBS_FUSE_SUMS : 0);
    mbs_program_options program_options = MBS_PROGRAM_OPTIONS_INIT;
    mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
    const mbs_recompute_options recompute = {of->recompute, of->max_recompute_percent, 0,
                                             of->effort};
    mbs_plan *plan;
    char *text;
    mbs_error error;
    mbs_error_clear(&error);
    program_options.inference = of->inference;
    program_options.keep_batch_norm = of->keep_batch_norm || keeps;
    program_options.bits = hardware->bits;
    options.planner = of->planner;
    options.batch = of->batch;
    options.buffer_bytes = of->buffer_bytes;
    options.no_pin = of->no_pin;
    options.no_stream = of->no_stream;
    options.time_limit_s = of->time_limit_s;
    options.objective = of->objective;
    options.order = of->order;
    mbs_network *fused; /* a copy as it is where nothing is to be */
    must_succeed(mbs_network_fuse(&fused, network, fusion, &error), &error, "fuse");
    must_succeed(mbs_plan_create_recompute(&plan, fused, &program_options, hardware, &options,
                                           &recompute, &error),
                 &error, "by program");
    mbs_network_free(fused);
    must_succeed(mbs_plan_to_json(&text, plan, &error), &error, "to JSON");
    mbs_plan_free(plan);
    return text;
}

static void compare(const mbs_network *network, const mbs_hardware *hardware,
                    const mbs_options *options)
{
    mbs_plan *plan;
    char *text;
    mbs_error error;
    mbs_error_clear(&error);
    must_succeed(mbs_plan_network(&plan, network, hardware, options, &error), &error, "door");
    must_succeed(mbs_plan_to_json(&text, plan, &error), &error, "to JSON");
    char *expected = by_program(network, hardware, options);
    ck_assert_str_eq(text, expected);
    mbs_free(expected);
    mbs_free(text);
    mbs_plan_free(plan);
}

START_TEST(the_same_plan_as_step_by_step)
{
    mbs_hardware hardware;
    mbs_network *network = load("alexnet");
    mbs_hardware_wavecore(&hardware);
    for (int flags = 0; flags < 16; flags++) {
        const mbs_options options = small_options((mbs_planner)_i, flags);
        compare(network, &hardware, &options);
    }
    mbs_network_free(network);
}
END_TEST

/* Of the network as it is and with what the options fuse: each other figures. */
START_TEST(fused_as_the_options_say)
{
    mbs_hardware hardware;
    mbs_network *network = load("resnet18");
    mbs_hardware_wavecore(&hardware);
    for (int flags = 0; flags < 8; flags++) {
        mbs_options options = small_options(MBS_PLANNER_MBS2, flags & 3);
        options.inference = flags & 1;
        options.no_fold = flags >> 1 & 1;
        options.fuse = flags >> 2 & 1;
        compare(network, &hardware, &options);
    }
    mbs_network_free(network);
}
END_TEST

START_TEST(objectives_and_recomputing)
{
    mbs_hardware hardware;
    mbs_network *network = load("resnet18");
    mbs_hardware_wavecore(&hardware);
    for (int choice = 0; choice < 3; choice++) {
        mbs_options options = small_options(MBS_PLANNER_DP, 0);
        options.objective = (mbs_objective)choice;
        compare(network, &hardware, &options);
        options.objective = MBS_TRAFFIC;
        options.recompute = (mbs_recompute)choice;
        compare(network, &hardware, &options);
    }
    mbs_network_free(network);
}
END_TEST

static int64_t total_with_bits(const mbs_network *network, mbs_word_bits bits)
{
    mbs_hardware hardware;
    mbs_plan *plan;
    mbs_traffic traffic;
    mbs_error error;
    const mbs_options options = MBS_OPTIONS_INIT;
    mbs_error_clear(&error);
    mbs_hardware_wavecore(&hardware);
    hardware.bits = bits;
    must_succeed(mbs_plan_network(&plan, network, &hardware, &options, &error), &error, "bits");
    mbs_plan_traffic(plan, &traffic);
    mbs_plan_free(plan);
    return traffic.total;
}

/* Half the words in twice the buffer's samples: far below half of the bytes cannot be, nor above.
 */
START_TEST(word_sizes_are_the_machines)
{
    mbs_network *network = load("resnet50");
    const int64_t words_of_16 = total_with_bits(network, (mbs_word_bits){16, 16, 32, 1});
    const int64_t words_of_8 = total_with_bits(network, (mbs_word_bits){8, 8, 32, 1});
    ck_assert_int_lt(words_of_8, words_of_16 / 2 + words_of_16 / 20);
    ck_assert_int_gt(words_of_8, words_of_16 / 4);
    mbs_network_free(network);
}
END_TEST

START_TEST(what_is_wrong_is_said)
{
    mbs_hardware hardware;
    mbs_network *network = load("alexnet");
    mbs_plan *plan = NULL;
    mbs_error error;
    mbs_options options = MBS_OPTIONS_INIT;
    mbs_hardware_wavecore(&hardware);
    mbs_error_clear(&error);
    options.batch = 0;
    ck_assert_int_eq(mbs_plan_network(&plan, network, &hardware, &options, &error), MBS_ERR_INPUT);
    ck_assert_ptr_null(plan);
    ck_assert_str_eq(error.message[0], "mini-batch 0: expected 1 to 1000000 samples");
    mbs_error_clear(&error);
    options.batch = 1;
    options.planner = MBS_PLANNER_COUNT;
    ck_assert_int_eq(mbs_plan_network(&plan, network, &hardware, &options, &error),
                     MBS_ERR_ARGUMENT);
    ck_assert_ptr_null(plan);
    ck_assert_int_eq(mbs_plan_network(&plan, NULL, &hardware, &options, NULL), MBS_ERR_ARGUMENT);
    mbs_network_free(network);
}
END_TEST

/* A machine is a plain value, which a caller may have made anything of. */
START_TEST(machines_are_checked)
{
    static const char *const expected[] = {
        "hardware: clock_hz: found 0, expected 1 to 1000000000000",
        "hardware: energy.mac_pj: found nan, expected a number from 0 to 1e9",
        "hardware: activation_bits: found -8, expected 1 to 64",
        "hardware: memory.dram_efficiency: found -0.5, expected a number from 0 to 1",
        "hardware: cycle_model: there is no model 9",
        "hardware: overlap: there is no model 3",
        "hardware: buffer_alignment_bytes: found 3, expected a power of 2"};
    mbs_hardware machines[COUNT(expected)];
    mbs_network *network = load("alexnet");
    const mbs_options options = small_options(MBS_PLANNER_DP, 0);
    for (size_t i = 0; i < COUNT(expected); i++)
        mbs_hardware_wavecore(&machines[i]);
    machines[0].clock_hz = 0;
    machines[1].mac_pj = NAN;
    machines[2].bits.activation = -8;
    machines[3].dram_efficiency = -0.5;
    machines[4].cycle_model = (mbs_cycle_model)9;
    machines[5].overlap = (mbs_overlap)3;
    machines[6].buffer_alignment_bytes = 3;
    for (size_t i = 0; i < COUNT(expected); i++) {
        mbs_plan *plan = NULL;
        mbs_error error;
        mbs_error_clear(&error);
        ck_assert_int_eq(mbs_plan_network(&plan, network, &machines[i], &options, &error),
                         MBS_ERR_INPUT);
        ck_assert_ptr_null(plan);
        ck_assert_str_eq(error.message[0], expected[i]);
    }
    mbs_network_free(network);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("plan_network");
    TCase *tests = tcase_create("door");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, the_same_plan_as_step_by_step, 0, MBS_PLANNER_COUNT);
    tcase_add_test(tests, fused_as_the_options_say);
    tcase_add_test(tests, objectives_and_recomputing);
    tcase_add_test(tests, word_sizes_are_the_machines);
    tcase_add_test(tests, what_is_wrong_is_said);
    tcase_add_test(tests, machines_are_checked);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
