/* Another order of steps (model, section 14): programs, plan files, and what is refused. */
#include <stdlib.h>

#include "cost/schedule.h"
#include "program_listing.h"
#include "run.h"

static mbs_error order_error;

/* ---- Programs -------------------------------------------------------------------------------- */

/* Two convolutions of one input, summed. */
static const char fork_layers[] = CONV("a", "x") CONV("b", "x") OP2("s", "add", "a", "b");

static mbs_status build_in(mbs_program **program, const char *layers, mbs_program_options options,
                           const int32_t *order, size_t count)
{
    options.order = order;
    options.order_count = count;
    return build(program, X_INPUT, layers, &options);
}

static const mbs_program_options plain = MBS_PROGRAM_OPTIONS_INIT;

START_TEST(steps_come_as_the_order_says)
{
    static const int32_t order[] = {1, 0, 2, 3, 5, 4};
    mbs_program *program;
    must_succeed(build_in(&program, fork_layers, plain, order, COUNT(order)), &error, "fork");
    check_listing(program,
                  "F b conv [x]>[b] w8\n"
                  "F a conv [x]>[a] w8\n"
                  "F s add [a b]>[s]\n"
                  "B loss loss [s]>[s.grad@loss]\n"
                  "B a.wgrad conv.wgrad [x s.grad@loss]>[] a16\n"
                  "B b.wgrad conv.wgrad [x s.grad@loss]>[] a16\n",
                  "x:64 b:64 a:64 s:64 s.grad@loss:64");
    for (size_t k = 0; k < COUNT(order); k++) {
        mbs_step_info step;
        ck_assert_int_eq(mbs_program_step(program, k, &step), MBS_OK);
        ck_assert_int_eq(step.given, order[k]);
    }
    mbs_program_free(program);
}
END_TEST

START_TEST(own_order_changes_nothing)
{
    static const int32_t order[] = {0, 1, 2, 3, 4, 5};
    mbs_program *program;
    mbs_program *own = must_build(fork_layers, TRAINING);
    must_succeed(build_in(&program, fork_layers, plain, order, COUNT(order)), &error, "fork");
    char *steps = list_steps(own);
    char *tensors = list_tensors(own);
    check_listing(program, steps, tensors);
    ck_assert(!program_is_reordered(program));
    mbs_free(steps);
    mbs_free(tensors);
    mbs_program_free(own);
    mbs_program_free(program);
}
END_TEST

/* The update of a gradient that two steps add to comes behind the later of them, whichever it is;
 * updates have no numbers. */
START_TEST(updates_follow_the_last_that_adds)
{
    static const char layers[] = CONV("a", "x") LAYER("b", "a",
                                                      "'op':'conv','out_channels':2,"
                                                      "'kernel':1,'shares':'a'");
    static const int32_t order[] = {0, 1, 2, 4, 5, 3};
    mbs_program_options options = plain;
    mbs_program *program;
    options.optimizer = MBS_OPTIMIZER_SGD;
    options.optimizer_bits.master = 0;
    must_succeed(build_in(&program, layers, options, order, COUNT(order)), &error, "shared");
    check_listing(program,
                  "F a conv [x]>[a] w8\n"
                  "F b conv [a]>[b] w8 w=0\n"
                  "B loss loss [b]>[b.grad@loss]\n"
                  "B b.dgrad conv.dgrad [b.grad@loss]>[a.grad@b] w8 w=1\n"
                  "B a.wgrad conv.wgrad [x a.grad@b]>[] a16\n"
                  "B b.wgrad conv.wgrad [a b.grad@loss]>[] a16 a=4\n"
                  "B a.update sgd.update []>[] g16 r8 w8\n",
                  NULL);
    ck_assert_int_eq(program->steps[6].given, -1);
    mbs_program_free(program);
}
END_TEST

/* What reads the statistics of a mini-batch is still coupled to the step that makes them. */
START_TEST(couples_stay)
{
    static const char layers[] =
        LAYER("n", "x", "'op':'norm','kind':'batch'") CONV("b", "x") OP2("s", "add", "n", "b");
    static const int32_t order[] = {0, 2, 1, 3, 4, 6, 5};
    mbs_program_options options = plain;
    mbs_program *program;
    options.keep_batch_norm = options.split_norms = 1;
    mbs_status status = build_in(&program, layers, options, order, COUNT(order));
    must_succeed(status, &error, "batch norm");
    ck_assert_str_eq(program->steps[2].name, "n");
    ck_assert_int_eq(program->steps[2].coupled_to, 0);
    mbs_program_free(program);
}
END_TEST

