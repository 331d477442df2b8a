/* src/cost: what plans made by hand move and need of the buffer, counted by hand. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "cost/footprint.h"
#include "cost/traffic.h"
#include "mbsopt/mbsopt.h"
#include "plan/planner.h"
#include "run.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define BATCH        10

/*
 * Bytes per sample: x, c, n, r and the gradients gr, gn, gc 64 each, mask 4, y and gy 6.
 *
 *  0 c        x -> c             weights 8
 *  1 n        c -> n             weights 8, a norm
 *  2 r        n -> r, mask
 *  3 y        r -> y             weights 192 (32·3 elements)
 *  4 loss     y -> gy
 *  5 y.wgrad  r, gy ->           accumulators 384
 *  6 y.dgrad  gy -> gr           weights 192
 *  7 r.bwd    gr, mask -> gn
 *  8 n.bwd    gn, c -> gc        weights 8, accumulators 16, a norm
 *  9 c.wgrad  x, gc ->           accumulators 16
 */
static const char network_text[] =
    "{\"format\":\"mbsopt-network/1\",\"name\":\"tiny\","
    "\"inputs\":[{\"name\":\"x\",\"shape\":[2,4,4]}],\"layers\":["
    "{\"name\":\"c\",\"op\":\"conv\",\"inputs\":[\"x\"],\"out_channels\":2,\"kernel\":1},"
    "{\"name\":\"n\",\"op\":\"norm\",\"kind\":\"batch\",\"inputs\":[\"c\"]},"
    "{\"name\":\"r\",\"op\":\"relu\",\"inputs\":[\"n\"]},"
    "{\"name\":\"y\",\"op\":\"fc\",\"inputs\":[\"r\"],\"out_features\":3}]}";

#define X    "x"
#define MASK "r.mask"
#define GY   "y.grad@loss"
#define GR   "r.grad@y"
#define GN   "n.grad@r"
#define GC   "c.grad@n"

static mbs_error error;
static mbs_program *program;
static mbs_plan *plan;

static mbs_program *build(int inference, int keep_batch_norm)
{
    mbs_program_options options = MBS_PROGRAM_OPTIONS_INIT;
    mbs_network *network;
    mbs_program *result;
    options.inference = inference;
    options.keep_batch_norm = keep_batch_norm;
    mbs_error_clear(&error);
    ck_assert_int_eq(
        mbs_network_load_text(&network, network_text, strlen(network_text), "tiny", &error),
        MBS_OK);
    ck_assert_int_eq(mbs_program_create(&result, network, &options, &error), MBS_OK);
    mbs_network_free(network);
    return result;
}

static void open_plan(int inference)
{
    program = build(inference, 0);
    plan = plan_allocate(program, "hand");
    ck_assert_ptr_nonnull(plan);
    plan->batch = BATCH;
    plan->buffer_bytes = 1 << 20;
    plan->norm_passes = 2;
}

static void setup(void)
{
    open_plan(0);
}

static void teardown(void)
{
    mbs_plan_free(plan);
    mbs_program_free(program);
}

/* The tensor stays from step `from` to step `to`, which must be its next touch. */
static void stay(const char *tensor, int32_t from, int32_t to)
{
    for (int32_t t = 0; t < program->touch_count; t++) {
        const mbs_touch *touch = &program->touches[t];
        if (touch->step != from || strcmp(program->tensors[touch->tensor].name, tensor) != 0)
            continue;
        ck_assert_int_ge(touch->next, 0);
        ck_assert_int_eq(program->touches[touch->next].step, to);
        plan->resident[t] = true;
        return;
    }
    ck_abort_msg("step %d does not touch %s", from, tensor);
}

static void lone_steps(void)
{
    for (int32_t k = 0; k < program->step_count; k++)
        plan_add_group(plan, k, k + 1, 1);
}

static void check_traffic(mbs_traffic found, int64_t read, int64_t written, int64_t weights,
                          int64_t accumulators)
{
    ck_assert_int_eq(found.activation_read, read);
    ck_assert_int_eq(found.activation_write, written);
    ck_assert_int_eq(found.weight_read, weights);
    ck_assert_int_eq(found.weight_gradient, accumulators);
    ck_assert_int_eq(found.total, read + written + weights + accumulators);
}

/* ---- Traffic --------------------------------------------------------------------------------- */

/*
 * Per sample all reads are 64·4 + 6 + (64+6) + 6 + (64+4) + (64+64) + (64+64) = 662; all writes are
 * 7 of 64, less x, and 4, 6, 6: 400. Weights 8+8+192+192+8 = 408, accumulators 384+16+16 = 416.
 */
