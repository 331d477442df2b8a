/* The verifier: plans counted by hand, and one corruption per rule. */
#include <check.h>
#include <string.h>

#include "base/text.h"
#include "cost/schedule.h"
#include "mbsopt/mbsopt.h"
#include "run.h"

/*
 * A training step of 10 samples in 4096 bytes, counted by hand.
 *
 * Group 0 (4 iterations of 3, 3, 3 and 1 samples): what conv makes stays for norm, and is written
 * for norm.bwd. conv streamed: 3*200 resident + 500 parameters; norm staged: 3*(200+200); pinned
 * 500: peak 1700. Groups 1, 3, 4 in passes: ceil(9000/4096) = 3 and ceil(18000/4096) = 5, peak 0.
 * Group 2: loss staged, 10*(20+20) = 400. Group 5 (5 iterations of 2): norm.bwd streamed: 2*200
 * resident + one sample of 200+200 + 120 parameters = 920; conv.wgrad staged: 2*(100+200) = 600;
 * pinned 50+1000: peak 1970.
 *
 * Reads: conv 10*100; fc 10*200*3; loss 10*20; fc.wgrad 10*220*5; fc.dgrad 10*20*3; norm.bwd
 * 10*(200+200); conv.wgrad 10*100 = 23800. Writes: conv 2000, norm 2000, fc 200, loss 200, fc.dgrad
 * 2000; what norm.bwd makes never leaves = 6400. Weights: conv 500 once, norm 4*40, fc 9000,
 * fc.dgrad 9000, norm.bwd 5*40 = 18860. Accumulators: fc.wgrad 18000; norm.bwd 50 once and
 * (2*5-1)*30; conv.wgrad 1000 once = 19320. Total 68380.
 */
static const char training[] =
    "{\"format\": \"mbsopt-plan/1\", \"network\": \"hand\", \"batch\": 10,\n"
    "\"phase\": \"training\", \"buffer_bytes\": 4096, \"planner\": \"hand\",\n"
    "\"outcome\": \"optimal\", \"bound_bytes\": 68380,\n"
    "\"tensors\": [\n"
    "{\"id\": 0, \"name\": \"image\", \"bytes\": 100},\n"
    "{\"id\": 1, \"name\": \"conv\", \"bytes\": 200},\n"
    "{\"id\": 2, \"name\": \"norm\", \"bytes\": 200},\n"
    "{\"id\": 3, \"name\": \"fc\", \"bytes\": 20},\n"
    "{\"id\": 4, \"name\": \"fc.grad@loss\", \"bytes\": 20},\n"
    "{\"id\": 5, \"name\": \"norm.grad@fc\", \"bytes\": 200},\n"
    "{\"id\": 6, \"name\": \"conv.grad@norm\", \"bytes\": 200}],\n"
    "\"steps\": [\n"
    "{\"id\": 0, \"name\": \"conv\", \"phase\": \"forward\", \"kind\": \"conv\",\n"
    " \"reads\": [0], \"writes\": [1], \"weight_bytes\": 500, \"accumulator_bytes\": 0},\n"
    "{\"id\": 1, \"name\": \"norm\", \"phase\": \"forward\", \"kind\": \"norm\",\n"
    " \"reads\": [1], \"writes\": [2], \"weight_bytes\": 40, \"accumulator_bytes\": 0},\n"
    "{\"id\": 2, \"name\": \"fc\", \"phase\": \"forward\", \"kind\": \"fc\",\n"
    " \"reads\": [2], \"writes\": [3], \"weight_bytes\": 9000, \"accumulator_bytes\": 0},\n"
    "{\"id\": 3, \"name\": \"loss\", \"phase\": \"backward\", \"kind\": \"loss\",\n"
    " \"reads\": [3], \"writes\": [4], \"weight_bytes\": 0, \"accumulator_bytes\": 0},\n"
    "{\"id\": 4, \"name\": \"fc.wgrad\", \"phase\": \"backward\", \"kind\": \"fc.wgrad\",\n"
    " \"reads\": [2, 4], \"writes\": [], \"weight_bytes\": 0, \"accumulator_bytes\": 18000},\n"
    "{\"id\": 5, \"name\": \"fc.dgrad\", \"phase\": \"backward\", \"kind\": \"fc.dgrad\",\n"
    " \"reads\": [4], \"writes\": [5], \"weight_bytes\": 9000, \"accumulator_bytes\": 0},\n"
    "{\"id\": 6, \"name\": \"norm.bwd\", \"phase\": \"backward\", \"kind\": \"norm.bwd\",\n"
    " \"reads\": [5, 1], \"writes\": [6], \"weight_bytes\": 40, \"accumulator_bytes\": 80},\n"
    "{\"id\": 7, \"name\": \"conv.wgrad\", \"phase\": \"backward\", \"kind\": \"conv.wgrad\",\n"
    " \"reads\": [0, 6], \"writes\": [], \"weight_bytes\": 0, \"accumulator_bytes\": 1000}],\n"
    "\"groups\": [\n"
    "{\"first\": 0, \"last\": 1, \"iterations\": 4, \"sub_batch\": 3, \"passes\": 1,\n"
    " \"peak_bytes\": 1700},\n"
    "{\"first\": 2, \"last\": 2, \"iterations\": 1, \"sub_batch\": 10, \"passes\": 3,\n"
    " \"peak_bytes\": 0},\n"
    "{\"first\": 3, \"last\": 3, \"iterations\": 1, \"sub_batch\": 10, \"passes\": 1,\n"
    " \"peak_bytes\": 400},\n"
    "{\"first\": 4, \"last\": 4, \"iterations\": 1, \"sub_batch\": 10, \"passes\": 5,\n"
    " \"peak_bytes\": 0},\n"
    "{\"first\": 5, \"last\": 5, \"iterations\": 1, \"sub_batch\": 10, \"passes\": 3,\n"
    " \"peak_bytes\": 0},\n"
    "{\"first\": 6, \"last\": 7, \"iterations\": 5, \"sub_batch\": 2, \"passes\": 1,\n"
    " \"peak_bytes\": 1970}],\n"
    "\"streamed\": [0, 6], \"in_passes\": [2, 4, 5],\n"
    "\"pinned\": [{\"step\": 0, \"weight_bytes\": 500, \"accumulator_bytes\": 0},\n"
    "{\"step\": 6, \"weight_bytes\": 0, \"accumulator_bytes\": 50},\n"
    "{\"step\": 7, \"weight_bytes\": 0, \"accumulator_bytes\": 1000}],\n"
    "\"resident\": [{\"tensor\": 1, \"from\": 0, \"to\": 1}, {\"tensor\": 6, \"from\": 6, \"to\": "
    "7}],\n"
    "\"traffic_bytes\": {\"activation_read\": 23800, \"activation_write\": 6400,\n"
    " \"weight_read\": 18860, \"weight_gradient\": 19320, \"total\": 68380}}\n";

