/* The verifier on what no file can say: plans corrupted in memory, and plans at the limits. */
#include <check.h>
#include <string.h>

#include "base/text.h"
#include "cost/schedule.h"
#include "hand_plans.h"
#include "mbsopt/mbsopt.h"
#include "run.h"

typedef enum place {
    TOUCH_TENSOR,
    TOUCH_STEP,
    TOUCH_COUNT,
    STEP_COUNT,
    STEP_FIRST_TOUCH,
    STEP_FIRST_WRITE,
    STEP_END,
    WEIGHT_BYTES,
    ACCUMULATOR_BYTES,
    TENSOR_BYTES
} place;

static void damage(mbs_program *p, place what, int index, int64_t value)
{
    int32_t small = (int32_t)value;
    switch (what) {
    case TOUCH_TENSOR:
        p->touches[index].tensor = small;
        break;
    case TOUCH_STEP:
        p->touches[index].step = small;
        break;
    case TOUCH_COUNT:
        p->touch_count = small;
        break;
    case STEP_COUNT:
        p->step_count = small;
        break;
    case STEP_FIRST_TOUCH:
        p->steps[index].touch_begin = small;
        break;
    case STEP_FIRST_WRITE:
        p->steps[index].write_begin = small;
        break;
    case STEP_END:
        p->steps[index].touch_end = small;
        break;
    case WEIGHT_BYTES:
        p->steps[index].weight_bytes = value;
        break;
    case ACCUMULATOR_BYTES:
        p->steps[index].accumulator_bytes = value;
        break;
    case TENSOR_BYTES:
        p->tensors[index].bytes = value;
        break;
    }
}

static const char no_fit[] = "steps, tensors and operands do not fit together [program]";

static const struct {
    place what;
    int index;
    int64_t value;
    const char *message;
} damages[] = {
    {TOUCH_TENSOR, 3, 7, no_fit},
    {TOUCH_TENSOR, 3, -1, no_fit},
    {TOUCH_STEP, 3, 0, no_fit},
    {TOUCH_COUNT, 0, 13, no_fit},
    {STEP_COUNT, 0, 0, no_fit},
    {STEP_FIRST_TOUCH, 2, 3, no_fit},
    {STEP_FIRST_WRITE, 2, 3, no_fit},
    {STEP_FIRST_WRITE, 2, 7, no_fit},
    {STEP_END, 7, 16, no_fit},
    {WEIGHT_BYTES, 3, -1, no_fit},
    {ACCUMULATOR_BYTES, 3, -1, no_fit},
    {TENSOR_BYTES, 0, -1, no_fit},
    {TOUCH_TENSOR, 9, 2,
     "step 4 \"fc.wgrad\": has tensor 2 \"norm\" twice as an operand [program]"},
    /* loss reads what norm.bwd writes three steps later */
    {TOUCH_TENSOR, 6, 6,
     "step 3 \"loss\" (group 2, iteration 0): reads samples 0 to 9 of tensor 6 \"conv.grad@norm\" "
     "from DRAM, which holds 0 of them [dram-read]"},
    {TOUCH_TENSOR, 7, 2,
     "step 3 \"loss\" (group 2, iteration 0): writes samples 0 to 9 of tensor 2 \"norm\", of which "
     "10 samples were written before [written-once]"},
    {TENSOR_BYTES, 2, INT64_MAX, "the bytes moved or held exceed 64 bits [range]"},
    {ACCUMULATOR_BYTES, 4, INT64_MAX, "[range]"},
    /* ceil of parameters over buffer, at and beside a multiple */
    {ACCUMULATOR_BYTES, 4, 8191, "are read 5 times, expected 2: it runs in passes [passes]"},
    {ACCUMULATOR_BYTES, 4, 8192, "are read 5 times, expected 2: it runs in passes [passes]"},
    {ACCUMULATOR_BYTES, 4, 8193, "are read 5 times, expected 3: it runs in passes [passes]"},
    {ACCUMULATOR_BYTES, 4, 0, "are read 5 times, expected 1: it runs in passes [passes]"},
};

