/* The verifier: plans counted by hand, and files with one corruption per rule. */
#include <check.h>
#include <string.h>

#include "hand_plans.h"
#include "mbsopt/mbsopt.h"
#include "run.h"

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
    {training, "\"bound_bytes\": 68380,", "",
     "an optimal plan moves 68380 bytes, but its bound_bytes is 0 [bound]"},
    {training, "\"bound_bytes\": 68380", "\"bound_bytes\": 68380, \"given_bytes\": 68379",
     "given_bytes is 68379, expected 0 or no less than the 68380 bytes moved in total [bound]"},
    {training, "\"bound_bytes\": 68380",
     "\"bound_bytes\": 68380, \"given_bytes\": 68390, \"given_bound_bytes\": 68391",
     "given_bound_bytes is 68391, expected 0 to the 68390 bytes of given_bytes [bound]"},
    {training, "\"bound_bytes\": 68380", "\"objective\": \"traffic\", \"bound_bytes\": 7",
     "an optimal plan moves 68380 bytes, but its bound_bytes is 7 [bound]"},
    {training, "\"bound_bytes\": 68380", "\"objective\": \"time\", \"bound_bytes\": 7",
     "a plan that is optimal for another objective than traffic has no bound on bytes, but its "
     "bound_bytes is 7 [bound]"},
    {training, "\"bound_bytes\": 68380", "\"objective\": \"energy\", \"bound_bytes\": 68380",
     "has no bound on bytes, but its bound_bytes is 68380 [bound]"},
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
        {training, "\"outcome\": \"optimal\", \"bound_bytes\": 68380", "\"outcome\": \"heuristic\"",
         NULL},
        /* least time: of that the file has no bound */
        {training, "\"bound_bytes\": 68380,", "\"objective\": \"time\",", NULL},
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

int main(void)
{
    Suite *suite = suite_create("verify");
    TCase *tests = tcase_create("verify");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, counts_training_by_hand);
    tcase_add_test(tests, counts_inference_by_hand);
    tcase_add_loop_test(tests, finds_corruption, 0, sizeof corruptions / sizeof corruptions[0]);
    tcase_add_loop_test(tests, accepts_what_is_no_fault, 0, 5);
    tcase_add_test(tests, reports_a_step_once);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