/*
 * Inference on 4 samples. Group 0 (2 iterations of 2), all staged: `a` crosses step 1, which needs
 * 2*(a 200 + x 100 + b 300) = 1200; step 2 needs 2*(200+300+400) = 1800. Group 1: a norm in passes:
 * it reads its operand twice. Reads: x twice, 2*4*100, c 4*400*2 = 4000. Writes: c 1600, since norm
 * reads it, and d 1600, which is kept. Weights: (10+20)*2 + 8 = 68. Total 7268.
 */
static const char inference[] =
    "{\"format\": \"mbsopt-plan/1\", \"network\": \"hand\", \"batch\": 4,\n"
    "\"phase\": \"inference\", \"buffer_bytes\": 4096, \"norm_passes\": 2, \"planner\": \"hand\",\n"
    "\"outcome\": \"heuristic\", \"tensors\": [{\"id\": 0, \"name\": \"x\", \"bytes\": 100},\n"
    "{\"id\": 1, \"name\": \"a\", \"bytes\": 200}, {\"id\": 2, \"name\": \"b\", \"bytes\": 300},\n"
    "{\"id\": 3, \"name\": \"c\", \"bytes\": 400}, {\"id\": 4, \"name\": \"d\", \"bytes\": 400}],\n"
    "\"steps\": [{\"id\": 0, \"name\": \"a\", \"phase\": \"forward\", \"kind\": \"conv\",\n"
    " \"reads\": [0], \"writes\": [1], \"weight_bytes\": 10, \"accumulator_bytes\": 0},\n"
    "{\"id\": 1, \"name\": \"b\", \"phase\": \"forward\", \"kind\": \"conv\",\n"
    " \"reads\": [0], \"writes\": [2], \"weight_bytes\": 20, \"accumulator_bytes\": 0},\n"
    "{\"id\": 2, \"name\": \"c\", \"phase\": \"forward\", \"kind\": \"mul\",\n"
    " \"reads\": [1, 2], \"writes\": [3], \"weight_bytes\": 0, \"accumulator_bytes\": 0},\n"
    "{\"id\": 3, \"name\": \"d\", \"phase\": \"forward\", \"kind\": \"norm\",\n"
    " \"reads\": [3], \"writes\": [4], \"weight_bytes\": 8, \"accumulator_bytes\": 0}],\n"
    "\"groups\": [{\"first\": 0, \"last\": 2, \"iterations\": 2, \"sub_batch\": 2, \"passes\": 1,\n"
    " \"peak_bytes\": 1800},\n"
    "{\"first\": 3, \"last\": 3, \"iterations\": 1, \"sub_batch\": 4, \"passes\": 2,\n"
    " \"peak_bytes\": 0}],\n"
    "\"resident\": [{\"tensor\": 1, \"from\": 0, \"to\": 2}, {\"tensor\": 2, \"from\": 1, \"to\": "
    "2}],\n"
    "\"traffic_bytes\": {\"activation_read\": 4000, \"activation_write\": 3200,\n"
    " \"weight_read\": 68, \"weight_gradient\": 0, \"total\": 7268}}\n";