START_TEST(finds_damaged_programs)
{
    mbs_plan *plan = load_training();
    damage(plan->owned_program, damages[_i].what, damages[_i].index, damages[_i].value);
    expect_fault(plan, damages[_i].message);
}
END_TEST

/* Classes that fit 64 bits each, but not together. */
START_TEST(finds_a_total_beyond_64_bits)
{
    mbs_plan *plan = load_training();
    damage(plan->owned_program, WEIGHT_BYTES, 3, INT64_MAX / 2);
    damage(plan->owned_program, ACCUMULATOR_BYTES, 3, INT64_MAX / 2);
    expect_fault(plan, "the bytes moved in total exceed 64 bits [range]");
}
END_TEST

/* Parameters beyond 64 bits take as many passes as can be counted. */
START_TEST(finds_parameters_beyond_64_bits)
{
    mbs_plan *plan = load_training();
    damage(plan->owned_program, WEIGHT_BYTES, 4, INT64_MAX);
    damage(plan->owned_program, ACCUMULATOR_BYTES, 4, INT64_MAX);
    expect_fault(plan, "are read 5 times, expected 2251799813685248: it runs in passes [passes]");
}
END_TEST

START_TEST(finds_residency_without_end)
{
    mbs_plan *plan = load_training();
    plan->resident[plan->program->steps[7].touch_begin] = true;
    expect_fault(plan, "step 7 \"conv.wgrad\" (group 5, iteration 0): leaves tensor 0 \"image\" in "
                       "the buffer for a later step, but none of its group touches it");
    ck_assert_uint_eq(error.count, 1); /* it is gone from the buffer in the next iteration */
}
END_TEST

/* Alone in passes, a step without parameters reads its operands once and needs no room. */
START_TEST(accepts_passes_of_one)
{
    mbs_plan *plan = load_training();
    plan->mode[3] = MBS_PASSES;
    plan->groups[2].peak_bytes = 0;
    expect_pass(plan);
    plan = load_training();
    plan->mode[3] = MBS_PASSES;
    plan->groups[2].iterations = 2;
    plan->groups[2].sub_batch = 5;
    expect_fault(plan, "step 3 \"loss\" (group 2): runs in passes in a group of 1 steps and 2 "
                       "iterations, expected a group of its own with one [mode]");
}
END_TEST

START_TEST(accepts_a_buffer_filled_to_the_last_byte)
{
    for (int64_t beyond = 0; beyond <= 1; beyond++) {
        mbs_plan *plan = load_training();
        plan->pinned_accumulator[4] = 4096 + beyond;
        plan->groups[3].peak_bytes = 4096 + beyond;
        if (beyond == 0)
            expect_pass(plan);
        else
            expect_fault(plan, "buffer holds 4097 bytes, 4096 available [capacity]");
    }
}
END_TEST

/* A network input that stays: read once for both of its readers. */
START_TEST(accepts_resident_inputs)
{
    mbs_plan *plan = load_changed(inference, "\"batch\": 4", "\"batch\": 4");
    plan->resident[0] = true;
    plan->traffic.activation_read -= 400;
    plan->traffic.total -= 400;
    expect_pass(plan);
}
END_TEST

START_TEST(finds_figures_out_of_range)
{
    mbs_plan *plan = load_training();
    plan->batch = 0;
    expect_fault(plan, "mini-batch of 0 samples, expected 1 to 1000000 [batch]");
    plan = load_training();
    plan->batch = MBS_MAX_BATCH + 1;
    expect_fault(plan, "mini-batch of 1000001 samples");
    plan = load_training();
    plan->mode[1] = (mbs_mode)7;
    expect_fault(plan, "step 1 \"norm\" (group 0): has the unknown operand mode 7 [mode]");
    plan = load_training();
    plan->pinned_weight[0] = -1;
    expect_fault(plan, "pins -1 bytes of its 500 of weights");
    plan = load_training();
    plan->groups[2].end = plan->groups[2].first;
    expect_fault(plan, "group 2 (steps 3 to 2): has no step");
    plan = load_training();
    plan->groups[5].end = 9;
    expect_fault(plan, "group 5 (steps 6 to 8): has no step or one beyond the last, 7 [groups]");
    plan = load_training();
    plan->reserved_bytes = -1;
    expect_fault(plan, "buffer of 4096 bytes, -1 of them reserved");
    plan = load_training();
    plan->norm_passes = 0;
    expect_fault(plan, "norm_passes is 0, expected at least 1 [passes]");
}
END_TEST

