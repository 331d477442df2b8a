/* src/plan: every planner at any mini-batch and buffer, what is refused, and iteration counts. */
#include <check.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "run.h"
#include "small_networks.h"

/* ---- All planners ---------------------------------------------------------------------------- */

static const char *const networks[] = {chain, residual, norm,  wide,  branch,   crowded,
                                       pair,  single,   heavy, large, lone_norm};

/* Runs on every network, in training and inference, with batch norms kept and replaced. */
static void run_all(mbs_planner planner, int64_t batch, int64_t buffer_bytes)
{
    for (size_t i = 0; i < COUNT(networks); i++)
        for (int flags = 0; flags < 4; flags++) {
            task t = make_task(networks[i], flags, planner, batch, buffer_bytes);
            mbs_free(run(&t, NULL));
        }
}

START_TEST(all_batches_and_buffers)
{
    static const int64_t batches[] = {1, 2, 97, 100000, MBS_MAX_BATCH};
    static const int64_t buffers[] = {4096, 5000, 1 << 20, INT64_C(1) << 62, INT64_MAX};
    for (size_t i = 0; i < COUNT(batches); i++)
        for (size_t j = 0; j < COUNT(buffers); j++) {
            /* in a small buffer the replay of a million samples takes long */
            if (batches[i] < 1000 || buffers[j] > 5000)
                run_all((mbs_planner)_i, batches[i], buffers[j]);
        }
}
END_TEST

/* 2 samples of 2000 bytes fit: 97 are 49 times 2, 100000 are 50000. */
START_TEST(many_samples)
{
    task t = make_task(chain, INFERENCE, MBS_PLANNER_MBS_FS, 97, 4096);
    char *found = run(&t, NULL);
    ck_assert_str_eq(found, "0-2:49sss | c:0-1 r:1-2 |");
    mbs_free(found);
    t.options.batch = 100000;
    found = run(&t, NULL);
    ck_assert_str_eq(found, "0-2:50000sss | c:0-1 r:1-2 |");
    mbs_free(found);
}
END_TEST

/* What the hardware reserves is not there to plan with; no buffer given is the hardware's. */
START_TEST(reserved_bytes)
{
    for (size_t i = 0; i < COUNT(networks); i++) {
        task t = make_task(networks[i], 0, (mbs_planner)_i, 5, 6000);
        int64_t totals[3];
        char *plan = run(&t, &totals[0]);
        t.options.buffer_bytes = 6000 + 12345;
        t.hardware.reserved_bytes = 12345;
        char *reserved = run(&t, &totals[1]);
        t.options.buffer_bytes = 0;
        t.hardware.buffer_bytes = 6000 + 12345;
        char *from_hardware = run(&t, &totals[2]);
        ck_assert_str_eq(plan, reserved);
        ck_assert_str_eq(plan, from_hardware);
        ck_assert_int_eq(totals[0], totals[1]);
        ck_assert_int_eq(totals[0], totals[2]);
        mbs_free(plan);
        mbs_free(reserved);
        mbs_free(from_hardware);
    }
}
END_TEST

START_TEST(norm_passes_of_the_hardware)
{
    static const char whole[] =
        INPUT("5") CONV("c", "x", "5") LAYER("n", "c", "'op':'norm','kind':'instance'");
    task t = make_task(whole, INFERENCE, MBS_PLANNER_BASELINE, 3, 4096);
    int64_t total;
    t.hardware.norm_passes = 7;
    char *found = run(&t, &total);
    ck_assert_str_eq(found, "0-0:1p1 1-1:1p7 | |");
    /* c and the norm read 5000 bytes once and 7 times and write them; 25 and 10 weights */
    ck_assert_int_eq(total, 3 * (8 * 5000 + 2 * 5000) + 50 + 20);
    mbs_free(found);
    /* in inference a batch norm has its statistics, whether it is kept or not */
    for (int keep = 0; keep <= KEEP; keep += KEEP) {
        t = make_task(large, INFERENCE | keep, MBS_PLANNER_BASELINE, 3, 4096);
        t.hardware.norm_passes = 7;
        found = run(&t, &total);
        ck_assert_str_eq(found, "0-0:1p1 1-1:1p1 | |");
        ck_assert_int_eq(total, 3 * (2 * 5000 + 2 * 5000) + 50 + 20);
        mbs_free(found);
    }
}
END_TEST