typedef struct refusal {
    int32_t order[8];
    size_t count;
    const char *message;
} refusal;

static const refusal refusals[] = {
    {{0, 1, 2, 3, 4, 5}, 5, "an order of 5 steps, expected all 6 of its program"},
    {{0, 1, 2, 3, 4, 5, 0}, 7, "an order of 7 steps, expected all 6 of its program"},
    {{0, 1, 2, 3, 4, 6}, 6, "order[5] is 6, expected the number of a step in the network's own"},
    {{0, -1, 2, 3, 4, 5}, 6, "order[1] is -1, expected the number of a step"},
    {{0, 1, 2, 3, 4, 4}, 6, "order[5] is 4, which is there before, expected each step once"},
    {{0, 2, 1, 3, 4, 5},
     6,
     "order[1] is 2, step \"s\", before what it reads is written, by step 1 \"b\""},
    {{0, 1, 2, 4, 3, 5},
     6,
     "order[3] is 4, step \"b.wgrad\", before what it reads is written, by step 3 \"loss\""},
};

START_TEST(refuses_what_is_no_order)
{
    const refusal *r = &refusals[_i];
    mbs_program *program;
    mbs_status status = build_in(&program, fork_layers, plain, r->order, r->count);
    ck_assert_int_eq(status, MBS_ERR_ARGUMENT);
    ck_assert_ptr_null(program);
    ck_assert_msg(strstr(error.message[0], r->message) != NULL, "%s", error.message[0]);
}
END_TEST

/* What recomputes waits for no loss, but for the phase. */
START_TEST(refuses_a_forward_step_in_the_backward_phase)
{
    static const char layers[] =
        LAYER("n", "x", "'op':'norm','kind':'instance'") OP("r", "relu", "n") CONV("c", "r");
    /* n, r, c, loss, n.remat, r.remat, c.wgrad, … */
    static const int32_t order[] = {0, 1, 4, 2, 3, 5, 6, 7, 8, 9};
    mbs_program_options options = plain;
    mbs_program *program;
    options.recompute = MBS_RECOMPUTE_ACTIVATIONS;
    mbs_status status = build_in(&program, layers, options, order, COUNT(order));
    ck_assert_int_eq(status, MBS_ERR_ARGUMENT);
    ck_assert_msg(
        strstr(error.message[0],
               "order[3] is 2, step \"c\", of the forward phase, behind the backward step "
               "4 \"n.remat\"") != NULL,
        "%s", error.message[0]);
}
END_TEST

/* ---- Plan files ------------------------------------------------------------------------------ */

/* The file of a plan of the fork in another order. */
static char *plan_text(const mbs_program *program)
{
    mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
    mbs_hardware hardware;
    mbs_plan *plan;
    char *file;
    options.batch = 4;
    mbs_hardware_wavecore(&hardware);
    must_succeed(mbs_plan_create(&plan, program, &hardware, &options, &order_error), &order_error,
                 "plan");
    must_succeed(mbs_plan_to_json(&file, plan, &order_error), &order_error, "file");
    mbs_plan_free(plan);
    return file;
}

static char *fork_plan(void)
{
    static const int32_t order[] = {1, 0, 2, 3, 5, 4};
    mbs_program *program;
    must_succeed(build_in(&program, fork_layers, plain, order, COUNT(order)), &error, "fork");
    char *file = plan_text(program);
    mbs_program_free(program);
    return file;
}

START_TEST(plan_files_tell_of_the_order)
{
    char *file = fork_plan();
    mbs_plan *plan;
    char *again;
    ck_assert_ptr_nonnull(strstr(file, "\"given\": 1"));
    must_succeed(mbs_plan_load_text(&plan, file, strlen(file), "p.json", &order_error),
                 &order_error, "loaded");
    must_succeed(mbs_plan_verify(plan, NULL, &order_error), &order_error, "verified");
    must_succeed(mbs_plan_to_json(&again, plan, &order_error), &order_error, "written");
    ck_assert_str_eq(file, again);
    mbs_plan_free(plan);
    mbs_free(again);
    mbs_free(file);
}
END_TEST

START_TEST(plan_files_in_the_own_order_do_not)
{
    mbs_program *program = must_build(fork_layers, TRAINING);
    char *file = plan_text(program);
    ck_assert_ptr_null(strstr(file, "given"));
    mbs_free(file);
    mbs_program_free(program);
}
END_TEST

