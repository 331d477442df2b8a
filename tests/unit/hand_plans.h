/* Plans counted by hand, and what the verifier says of them. */
#ifndef TESTS_UNIT_HAND_PLANS_H
#define TESTS_UNIT_HAND_PLANS_H

#include <check.h>
#include <string.h>

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

static inline mbs_plan *load_plan(const char *document)
{
    mbs_plan *plan;
    mbs_error_clear(&error);
    mbs_status status = mbs_plan_load_text(&plan, document, strlen(document), "hand.json", &error);
    ck_assert_msg(status == MBS_OK, "%s", error.message[0]);
    return plan;
}

/* Loads `document` with `from`, which must be there once, replaced by `to`. */
static inline mbs_plan *load_changed(const char *document, const char *from, const char *to)
{
    char *changed = replace_once(document, from, to);
    mbs_plan *plan = load_plan(changed);
    mbs_free(changed);
    return plan;
}

static inline mbs_plan *load_training(void)
{
    return load_plan(training);
}

/* How many of the messages contain both texts. */
static inline int count_messages(const char *a, const char *b)
{
    int count = 0;
    for (size_t i = 0; i < error.count && i < MBS_ERROR_MESSAGES; i++)
        count += strstr(error.message[i], a) != NULL && strstr(error.message[i], b) != NULL;
    return count;
}

/* After these a plan cannot be executed, or not to its end. */
static const char *const fatal[] = {"[batch]",  "[buffer-size]", "[program]", "[groups]",
                                    "[pinned]", "[iterations]",  "[work]",    "[range]",
                                    "[strips]", "[rows]"};

/* Verifies and frees; the message must be among those reported. */
static inline void expect_fault(mbs_plan *plan, const char *message)
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
static inline void expect_pass(mbs_plan *plan)
{
    mbs_error_clear(&error);
    ck_assert_msg(mbs_plan_verify(plan, NULL, &error) == MBS_OK, "%s", error.message[0]);
    mbs_plan_free(plan);
}

#endif