/* ---- What is refused ------------------------------------------------------------------------- */

typedef struct refusal {
    int64_t batch;
    int64_t buffer_bytes;
    int64_t reserved_bytes;
    int64_t norm_passes;
    mbs_status status;
    const char *word; /* in the message */
} refusal;

static const refusal refusals[] = {
    {0, 4096, 0, 2, MBS_ERR_INPUT, "mini-batch"},
    {-1, 4096, 0, 2, MBS_ERR_INPUT, "-1"},
    {MBS_MAX_BATCH + 1, 4096, 0, 2, MBS_ERR_INPUT, "1000001"},
    {INT64_MAX, 4096, 0, 2, MBS_ERR_INPUT, "mini-batch"},
    {1, 4095, 0, 2, MBS_ERR_INPUT, "4095"},
    {1, 1, 0, 2, MBS_ERR_INPUT, "4096"},
    {1, -1, 0, 2, MBS_ERR_INPUT, "-1"},
    {1, INT64_MIN, 0, 2, MBS_ERR_INPUT, "buffer"},
    {1, 8192, 4097, 2, MBS_ERR_INPUT, "4097"},
    {1, 8192, 4096, 2, MBS_OK, NULL},
    {1, 8192, INT64_MAX, 2, MBS_ERR_INPUT, "reserve"},
    {1, 8192, -1, 2, MBS_ERR_INPUT, "reserved_bytes"},
    {1, 8192, 0, 0, MBS_ERR_INPUT, "norm_passes"},
};

START_TEST(refused)
{
    const refusal *c = &refusals[_i];
    mbs_program *program = build(chain, 0);
    for (int planner = 0; planner < PLANNERS; planner++) {
        task t = make_task(chain, 0, (mbs_planner)planner, c->batch, c->buffer_bytes);
        mbs_plan *plan;
        t.hardware.reserved_bytes = c->reserved_bytes;
        t.hardware.norm_passes = c->norm_passes;
        mbs_error_clear(&error);
        ck_assert_int_eq(mbs_plan_create(&plan, program, &t.hardware, &t.options, &error),
                         c->status);
        ck_assert_uint_eq(error.count, c->status == MBS_OK ? 0 : 1);
        ck_assert((plan != NULL) == (c->status == MBS_OK));
        if (c->word != NULL)
            ck_assert_msg(strstr(error.message[0], c->word) != NULL, "%s", error.message[0]);
        mbs_plan_free(plan);
    }
    mbs_program_free(program);
}
END_TEST

/* No limit is less than none at all, and what is no number is none. */
START_TEST(limits_refused)
{
    static const double wrong[] = {-1, -0.001, NAN};
    mbs_program *program = build(chain, 0);
    mbs_plan *plan;
    for (size_t i = 0; i < 2 * COUNT(wrong); i++) {
        task t = make_task(chain, 0, MBS_PLANNER_ILP, 2, 4096);
        *(i % 2 == 0 ? &t.options.time_limit_s : &t.options.gap_percent) = wrong[i / 2];
        mbs_error_clear(&error);
        ck_assert_int_eq(mbs_plan_create(&plan, program, &t.hardware, &t.options, &error),
                         MBS_ERR_INPUT);
        ck_assert_ptr_null(plan);
        ck_assert_ptr_nonnull(strstr(error.message[0], "expected at least 0"));
    }
    mbs_program_free(program);
}
END_TEST