START_TEST(nothing_resident)
{
    lone_steps();
    check_traffic(plan_count(plan), 6620, 4000, 408, 416);
    /* 8 n.bwd: gn and c in, gc out */
    check_traffic(plan_count_group(plan, &plan->groups[8]), 1280, 640, 8, 16);
    /* 9 c.wgrad: it writes no tensor */
    check_traffic(plan_count_group(plan, &plan->groups[9]), 1280, 0, 0, 16);
    ck_assert_int_eq(step_alone_activations(program, 8, 3), 3 * 128 + 64);
    ck_assert_int_eq(step_alone_activations(program, 9, 2), 2 * 128);
}
END_TEST

typedef struct residency_case {
    const char *tensor;
    int32_t steps[4]; /* from, to; from, to */
    int intervals;
    int64_t read; /* per sample */
    int64_t written;
} residency_case;

static const residency_case residency_cases[] = {
    /* its only reader finds it */
    {"n", {1, 2}, 1, 662 - 64, 400 - 64},
    {MASK, {2, 7}, 1, 662 - 4, 400 - 4},
    /* y.wgrad still reads r from DRAM */
    {"r", {2, 3}, 1, 662 - 64, 400},
    {"r", {2, 3, 3, 5}, 2, 662 - 128, 400 - 64},
    /* the chain from its producer is broken at y, which reads it from DRAM */
    {"r", {3, 5}, 1, 662 - 64, 400},
    {GY, {5, 6}, 1, 662 - 6, 400},
    {GY, {4, 5, 5, 6}, 2, 662 - 12, 400 - 6},
    /* a network input is in DRAM all the time */
    {X, {0, 9}, 1, 662 - 64, 400},
};

START_TEST(residency)
{
    const residency_case *c = &residency_cases[_i];
    plan_add_group(plan, 0, program->step_count, 1);
    for (int i = 0; i < c->intervals; i++)
        stay(c->tensor, c->steps[2 * i], c->steps[2 * i + 1]);
    check_traffic(plan_count(plan), BATCH * c->read, BATCH * c->written, 408, 416);
}
END_TEST

/* A tensor's write counts where it is produced, a read where it happens. */
START_TEST(groups_share_the_traffic)
{
    mbs_traffic part;
    plan_add_group(plan, 0, 4, 1);
    plan_add_group(plan, 4, 10, 1);
    stay("c", 0, 1);
    stay("n", 1, 2);
    stay("r", 2, 3);
    /* x in; c (for n.bwd), r (for y.wgrad), mask and y out */
    ck_assert_int_eq(mbs_plan_group_traffic(plan, 0, &part), MBS_OK);
    check_traffic(part, 640, 10 * (64 + 64 + 4 + 6), 208, 0);
    /* in: 6 + (64+6) + 6 + (64+4) + (64+64) + (64+64); out: gy, gr, gn, gc */
    ck_assert_int_eq(mbs_plan_group_traffic(plan, 1, &part), MBS_OK);
    check_traffic(part, 4060, 10 * (6 + 3 * 64), 200, 416);
    check_traffic(plan_count(plan), 4700, 1380 + 1980, 408, 416);
    ck_assert_int_eq(mbs_plan_group_traffic(plan, 2, &part), MBS_ERR_ARGUMENT);
}
END_TEST

/* Weights are read I times; accumulators written I times and read I-1 times. */
START_TEST(several_iterations)
{
    mbs_group *forward = plan_add_group(plan, 0, 4, 4);
    mbs_group *backward = plan_add_group(plan, 4, 10, 3);
    ck_assert_int_eq(forward->sub_batch, 3);
    ck_assert_int_eq(backward->sub_batch, 4);
    check_traffic(plan_count(plan), 6620, 4000, 4 * 208 + 3 * 200, 5 * 416);
}
END_TEST

/* Pinned weights are read once, pinned accumulators written once. */
START_TEST(pinned)
{
    plan_add_group(plan, 0, 4, 4);
    plan_add_group(plan, 4, 10, 3);
    plan->pinned_weight[3] = 100;
    plan->pinned_weight[6] = 50;
    plan->pinned_accumulator[5] = 384;
    plan->pinned_accumulator[8] = 10;
    /* weights: 4·108 + 100 and 3·150 + 50; accumulators: 384 and 10 once, the 6 and 16 left 5x */
    check_traffic(plan_count(plan), 6620, 4000, 4 * 108 + 100 + 3 * 150 + 50, 394 + 5 * 22);
    ck_assert_int_eq(plan_pinned_bytes(plan, 0, 4), 100);
    ck_assert_int_eq(plan_pinned_bytes(plan, 4, 10), 444);
    ck_assert_int_eq(plan_pinned_bytes(plan, 6, 8), 50);
}
END_TEST

