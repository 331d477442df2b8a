/* cost/footprint: what plans made by hand need of the buffer, counted by hand. */
#include <check.h>

#include "cost/footprint.h"
#include "run.h"
#include "tiny_plan.h"

/* Samples 0 to 2 of 10: a sub-batch of 3 in 4 iterations. */
static int64_t peak_of(int32_t first, int32_t end)
{
    const mbs_group group = {
        .first = first, .end = end, .iterations = 4, .sub_batch = 3, .strips = 1, .passes = 1};
    return plan_group_peak(plan, &group);
}

START_TEST(staged_operands)
{
    ck_assert_int_eq(peak_of(2, 3), 3 * (64 + 64 + 4));
    ck_assert_int_eq(peak_of(3, 4), 3 * (64 + 6)); /* its 192 bytes of weights pass through */
    ck_assert_int_eq(peak_of(0, 4), 3 * 132);
    ck_assert_int_eq(peak_of(4, 7), 3 * 70);
    ck_assert_int_eq(peak_of(0, 10), 3 * 192); /* n.bwd */
    /* an operand that stays takes no more room than one that passes, also if it stays twice */
    stay(GY, 4, 5);
    stay(GY, 5, 6);
    ck_assert_int_eq(peak_of(4, 7), 3 * 70);
}
END_TEST

START_TEST(crossing_tensors)
{
    stay("c", 1, 8);
    /* over r (64+64+4), as over r.bwd; at n.bwd it is an operand */
    ck_assert_int_eq(peak_of(0, 10), 3 * (132 + 64));
    stay(X, 0, 9);
    ck_assert_int_eq(peak_of(0, 10), 3 * (132 + 64 + 64));
    stay(MASK, 2, 7);
    stay("r", 3, 5);
    /* those cross smaller steps only, loss (6+6) with all four over it among them */
    ck_assert_int_eq(peak_of(0, 10), 3 * (132 + 64 + 64));
    plan->mode[2] = plan->mode[7] = MBS_STREAMED;
    /* r and r.bwd now need 64+64+4 for c, x and mask; loss 12 + 3·64 + 4, n.bwd 192 + 64 */
    ck_assert_int_eq(peak_of(0, 10), 3 * (192 + 64));
}
END_TEST

static void stream_all(void)
{
    for (int32_t k = 0; k < program->step_count; k++)
        plan->mode[k] = MBS_STREAMED;
}

START_TEST(streamed_operands)
{
    stream_all();
    ck_assert_int_eq(peak_of(3, 4), 192);
    ck_assert_int_eq(peak_of(5, 6), 384);
    ck_assert_int_eq(peak_of(7, 8), 0);
    stay("r", 2, 3); /* 3·64 at both ends, and y's weights */
    ck_assert_int_eq(peak_of(2, 4), 192 + 3 * 64);
    stay(GR, 6, 7);
    ck_assert_int_eq(peak_of(6, 8), 192 + 3 * 64);
    plan->mode[5] = MBS_STAGED; /* 3·(70 + 64) */
    stay("c", 1, 8);            /* over y, where r stays */
    ck_assert_int_eq(peak_of(1, 9), 192 + 3 * 64 + 3 * 64);
}
END_TEST

/* A streamed norm needs one sample of what does not stay. */
START_TEST(norm_statistics)
{
    stream_all();
    ck_assert_int_eq(peak_of(1, 2), 8 + 64 + 64);
    ck_assert_int_eq(peak_of(8, 9), 24 + 64 + 64 + 64);
    stay("n", 1, 2);
    ck_assert_int_eq(peak_of(1, 3), 8 + 64 + 3 * 64);
    stay(GN, 7, 8);
    stay(GC, 8, 9);
    ck_assert_int_eq(peak_of(7, 10), 24 + 64 + 3 * 128);
}
END_TEST

START_TEST(pinned_bytes_take_room)
{
    plan->pinned_weight[0] = 8;
    plan->pinned_weight[3] = 100;
    plan->pinned_accumulator[5] = 7;
    ck_assert_int_eq(peak_of(0, 4), 3 * 132 + 108);
    ck_assert_int_eq(peak_of(5, 7), 3 * 70 + 7);
    /* a streamed step's own count twice */
    plan->mode[3] = MBS_STREAMED;
    ck_assert_int_eq(peak_of(3, 4), 192 + 100);
}
END_TEST

START_TEST(in_passes_no_room)
{
    plan->mode[8] = MBS_PASSES;
    ck_assert_int_eq(peak_of(8, 9), 0);
}
END_TEST

START_TEST(capacity)
{
    plan->reserved_bytes = 1000;
    ck_assert_int_eq(plan_capacity(plan), (1 << 20) - 1000);
}
END_TEST

/* ---- How often a step in passes reads -------------------------------------------------------- */

typedef struct passes_case {
    int32_t step;
    int64_t capacity;
    int64_t norm_passes;
    int64_t passes;
} passes_case;