typedef struct damage {
    const char *from;
    const char *to;
    const char *message;
} damage;

static const damage damages[] = {
    {", \"given\": 0", "", "steps[1].given: is missing, expected it of every step"},
    {"\"given\": 0", "\"given\": -1", "steps[1].given: found -1, expected a whole number from 0"},
    {"\"given\": 0", "\"given\": 1",
     "step 1 \"a\": is step 1 of the network's own order, as is step 0 \"b\" [order]"},
    {"\"given\": 0", "\"given\": 6",
     "step 1 \"a\": is step 6 of the network's own order, expected 0 to 5: as many as there are "
     "[order]"},
    {"\"phase\": \"forward\", \"kind\": \"conv\", \"reads\": [0], \"writes\": [1]",
     "\"phase\": \"backward\", \"kind\": \"conv\", \"reads\": [0], \"writes\": [1]",
     "step 1 \"a\": of the forward phase is behind step 0 of the backward [phase]"},
};

/* Loads and verifies; the first message of whichever refuses it. */
static void check_refused(const char *file, const char *message)
{
    mbs_plan *plan;
    mbs_error_clear(&order_error);
    mbs_status status = mbs_plan_load_text(&plan, file, strlen(file), "p.json", &order_error);
    if (status == MBS_OK)
        status = mbs_plan_verify(plan, NULL, &order_error);
    mbs_plan_free(plan);
    ck_assert_int_ne(status, MBS_OK);
    ck_assert_msg(strstr(order_error.message[0], message) != NULL, "%s\nexpected %s",
                  order_error.message[0], message);
}

START_TEST(refuses_damaged_orders)
{
    char *file = fork_plan();
    char *damaged = replace_once(file, damages[_i].from, damages[_i].to);
    check_refused(damaged, damages[_i].message);
    mbs_free(damaged);
    mbs_free(file);
}
END_TEST

START_TEST(refuses_an_own_order_in_which_nothing_could_run)
{
    char *file = fork_plan();
    char *half = replace_once(file, "\"given\": 1", "\"given\": 9");
    char *most = replace_once(half, "\"given\": 2", "\"given\": 1");
    char *damaged = replace_once(most, "\"given\": 9", "\"given\": 2");
    check_refused(damaged,
                  "step 2 \"s\": reads tensor 1 \"b\", which step 0 \"b\" writes: behind it "
                  "in the network's own order [order]");
    mbs_free(damaged);
    mbs_free(most);
    mbs_free(half);
    mbs_free(file);
}
END_TEST

/* Whatever made the plan: the replay sees to the order itself. */
START_TEST(refuses_a_step_before_its_operand)
{
    static const int32_t order[] = {2, 1};
    char *file = fork_plan();
    mbs_plan *plan;
    must_succeed(mbs_plan_load_text(&plan, file, strlen(file), "p.json", &order_error),
                 &order_error, "loaded");
    ck_assert(program_permute(plan->owned_program, 1, 3, order));
    mbs_error_clear(&order_error);
    ck_assert_int_eq(mbs_plan_verify(plan, NULL, &order_error), MBS_ERR_VERIFY);
    ck_assert_msg(strstr(order_error.message[0], "step 1 \"s\": reads tensor 2 \"a\" before step 2 "
                                                 "\"a\" writes it [order]") != NULL,
                  "%s", order_error.message[0]);
    mbs_plan_free(plan);
    mbs_free(file);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("order");
    TCase *programs = tcase_create("programs");
    tcase_add_test(programs, steps_come_as_the_order_says);
    tcase_add_test(programs, own_order_changes_nothing);
    tcase_add_test(programs, updates_follow_the_last_that_adds);
    tcase_add_test(programs, couples_stay);
    tcase_add_loop_test(programs, refuses_what_is_no_order, 0, COUNT(refusals));
    tcase_add_test(programs, refuses_a_forward_step_in_the_backward_phase);
    suite_add_tcase(suite, programs);
    TCase *files = tcase_create("files");
    tcase_add_test(files, plan_files_tell_of_the_order);
    tcase_add_test(files, plan_files_in_the_own_order_do_not);
    tcase_add_loop_test(files, refuses_damaged_orders, 0, COUNT(damages));
    tcase_add_test(files, refuses_an_own_order_in_which_nothing_could_run);
    tcase_add_test(files, refuses_a_step_before_its_operand);
    suite_add_tcase(suite, files);
    return run_suite(suite);
}