/* In passes only what is read is read again. */
START_TEST(passes)
{
    lone_steps();
    plan->groups[1].passes = 3; /* n: c */
    plan->groups[5].passes = 2; /* y.wgrad: r, gy */
    plan->mode[1] = plan->mode[5] = MBS_PASSES;
    check_traffic(plan_count(plan), 6620 + 2 * 640 + 700, 4000, 408, 416);
}
END_TEST

/* Inference: y, which nobody reads, is written; c, n and r stay in the buffer. No mask. */
START_TEST(kept_sinks)
{
    teardown();
    open_plan(1);
    plan_add_group(plan, 0, 4, 1);
    check_traffic(plan_count(plan), 10 * 4 * 64, 10 * (3 * 64 + 6), 208, 0);
    stay("c", 0, 1);
    stay("n", 1, 2);
    stay("r", 2, 3);
    check_traffic(plan_count(plan), 640, 60, 208, 0);
}
END_TEST

/* ---- Footprint ------------------------------------------------------------------------------- */

/* Samples 0 to 2 of 10: a sub-batch of 3 in 4 iterations. */
static int64_t peak_of(int32_t first, int32_t end)
{
    const mbs_group group = {first, end, 4, 3, 1, 0};
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

/* ---- Range ----------------------------------------------------------------------------------- */

START_TEST(range)
{
    ck_assert_int_eq(cost_check_range(program, MBS_MAX_BATCH, 4096, 1000, &error), MBS_OK);
    /* n and n.bwd read 64 + 128 bytes a sample: 2^40 times is 2^47, a million samples 2^67 */
    ck_assert_int_eq(cost_check_range(program, MBS_MAX_BATCH, 4096, INT64_C(1) << 40, &error),
                     MBS_ERR_INPUT);
    ck_assert_uint_eq(error.count, 1);
    ck_assert_ptr_nonnull(strstr(error.message[0], "tiny"));
    ck_assert_ptr_nonnull(strstr(error.message[0], "1000000"));
    mbs_error_clear(&error);
    ck_assert_int_eq(cost_check_range(program, 1, 4096, INT64_MAX, &error), MBS_ERR_INPUT);
}
END_TEST

/* ---- What a plan tells ----------------------------------------------------------------------- */

START_TEST(figures_from_outside)
{
    mbs_group_info info;
    mbs_mode mode;
    plan_add_group(plan, 0, 4, 4);
    plan_add_group(plan, 4, 10, 3);
    plan->mode[9] = MBS_STREAMED;
    plan->pinned_weight[3] = 5;
    plan->pinned_accumulator[5] = 6;
    ck_assert_uint_eq(mbs_plan_group_count(plan), 2);
    ck_assert_int_eq(mbs_plan_group(plan, 1, &info), MBS_OK);
    ck_assert_uint_eq(info.first, 4);
    ck_assert_uint_eq(info.last, 9);
    ck_assert_int_eq(info.iterations, 3);
    ck_assert_int_eq(info.sub_batch, 4);
    ck_assert_int_eq(info.passes, 1);
    ck_assert_int_eq(info.pinned_bytes, 6);
    ck_assert_int_eq(mbs_plan_group(plan, 2, &info), MBS_ERR_ARGUMENT);
    ck_assert_int_eq(mbs_plan_step_mode(plan, 9, &mode), MBS_OK);
    ck_assert_int_eq(mode, MBS_STREAMED);
    ck_assert_int_eq(mbs_plan_step_mode(plan, 8, &mode), MBS_OK);
    ck_assert_int_eq(mode, MBS_STAGED);
    ck_assert_int_eq(mbs_plan_step_mode(plan, 10, &mode), MBS_ERR_ARGUMENT);
    ck_assert_str_eq(mbs_plan_planner_name(plan), "hand");
    ck_assert_str_eq(mbs_outcome_name(MBS_OPTIMAL), "optimal");
    ck_assert_str_eq(mbs_outcome_name(MBS_FEASIBLE), "feasible");
    ck_assert_str_eq(mbs_outcome_name(MBS_HEURISTIC), "heuristic");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cost");
    TCase *tests = tcase_create("cost");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, nothing_resident);
    tcase_add_loop_test(tests, residency, 0, (int)COUNT(residency_cases));
    tcase_add_test(tests, groups_share_the_traffic);
    tcase_add_test(tests, several_iterations);
    tcase_add_test(tests, pinned);
    tcase_add_test(tests, passes);
    tcase_add_test(tests, kept_sinks);
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
    tcase_add_test(tests, range);
    tcase_add_test(tests, figures_from_outside);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