static const passes_case passes_cases[] = {
    {5, 384, 5, 1}, /* 384 bytes of accumulators; norm_passes is for norms */
    {5, 383, 5, 2}, {5, 128, 1, 3}, {5, 127, 1, 4}, {5, 1, 1, 384},
    {2, 1, 9, 1},                                                 /* no parameters */
    {1, 8, 1, 1},   {1, 8, 2, 2},   {1, 8, 7, 7},                 /* norm: 8 bytes */
    {1, 4, 1, 2},   {1, 2, 3, 4},   {1, 3, 3, 3},   {1, 1, 3, 8}, /* the larger of both */
    {8, 24, 2, 2},  {8, 23, 1, 2},  {8, 12, 3, 3},  {8, 5, 2, 5}, /* norm.bwd: 8 + 16 */
};

START_TEST(reads_in_passes)
{
    const passes_case *c = &passes_cases[_i];
    ck_assert_int_eq(step_passes(&program->steps[c->step], c->capacity, c->norm_passes), c->passes);
}
END_TEST

START_TEST(parameters_of_streamed_steps)
{
    ck_assert_int_eq(step_parameter_bytes(&program->steps[3]), 192);
    ck_assert_int_eq(step_parameter_bytes(&program->steps[8]), 24);
    ck_assert_int_eq(step_parameter_bytes(&program->steps[2]), 0);
}
END_TEST

/* ---- The smallest I of a step ---------------------------------------------------------------- */

typedef struct smallest_case {
    size_t step;
    int64_t batch;
    int64_t buffer_bytes;
    int64_t iterations;
} smallest_case;

/* Step 2 has 132 bytes a sample, step 3 70. */
static const smallest_case smallest_cases[] = {
    {2, 10, 1320, 1},
    {2, 10, 1319, 2}, /* 9 samples: 5 and 5 */
    {2, 10, 396, 4},  /* 3 */
    {2, 10, 395, 5},  /* 2 */
    {2, 10, 132, 10},
    {2, 10, 131, 0},
    {2, 1, 132, 1},
    {3, 97, 70 * 50, 2},
    {3, 100000, INT64_C(1) << 62, 1},
    {3, MBS_MAX_BATCH, 70, MBS_MAX_BATCH},
};

START_TEST(smallest_iterations_of_a_step)
{
    const smallest_case *c = &smallest_cases[_i];
    int64_t iterations = -1;
    ck_assert_int_eq(
        mbs_step_smallest_iterations(program, c->step, c->batch, c->buffer_bytes, &iterations),
        MBS_OK);
    ck_assert_int_eq(iterations, c->iterations);
}
END_TEST

/* A kept batch norm runs on the whole mini-batch or in passes: 10·128 bytes. */
START_TEST(smallest_iterations_of_a_batch_norm)
{
    mbs_program *kept = build(0, 1);
    int64_t iterations = -1;
    ck_assert_int_eq(mbs_step_smallest_iterations(kept, 1, 10, 1280, &iterations), MBS_OK);
    ck_assert_int_eq(iterations, 1);
    ck_assert_int_eq(mbs_step_smallest_iterations(kept, 1, 10, 1279, &iterations), MBS_OK);
    ck_assert_int_eq(iterations, 0);
    ck_assert_int_eq(mbs_step_smallest_iterations(kept, 0, 10, 1279, &iterations), MBS_OK);
    ck_assert_int_eq(iterations, 2);
    mbs_program_free(kept);
}
END_TEST

START_TEST(smallest_iterations_misused)
{
    int64_t iterations;
    ck_assert_int_eq(mbs_step_smallest_iterations(program, 10, 10, 4096, &iterations),
                     MBS_ERR_ARGUMENT);
    ck_assert_int_eq(mbs_step_smallest_iterations(program, 0, 0, 4096, &iterations),
                     MBS_ERR_ARGUMENT);
    ck_assert_int_eq(mbs_step_smallest_iterations(program, 0, 10, 0, &iterations),
                     MBS_ERR_ARGUMENT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("footprint");
    TCase *tests = tcase_create("footprint");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, staged_operands);
    tcase_add_test(tests, crossing_tensors);
    tcase_add_test(tests, streamed_operands);
    tcase_add_test(tests, norm_statistics);
    tcase_add_test(tests, pinned_bytes_take_room);
    tcase_add_test(tests, in_passes_no_room);
    tcase_add_test(tests, capacity);
    tcase_add_loop_test(tests, reads_in_passes, 0, (int)COUNT(passes_cases));
    tcase_add_test(tests, parameters_of_streamed_steps);
    tcase_add_loop_test(tests, smallest_iterations_of_a_step, 0, (int)COUNT(smallest_cases));
    tcase_add_test(tests, smallest_iterations_of_a_batch_norm);
    tcase_add_test(tests, smallest_iterations_misused);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