START_TEST(recomputing_refused)
{
    static const char source[] =
        "{\"format\":\"mbsopt-network/"
        "1\",\"name\":\"n\",\"inputs\":[{\"name\":\"x\",\"shape\":[3]}],"
        "\"layers\":[{\"name\":\"r\",\"op\":\"relu\",\"inputs\":[\"x\"]}]}";
    const mbs_program_options program_options = MBS_PROGRAM_OPTIONS_INIT;
    mbs_recompute_options recompute = MBS_RECOMPUTE_OPTIONS_INIT;
    task t = make_task(chain, 0, MBS_PLANNER_DP, 2, 4096);
    mbs_network *network;
    mbs_plan *plan;
    ck_assert_int_eq(mbs_network_load_text(&network, source, strlen(source), "n", &error), MBS_OK);
    for (int i = 0; i < 3; i++) {
        const mbs_recompute policies[] = {MBS_RECOMPUTE_COUNT, MBS_RECOMPUTE_AUTO,
                                          MBS_RECOMPUTE_AUTO};
        const double percents[] = {10, -1, NAN};
        recompute.recompute = policies[i];
        recompute.max_percent = percents[i];
        mbs_error_clear(&error);
        ck_assert_int_eq(mbs_plan_create_recompute(&plan, network, &program_options, &t.hardware,
                                                   &t.options, &recompute, &error),
                         i == 0 ? MBS_ERR_ARGUMENT : MBS_ERR_INPUT);
        ck_assert_ptr_null(plan);
        ck_assert_uint_eq(error.count, 1);
    }
    mbs_network_free(network);
}
END_TEST

/* A program of other words than the hardware's would be planned with wrong sizes. */
START_TEST(words_of_other_hardware)
{
    mbs_program *program = build(chain, 0);
    for (int word = 0; word < 5; word++) {
        task t = make_task(chain, 0, (mbs_planner)_i, 2, 4096);
        int64_t *words[] = {&t.hardware.bits.activation, &t.hardware.bits.weight,
                            &t.hardware.bits.accumulator, &t.hardware.bits.mask};
        mbs_plan *plan;
        if (word < 4)
            *words[word] = 9;
        mbs_error_clear(&error);
        ck_assert_int_eq(mbs_plan_create(&plan, program, &t.hardware, &t.options, &error),
                         word < 4 ? MBS_ERR_ARGUMENT : MBS_OK);
        ck_assert((plan != NULL) == (word == 4));
        if (word < 4) {
            ck_assert_ptr_nonnull(strstr(error.message[0], "words of 16, 16, 32 and 1 bits"));
            ck_assert_ptr_nonnull(strstr(error.message[0], word == 0   ? "has 9, 16, 32 and 1"
                                                           : word == 1 ? "has 16, 9, 32 and 1"
                                                           : word == 2 ? "has 16, 16, 9 and 1"
                                                                       : "has 16, 16, 32 and 9"));
        }
        mbs_plan_free(plan);
    }
    mbs_program_free(program);
}
END_TEST

/* Planners that do not know what statistics couple are refused a split program. */
START_TEST(norms_in_two_steps)
{
    mbs_program *program = build(large, KEEP | SPLIT);
    task t = make_task(large, 0, (mbs_planner)_i, 2, 1 << 20);
    const bool refuses =
        _i == MBS_PLANNER_MBS_FS || _i == MBS_PLANNER_MBS1 || _i == MBS_PLANNER_MBS2;
    mbs_plan *plan;
    mbs_error_clear(&error);
    ck_assert_int_eq(mbs_plan_create(&plan, program, &t.hardware, &t.options, &error),
                     refuses ? MBS_ERR_ARGUMENT : MBS_OK);
    ck_assert(refuses == (error.count > 0 && strstr(error.message[0], "split_norms") != NULL));
    mbs_plan_free(plan);
    mbs_program_free(program);
}
END_TEST

/* 2^49 elements: 2^50 bytes; with one sample all is well, a million are 2^70 bytes. */
START_TEST(more_than_64_bits)
{
    static const char huge[] =
        "{'name':'x','shape':[16777216,33554432]}],'layers':[" RELU("r", "x");
    mbs_program *program = build(huge, 0);
    task t = make_task(huge, 0, (mbs_planner)_i, MBS_MAX_BATCH, 4096);
    mbs_plan *plan;
    ck_assert_int_eq(mbs_plan_create(&plan, program, &t.hardware, &t.options, &error),
                     MBS_ERR_INPUT);
    ck_assert_ptr_null(plan);
    ck_assert_msg(strstr(error.message[0], "test") != NULL, "%s", error.message[0]);
    mbs_program_free(program);
    t.options.batch = 1;
    mbs_free(run(&t, NULL));
}
END_TEST