static mbs_error error;

/* Loads `document` with `from`, which must be there once, replaced by `to`. */
static mbs_plan *load_changed(const char *document, const char *from, const char *to)
{
    char *changed = replace_once(document, from, to);
    mbs_plan *plan;
    mbs_error_clear(&error);
    mbs_status status = mbs_plan_load_text(&plan, changed, strlen(changed), "hand.json", &error);
    ck_assert_msg(status == MBS_OK, "%s", error.message[0]);
    mbs_free(changed);
    return plan;
}

static mbs_plan *load_training(void)
{
    return load_changed(training, "\"batch\": 10", "\"batch\": 10");
}

/* How many of the messages contain both texts. */
static int count_messages(const char *a, const char *b)
{
    int count = 0;
    for (size_t i = 0; i < error.count && i < MBS_ERROR_MESSAGES; i++)
        count += strstr(error.message[i], a) != NULL && strstr(error.message[i], b) != NULL;
    return count;
}

/* After these a plan cannot be executed, or not to its end. */
static const char *const fatal[] = {"[batch]",  "[buffer-size]", "[program]", "[groups]",
                                    "[pinned]", "[iterations]",  "[work]",    "[range]"};

/* Verifies and frees; the message must be among those reported. */
static void expect_fault(mbs_plan *plan, const char *message)
{
    mbs_error_clear(&error);
    mbs_status status = mbs_plan_verify(plan, NULL, &error);
    ck_assert_int_eq(mbs_plan_verify(plan, NULL, NULL), MBS_ERR_VERIFY);
    mbs_plan_free(plan);
    ck_assert_msg(status == MBS_ERR_VERIFY && error.status == MBS_ERR_VERIFY,
                  "status %d, expected: %s", (int)status, message);
    ck_assert_msg(count_messages(message, "") > 0, "expected: %s\nfirst: %s\nsecond: %s", message,
                  error.message[0], error.message[1]);
    for (size_t i = 0; i < sizeof fatal / sizeof fatal[0]; i++)
        ck_assert(count_messages(fatal[i], "") == 0 ||
                  count_messages("[traffic]", "") + count_messages("[peak]", "") == 0);
}

/* Verifies and frees a plan without fault. */
static void expect_pass(mbs_plan *plan)
{
    mbs_error_clear(&error);
    ck_assert_msg(mbs_plan_verify(plan, NULL, &error) == MBS_OK, "%s", error.message[0]);
    mbs_plan_free(plan);
}

START_TEST(counts_training_by_hand)
{
    mbs_plan *plan = load_training();
    mbs_traffic counted;
    ck_assert_msg(mbs_plan_verify(plan, &counted, &error) == MBS_OK, "%s", error.message[0]);
    ck_assert_int_eq(counted.activation_read, 23800);
    ck_assert_int_eq(counted.activation_write, 6400);
    ck_assert_int_eq(counted.weight_read, 18860);
    ck_assert_int_eq(counted.weight_gradient, 19320);
    ck_assert_int_eq(counted.total, 68380);
    ck_assert_uint_eq(error.count, 0);
    ck_assert_int_eq(mbs_plan_verify(plan, NULL, NULL), MBS_OK);
    mbs_plan_free(plan);
}
END_TEST