/* A chain of `steps` steps in one group, `bytes` a tensor, staged, one sample an iteration. */
static mbs_plan *load_chain(int steps, int bytes, int batch)
{
    text out = TEXT_INIT;
    text_format(&out,
                "{\"format\": \"mbsopt-plan/1\", \"network\": \"chain\", \"batch\": %d, "
                "\"phase\": \"training\", \"buffer_bytes\": 4096, \"planner\": \"hand\", "
                "\"outcome\": \"heuristic\", \"tensors\": [",
                batch);
    for (int i = 0; i < steps; i++)
        text_format(&out, "%s{\"id\": %d, \"name\": \"t\", \"bytes\": %d}", i > 0 ? "," : "", i,
                    bytes);
    text_string(&out, "], \"steps\": [");
    for (int i = 0; i < steps; i++) {
        text_format(&out, "%s{\"id\": %d, \"name\": \"s\", \"phase\": \"forward\", ",
                    i > 0 ? "," : "", i);
        text_format(&out, "\"kind\": \"relu\", \"reads\": [%d], ", i);
        text_format(&out, i + 1 < steps ? "\"writes\": [%d], " : "\"writes\": [], ", i + 1);
        text_string(&out, "\"weight_bytes\": 0, \"accumulator_bytes\": 0}");
    }
    text_format(&out,
                "], \"groups\": [{\"first\": 0, \"last\": %d, \"iterations\": %d, "
                "\"sub_batch\": 1, \"passes\": 1, \"peak_bytes\": 0}], \"traffic_bytes\": {"
                "\"activation_read\": 0, \"activation_write\": 0, \"weight_read\": 0, "
                "\"weight_gradient\": 0, \"total\": 0}}",
                steps - 1, batch);
    mbs_plan *plan;
    mbs_error_clear(&error);
    mbs_status status = mbs_plan_load_text(&plan, out.data, out.length, "chain.json", &error);
    ck_assert_msg(status == MBS_OK, "%s", error.message[0]);
    text_free(&out);
    return plan;
}

START_TEST(accepts_the_smallest_plan)
{
    mbs_plan *plan = load_chain(1, 0, 1);
    plan->norm_passes = 1;
    expect_pass(plan);
}
END_TEST

/* A million iterations: refused at once instead of executed for minutes. */
START_TEST(refuses_endless_work)
{
    expect_fault(load_chain(2000, 1, 1000000),
                 "plan of \"chain\": steps and operands are executed 5999000000 times, expected at "
                 "most 4000000000 [work]");
}
END_TEST

START_TEST(counts_faults_beyond_the_messages)
{
    expect_fault(load_chain(1000, 4000, 2),
                 "step 19 \"s\" (group 0, iteration 0): buffer holds 8000 bytes, 4096 available");
    /* 999 steps (the last writes nothing and fits), the peak, and three figures of traffic */
    ck_assert_uint_eq(error.count, 999 + 1 + 3);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("verify damaged");
    TCase *tests = tcase_create("verify damaged");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, finds_damaged_programs, 0, sizeof damages / sizeof damages[0]);
    tcase_add_test(tests, finds_a_total_beyond_64_bits);
    tcase_add_test(tests, finds_parameters_beyond_64_bits);
    tcase_add_test(tests, finds_residency_without_end);
    tcase_add_test(tests, accepts_passes_of_one);
    tcase_add_test(tests, accepts_a_buffer_filled_to_the_last_byte);
    tcase_add_test(tests, accepts_resident_inputs);
    tcase_add_test(tests, accepts_the_smallest_plan);
    tcase_add_test(tests, finds_figures_out_of_range);
    tcase_add_test(tests, refuses_endless_work);
    tcase_add_test(tests, counts_faults_beyond_the_messages);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