START_TEST(planner_names)
{
    static const char *const names[] = {"baseline", "archopt", "il", "mbs-fs",
                                        "mbs1",     "mbs2",    "dp"};
    mbs_planner planner;
    ck_assert_uint_eq(COUNT(names), PLANNERS);
    for (int i = 0; i < PLANNERS; i++) {
        ck_assert_str_eq(mbs_planner_name((mbs_planner)i), names[i]);
        ck_assert_int_eq(mbs_planner_from_name(&planner, names[i], &error), MBS_OK);
        ck_assert_int_eq(planner, i);
    }
    ck_assert_ptr_null(mbs_planner_name(MBS_PLANNER_COUNT));
    mbs_error_clear(&error);
    ck_assert_int_eq(mbs_planner_from_name(&planner, "DP", &error), MBS_ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(error.message[0], "mbs-fs"));
    task t = make_task(chain, 0, MBS_PLANNER_COUNT, 1, 4096);
    mbs_program *program = build(chain, 0);
    mbs_plan *plan;
    ck_assert_int_eq(mbs_plan_create(&plan, program, &t.hardware, &t.options, &error),
                     MBS_ERR_ARGUMENT);
    ck_assert_ptr_null(plan);
    mbs_program_free(program);
}
END_TEST

/* ---- Iteration counts ------------------------------------------------------------------------ */

static void check_candidates(int64_t batch)
{
    candidates list;
    int32_t count = 0;
    int64_t last = 0;
    ck_assert_int_eq(candidates_create(&list, batch, &error), MBS_OK);
    for (int64_t b = batch; b >= 1; b--) {
        int64_t iterations = (batch + b - 1) / b;
        if (iterations == last)
            continue;
        ck_assert_int_lt(count, list.count);
        ck_assert_int_eq(list.iterations[count], iterations);
        ck_assert_int_eq(list.sub_batch[count], (batch + iterations - 1) / iterations);
        last = iterations;
        count++;
    }
    ck_assert_int_eq(list.count, count);
    candidates_free(&list);
}

START_TEST(candidate_iterations)
{
    static const int64_t batches[] = {4096, 65535, 99991, 100000, 999983, MBS_MAX_BATCH};
    for (int64_t batch = 1; batch <= 1000; batch++)
        check_candidates(batch);
    for (size_t i = 0; i < COUNT(batches); i++)
        check_candidates(batches[i]);
}
END_TEST

START_TEST(fewest_iterations)
{
    for (int64_t batch = 1; batch <= 60; batch++)
        for (int64_t samples = 1; samples <= 70; samples++) {
            int64_t iterations = smallest_iterations(batch, samples);
            ck_assert_int_le((batch + iterations - 1) / iterations, samples);
            if (iterations > 1)
                ck_assert_int_gt((batch + iterations - 2) / (iterations - 1), samples);
        }
    ck_assert_int_eq(smallest_iterations(MBS_MAX_BATCH, INT64_MAX), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("plan inputs");
    TCase *tests = tcase_create("plan inputs");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, all_batches_and_buffers, 0, PLANNERS);
    tcase_add_test(tests, many_samples);
    tcase_add_loop_test(tests, reserved_bytes, 0, PLANNERS);
    tcase_add_test(tests, norm_passes_of_the_hardware);
    tcase_add_loop_test(tests, refused, 0, (int)COUNT(refusals));
    tcase_add_test(tests, limits_refused);
    tcase_add_test(tests, recomputing_refused);
    tcase_add_loop_test(tests, more_than_64_bits, 0, PLANNERS);
    tcase_add_loop_test(tests, words_of_other_hardware, 0, PLANNERS);
    tcase_add_loop_test(tests, norms_in_two_steps, 0, MBS_PLANNER_COUNT);
    tcase_add_test(tests, planner_names);
    tcase_add_test(tests, candidate_iterations);
    tcase_add_test(tests, fewest_iterations);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