START_TEST(counts_inference_by_hand)
{
    mbs_plan *plan = load_changed(inference, "\"batch\": 4", "\"batch\": 4");
    mbs_traffic counted;
    ck_assert_msg(mbs_plan_verify(plan, &counted, &error) == MBS_OK, "%s", error.message[0]);
    ck_assert_int_eq(counted.total, 7268);
    mbs_plan_free(plan);
}
END_TEST

typedef struct corruption {
    const char *document;
    const char *from;
    const char *to;
    const char *message;
} corruption;

static const corruption corruptions[] = {
    /* groups */
    {training, "\"first\": 6", "\"first\": 7",
     "group 5 (steps 7 to 7): begins at step 7, expected step 6: steps are in no group [groups]"},
    {training, "\"first\": 6", "\"first\": 5",
     "begins at step 5, expected step 6: groups overlap [groups]"},
    {training, "\"last\": 7", "\"last\": 6", "7 steps are in groups, expected all 8 [groups]"},
    {training, "\"iterations\": 5", "\"iterations\": 6",
     "group 5 (steps 6 to 7): 6 iterations, but with sub-batches of 2 samples 5 iterations do the "
     "mini-batch of 10 [iterations]"},
    {training, "\"iterations\": 5", "\"iterations\": 11",
     "11 iterations, expected 1 to 10, the mini-batch [iterations]"},
    {training, "\"iterations\": 5", "\"iterations\": 1000000", "1000000 iterations, expected 1 to"},
    {training, "\"sub_batch\": 3", "\"sub_batch\": 4",
     "a sub-batch of 4 samples, expected 3: 10 samples in 4 iterations [iterations]"},
    {training, "\"kind\": \"norm\"", "\"kind\": \"batch_norm\"",
     "step 1 \"norm\" (group 0): couples the samples of the mini-batch, but its group has 4 "
     "iterations, expected 1 [coupled]"},
    /* operand modes */
    {training, "[2, 4, 5]", "[2, 4, 5, 7]",
     "step 7 \"conv.wgrad\" (group 5): runs in passes in a group of 2 steps and 5 iterations"},
    {training, "\"passes\": 5", "\"passes\": 4",
     "step 4 \"fc.wgrad\" (group 3): its group's operands are read 4 times, expected 5: it runs in "
     "passes [passes]"},
    {training, "[2, 4, 5]", "[2, 5]",
     "operands are read 5 times, expected 1: it does not run in passes [passes]"},
    {inference, "\"norm_passes\": 2", "\"norm_passes\": 3", "read 2 times, expected 3: it runs"},
    {training, "\"streamed\": [0, 6]", "\"streamed\": [0]",
     "group 5 (steps 6 to 7): peak_bytes is 1970, the replay measured 2250 [peak]"},
    {inference, "\"phase\": \"inference\"", "\"phase\": \"inference\", \"streamed\": [2]",
     "peak_bytes is 1800, the replay measured 1200 [peak]"},
    /* the buffer */
    {training, "\"iterations\": 4, \"sub_batch\": 3", "\"iterations\": 1, \"sub_batch\": 10",
     "step 1 \"norm\" (group 0, iteration 0): buffer holds 4500 bytes, 4096 available [capacity]"},
    {training, "\"step\": 7, \"weight_bytes\": 0, \"accumulator_bytes\": 1000",
     "\"step\": 4, \"weight_bytes\": 0, \"accumulator_bytes\": 5000",
     "step 4 \"fc.wgrad\" (group 3, iteration 0): buffer holds 5000 bytes, 4096 available"},
    {training, "\"buffer_bytes\": 4096", "\"buffer_bytes\": 4095",
     "buffer of 4095 bytes, 0 of them reserved: expected at least 4096 bytes for use "
     "[buffer-size]"},
    {training, "\"buffer_bytes\": 4096", "\"buffer_bytes\": 5000, \"reserved_bytes\": 905",
     "buffer of 5000 bytes, 905 of them reserved"},
    {training, "\"peak_bytes\": 1700", "\"peak_bytes\": 1699",
     "group 0 (steps 0 to 1): peak_bytes is 1699, the replay measured 1700 [peak]"},
    {training, "\"step\": 0, \"weight_bytes\": 500", "\"step\": 0, \"weight_bytes\": 501",
     "step 0 \"conv\" (group 0): pins 501 bytes of its 500 of weights and 0 of its 0 of "
     "accumulators [pinned]"},
    {training, "\"accumulator_bytes\": 50}", "\"accumulator_bytes\": 81}", "81 of its 80 of"},
    /* residency */
    {training, "{\"tensor\": 6,", "{\"tensor\": 2, \"from\": 1, \"to\": 2}, {\"tensor\": 6,",
     "step 1 \"norm\" (group 0, iteration 0): leaves tensor 2 \"norm\" in the buffer for a later "
     "step, but none of its group touches it [residency]"},
    {training, "{\"tensor\": 6,", "{\"tensor\": 3, \"from\": 2, \"to\": 3}, {\"tensor\": 6,",
     "step 3 \"loss\" (group 2, iteration 0): expects samples 0 to 9 of tensor 3 \"fc\" in the "
     "buffer, which does not hold them [buffer-use]"},
    /* the program */
    {training, "\"reads\": [5, 1]", "\"reads\": [1]",
     "step 5 \"fc.dgrad\": writes tensor 5 \"norm.grad@fc\", which no later step reads"},
    {training, "\"phase\": \"training\"", "\"phase\": \"inference\"",
     "step 3 \"loss\": is a backward step in an inference program [phase]"},
    /* figures */
    {training, "\"activation_read\": 23800", "\"activation_read\": 23801",
     "plan of \"hand\": activation_read is 23801 bytes, the replay moved 23800 [traffic]"},
    {training, "\"activation_write\": 6400", "\"activation_write\": 6399",
     "activation_write is 6399 bytes, the replay moved 6400 [traffic]"},
    {training, "\"weight_read\": 18860", "\"weight_read\": 0",
     "weight_read is 0 bytes, the replay moved 18860 [traffic]"},
    {training, "\"weight_gradient\": 19320", "\"weight_gradient\": 9007199254740991",
     "weight_gradient is 9007199254740991 bytes, the replay moved 19320 [traffic]"},
    {training, "\"total\": 68380", "\"total\": 68381",
     "total is 68381 bytes, the replay moved 68380 [traffic]"},
    {training, "\"bound_bytes\": 68380", "\"bound_bytes\": 68381",
     "bound_bytes is 68381, expected 0 to the 68380 bytes moved in total [bound]"},
    {training, "\"bound_bytes\": 68380", "\"bound_bytes\": 68379",
     "an optimal plan moves 68380 bytes, but its bound_bytes is 68379 [bound]"},
};

