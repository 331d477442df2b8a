/* cost/traffic: what plans made by hand move, counted by hand, and what they tell of themselves. */
#include <check.h>
#include <string.h>

#include "cost/footprint.h"
#include "cost/traffic.h"
#include "run.h"
#include "tiny_plan.h"

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

/* What the steps of a group move is what the group moves. */
START_TEST(steps_share_the_traffic)
{
    mbs_traffic part;
    mbs_traffic sum = {0};
    plan_add_group(plan, 0, 4, 1);
    plan_add_group(plan, 4, 10, 5);
    stay("c", 0, 1);
    stay("n", 1, 2);
    /* c reads x and its weights once, and writes what n.bwd reads */
    ck_assert_int_eq(mbs_plan_step_traffic(plan, 0, &part), MBS_OK);
    ck_assert_int_eq(part.activation_write, 640);
    for (size_t k = 4; k < 10; k++) {
        ck_assert_int_eq(mbs_plan_step_traffic(plan, k, &part), MBS_OK);
        ck_assert_int_eq(part.total, part.activation_read + part.activation_write +
                                         part.weight_read + part.weight_gradient);
        sum.activation_read += part.activation_read;
        sum.activation_write += part.activation_write;
        sum.weight_read += part.weight_read;
        sum.weight_gradient += part.weight_gradient;
    }
    ck_assert_int_eq(mbs_plan_group_traffic(plan, 1, &part), MBS_OK);
    ck_assert_int_eq(sum.activation_read, part.activation_read);
    ck_assert_int_eq(sum.activation_write, part.activation_write);
    ck_assert_int_eq(sum.weight_read, part.weight_read);
    ck_assert_int_eq(sum.weight_gradient, part.weight_gradient);
    ck_assert_int_eq(mbs_plan_step_traffic(plan, 10, &part), MBS_ERR_ARGUMENT);
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

/* Two cores: activations of both, all else once; or twice as much of everything. */
START_TEST(chips)
{
    mbs_traffic apart;
    mbs_traffic shared;
    lone_steps();
    plan->traffic = plan_count(plan);
    ck_assert_int_eq(mbs_plan_chip_traffic(plan, 2, &apart, &shared), MBS_OK);
    ck_assert_int_eq(apart.total, 2 * plan->traffic.total);
    ck_assert_int_eq(shared.activation_read, 2 * plan->traffic.activation_read);
    ck_assert_int_eq(shared.activation_write, 2 * plan->traffic.activation_write);
    ck_assert_int_eq(shared.weight_read, plan->traffic.weight_read);
    ck_assert_int_eq(shared.weight_gradient, plan->traffic.weight_gradient);
    ck_assert_int_eq(apart.total - shared.total,
                     plan->traffic.weight_read + plan->traffic.weight_gradient);
    ck_assert_int_eq(mbs_plan_chip_traffic(plan, 1, &apart, &shared), MBS_OK);
    ck_assert_int_eq(memcmp(&apart, &shared, sizeof apart), 0);
    ck_assert_int_eq(memcmp(&apart, &plan->traffic, sizeof apart), 0);
    ck_assert_int_eq(mbs_plan_chip_traffic(plan, 0, &apart, &shared), MBS_ERR_ARGUMENT);
    ck_assert_int_eq(mbs_plan_chip_traffic(plan, INT64_MAX, &apart, &shared), MBS_ERR_ARGUMENT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("traffic");
    TCase *tests = tcase_create("traffic");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, nothing_resident);
    tcase_add_loop_test(tests, residency, 0, (int)COUNT(residency_cases));
    tcase_add_test(tests, groups_share_the_traffic);
    tcase_add_test(tests, steps_share_the_traffic);
    tcase_add_test(tests, several_iterations);
    tcase_add_test(tests, pinned);
    tcase_add_test(tests, passes);
    tcase_add_test(tests, kept_sinks);
    tcase_add_test(tests, range);
    tcase_add_test(tests, figures_from_outside);
    tcase_add_test(tests, chips);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