START_TEST(finds_corruption)
{
    const corruption *c = &corruptions[_i];
    expect_fault(load_changed(c->document, c->from, c->to), c->message);
}
END_TEST

START_TEST(accepts_what_is_no_fault)
{
    static const corruption changes[] = {
        {training, "\"outcome\": \"optimal\", \"bound_bytes\": 68380",
         "\"outcome\": \"feasible\", \"bound_bytes\": 7", NULL},
        {training, "\"bound_bytes\": 68380,", "", NULL},
        {training, "\"buffer_bytes\": 4096", "\"buffer_bytes\": 5000, \"reserved_bytes\": 904",
         NULL},
        /* it couples the samples, but its group has them all */
        {training, "\"kind\": \"loss\"", "\"kind\": \"batch_norm\"", NULL},
    };
    const corruption *c = &changes[_i];
    expect_pass(load_changed(c->document, c->from, c->to));
}
END_TEST

/* A step that overfills the buffer in each of four iterations, and one message about it. */
START_TEST(reports_a_step_once)
{
    mbs_plan *plan = load_changed(training, "\"name\": \"conv\", \"bytes\": 200",
                                  "\"name\": \"conv\", \"bytes\": 2000");
    expect_fault(plan, "step 0 \"conv\" (group 0, iteration 0): buffer holds 7000 bytes, 4096 "
                       "available [capacity]");
    ck_assert_int_eq(count_messages("step 0 ", "[capacity]"), 1);
}
END_TEST

/* ---- What no file can say: plans corrupted in memory ----------------------------------------- */

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
    Suite *suite = suite_create("verify");
    TCase *tests = tcase_create("verify");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, counts_training_by_hand);
    tcase_add_test(tests, counts_inference_by_hand);
    tcase_add_loop_test(tests, finds_corruption, 0, sizeof corruptions / sizeof corruptions[0]);
    tcase_add_loop_test(tests, accepts_what_is_no_fault, 0, 4);
    tcase_add_test(tests, reports_a_step_once);
    tcase_add_loop_test(tests, finds_damaged_programs, 0, sizeof damages / sizeof damages[0]);
    tcase_add_test(tests, finds_a_total_beyond_64_bits);
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
