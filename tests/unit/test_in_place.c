/* Steps that write over an operand (model, section 12): which may, and what the verifier says. */
#include <check.h>
#include <string.h>

#include "base/text.h"
#include "cost/schedule.h"
#include "program_listing.h"
#include "run.h"

/* ---- Which steps may ------------------------------------------------------------------------- */

/* "r>c": a step and an operand that it may write over. */
static char *list_replaceable(const mbs_program *p)
{
    text out = TEXT_INIT;
    char *result;
    for (int32_t k = 0; k < p->step_count; k++) {
        int32_t count = 0;
        for (int32_t t = p->steps[k].touch_begin; t < p->steps[k].write_begin; t++) {
            if (!program_may_replace(p, t))
                continue;
            text_format(&out, "%s>%s ", p->steps[k].name, p->tensors[p->touches[t].tensor].name);
            if (count++ == 0)
                ck_assert_int_eq(p->steps[k].replaceable, t);
        }
        ck_assert_int_eq(p->steps[k].replaceable >= 0, count > 0);
        ck_assert_int_eq(p->steps[k].has_choice, count > 1);
    }
    ck_assert_int_eq(text_finish(&out, &result, NULL), MBS_OK);
    return result;
}

#define SLICE(name, in, begin, step)                                                               \
    LAYER(name, in, "'op':'slice','begin':" begin ",'end':2,'step':" step)

static const struct {
    const char *layers;
    int flags;
    const char *listing;
} cases[] = {
    /* no window, no product, no view */
    {CONV("c", "x") LAYER("p", "c", "'op':'max_pool','kernel':1"), INFERENCE, ""},
    {CONV("c", "x") LAYER("t", "c", "'op':'permute','order':[0,2,1]") OP("f", "flatten", "t"),
     INFERENCE, ""},
    {OP("r", "relu", "x") OP("l", "lrn", "r") OP("e", "elementwise", "l"), INFERENCE, "r>x "},
    {LAYER("n", "x", "'op':'norm','kind':'layer'") OP("s", "softmax", "n") OP("g", "gelu", "s"),
     INFERENCE, "n>x s>n g>s "},
    /* a gradient goes over that of the output, or over what else is read element by element */
    {CONV("c", "x") OP("r", "relu", "c"), TRAINING, "r>c r.bwd>r.grad@loss "},
    {CONV("c", "x") OP("g", "gelu", "c"), TRAINING, "g>c g.bwd>g.grad@loss g.bwd>c "},
    {CONV("c", "x") LAYER("n", "c", "'op':'norm','kind':'instance'"), SPLIT,
     "n>c n.bwd>n.grad@loss n.bwd>c "},
    {CONV("c", "x") LAYER("n", "c", "'op':'norm','kind':'batch'"), KEEP,
     "n>c n.bwd>n.grad@loss n.bwd>c "},
    {CONV("c", "x") LAYER("n", "c", "'op':'norm','kind':'batch'") OP("r", "relu", "n")
         CONV("d", "r"),
     ACTIVATIONS,
     "n>c r>n n.remat>c r.remat>n.remat r.bwd>r.grad@d r.bwd>r.remat n.bwd>n.grad@r n.bwd>c "},
    /* either of two operands */
    {CONV("a", "x") CONV("b", "x") OP2("s", "add", "a", "b") OP2("m", "mul", "s", "a"), INFERENCE,
     "s>a s>b m>s m>a "},
    {CONV("a", "x") CONV("b", "x") OP2("s", "add", "b", "a") OP2("t", "add", "s", "b")
         OP2("m", "mul", "t", "a"),
     INFERENCE, "s>b s>a t>s t>b m>t m>a "},
    {CONV("a", "x") OP2("s", "add", "a", "a"), TRAINING, "s>a a.gsum#1>s.grad@loss "},
    /* what is broadcast is needed more than once; its gradient is a sum */
    {CONV("a", "x") OP("g", "global_avg_pool", "a") OP2("m", "mul", "g", "a"), TRAINING,
     "m>a a.gsum#1>a.grad@m a.gsum#1>a.grad@g "},
    /* another order: channels 1 and 0 of two */
    {CONV("a", "x") SLICE("o", "a", "1", "2") SLICE("e", "a", "0", "2")
         LAYER("v", "o','e", "'op':'concat'") OP("r", "relu", "v") OP2("s", "add", "r", "a"),
     INFERENCE, "s>r s>a "},
    /* a gradient in that order, an alias: of c, too, which is not r's */
    {CONV("a", "x") OP("r", "relu", "a") SLICE("o", "r", "1", "2") SLICE("e", "r", "0", "2")
         LAYER("v", "o','e", "'op':'concat'") CONV("c", "x") OP2("s", "add", "v", "c"),
     TRAINING, "r>a s>c "},
};

START_TEST(steps_that_may)
{
    mbs_program *program = must_build(cases[_i].layers, cases[_i].flags);
    char *found = list_replaceable(program);
    ck_assert_msg(strcmp(found, cases[_i].listing) == 0, "%s\nfound    %s\nexpected %s",
                  cases[_i].layers, found, cases[_i].listing);
    mbs_free(found);
    mbs_program_free(program);
}
END_TEST

START_TEST(kinds)
{
    static const char *const yes[] = {"relu", "norm",       "batch_norm", "affine",  "add",
                                      "gsum", "relu.remat", "norm.bwd",   "mul.bwd", "softmax.bwd"};
    static const char *const no[] = {"conv",     "conv.dgrad",     "norm.stat",   "norm.bwd.stat",
                                     "max_pool", "add.bwd",        "bias.bwd",    "loss",
                                     "relu7",    "relu.something", "elementwise", "rel"};
    for (size_t i = 0; i < COUNT(yes); i++)
        ck_assert_msg(program_is_elementwise(yes[i]), "%s", yes[i]);
    for (size_t i = 0; i < COUNT(no); i++)
        ck_assert_msg(!program_is_elementwise(no[i]), "%s", no[i]);
}
END_TEST

/* ---- Plans ----------------------------------------------------------------------------------- */

/* 64 bytes a tensor: c x->c, n c->n, r n->r, d r->d. */
#define CHAIN                                                                                      \
    CONV("c", "x")                                                                                 \
    LAYER("n", "c", "'op':'norm','kind':'instance'") OP("r", "relu", "n") CONV("d", "r")

static mbs_plan *plan_chain(mbs_program **program, int in_place)
{
    mbs_hardware hardware;
    mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
    mbs_plan *plan;
    mbs_hardware_wavecore(&hardware);
    *program = must_build(CHAIN, INFERENCE);
    options.in_place = in_place;
    options.batch = 64;
    options.buffer_bytes = 8192;
    options.no_stream = 1;
    mbs_error_clear(&error);
    must_succeed(mbs_plan_create(&plan, *program, &hardware, &options, &error), &error, "chain");
    return plan;
}

/* Two tensors of 64 · 64 bytes fit in 8192 bytes without room for weights; norm and relu over what
 * they read need one. */
START_TEST(footprints)
{
    mbs_program *program;
    int64_t tensor;
    mbs_group_info group;
    mbs_plan *plan = plan_chain(&program, 1);
    ck_assert_int_eq(mbs_plan_step_in_place(plan, 0, &tensor), MBS_OK);
    ck_assert_int_eq(tensor, -1);
    ck_assert_int_eq(mbs_plan_step_in_place(plan, 1, &tensor), MBS_OK);
    ck_assert_int_eq(tensor, 1);
    ck_assert_int_eq(mbs_plan_step_in_place(plan, 4, &tensor), MBS_ERR_ARGUMENT);
    ck_assert_int_eq(mbs_plan_group(plan, 0, &group), MBS_OK);
    ck_assert_int_eq(group.peak_bytes - group.pinned_bytes, 8192);
    mbs_plan_free(plan);
    mbs_program_free(program);
    plan = plan_chain(&program, 0);
    for (size_t k = 0; k < 4; k++) {
        ck_assert_int_eq(mbs_plan_step_in_place(plan, k, &tensor), MBS_OK);
        ck_assert_int_eq(tensor, -1);
    }
    mbs_plan_free(plan);
    mbs_program_free(program);
}
END_TEST

typedef void damage(mbs_plan *plan, mbs_program *p);

static void over_nothing(mbs_plan *plan, mbs_program *p)
{
    plan->over[1] = p->steps[1].write_begin;
}

static void over_window(mbs_plan *plan, mbs_program *p)
{
    plan->over[3] = p->steps[3].touch_begin;
}

static void over_smaller(mbs_plan *plan, mbs_program *p)
{
    (void)plan;
    p->tensors[1].bytes = 32;
}

static void over_what_stays(mbs_plan *plan, mbs_program *p)
{
    plan->resident[p->steps[1].touch_begin] = true;
}

static void over_passing(mbs_plan *plan, mbs_program *p)
{
    (void)p;
    plan->mode[1] = MBS_PASSES;
}

static void not_over(mbs_plan *plan, mbs_program *p)
{
    (void)p;
    for (int32_t k = 0; k < p->step_count; k++)
        plan->over[k] = -1;
    plan->groups[0].peak_bytes += 1; /* what it is otherwise the replay says */
}

static const struct {
    damage *does;
    const char *message;
} damages[] = {
    {over_nothing,
     "step 1 \"n\" (group 0): writes over what is no operand that it reads [in-place]"},
    {over_window,
     "writes over tensor 3 \"r\", which a step of kind \"conv\" does not take element by "
     "element [in-place]"},
    {over_smaller, "writes tensor 2 \"n\" over tensor 1 \"c\" of another size [in-place]"},
    {over_what_stays, "writes over tensor 1 \"c\", which stays in the buffer for a later step "
                      "[in-place]"},
    {over_passing,
     "writes tensor 2 \"n\" over tensor 1 \"c\", of which it needs no room, in passes "
     "[in-place]"},
    {not_over, "the replay measured"},
};

START_TEST(damaged_plans)
{
    mbs_program *program;
    mbs_plan *plan = plan_chain(&program, 1);
    damages[_i].does(plan, program);
    mbs_error_clear(&error);
    ck_assert_int_eq(mbs_plan_verify(plan, NULL, &error), MBS_ERR_VERIFY);
    bool said = false;
    for (size_t i = 0; i < error.count && i < MBS_ERROR_MESSAGES; i++)
        said = said || strstr(error.message[i], damages[_i].message) != NULL;
    ck_assert_msg(said, "%s\nexpected %s", error.message[0], damages[_i].message);
    mbs_plan_free(plan);
    mbs_program_free(program);
}
END_TEST

/* ---- Files ----------------------------------------------------------------------------------- */

static const struct {
    const char *from;
    const char *to;
    const char *message; /* null: the file is as good as before */
} files[] = {
    {"{\"step\": 1, \"over\": 1}", "{\"step\": 1, \"over\": 1}", NULL},
    {"{\"step\": 1, \"over\": 1}", "{\"step\": 1, \"over\": 2}",
     "p.json: in_place[0].over: found 2 \"n\", expected a tensor that step 1 \"n\" reads"},
    {"{\"step\": 1, \"over\": 1}", "{\"step\": 1, \"over\": 1}, {\"step\": 1, \"over\": 1}",
     "p.json: in_place[1]: step 1 \"n\" is given twice"},
    {"{\"step\": 1, \"over\": 1}", "{\"step\": 4, \"over\": 1}",
     "p.json: in_place[0].step: found 4"},
    {"{\"step\": 1, \"over\": 1}", "{\"step\": 1}", "p.json: in_place[0].over: is missing"},
    {"{\"step\": 1, \"over\": 1}", "{\"step\": 1, \"over\": 1, \"by\": 2}",
     "p.json: in_place[0]: unknown member \"by\""},
    {"{\"step\": 1, \"over\": 1}", "1", "p.json: in_place[0]: found 1, expected an object"},
};

START_TEST(plan_files)
{
    mbs_program *program;
    char *json;
    mbs_plan *loaded = NULL;
    mbs_plan *plan = plan_chain(&program, 1);
    must_succeed(mbs_plan_to_json(&json, plan, &error), &error, "chain");
    char *file = replace_once(json, files[_i].from, files[_i].to);
    mbs_error_clear(&error);
    const mbs_status status = mbs_plan_load_text(&loaded, file, strlen(file), "p.json", &error);
    if (files[_i].message == NULL) {
        must_succeed(status, &error, "loading");
        must_succeed(mbs_plan_verify(loaded, NULL, &error), &error, "loaded");
        for (int32_t k = 0; k < program->step_count; k++) {
            ck_assert_int_eq(loaded->over[k], plan->over[k]);
            ck_assert_int_eq(loaded->program->steps[k].replaceable, program->steps[k].replaceable);
        }
    } else {
        ck_assert_int_eq(status, MBS_ERR_INPUT);
        ck_assert_msg(strstr(error.message[0], files[_i].message) != NULL, "%s\nexpected %s",
                      error.message[0], files[_i].message);
    }
    mbs_plan_free(loaded);
    mbs_free(file);
    mbs_free(json);
    mbs_plan_free(plan);
    mbs_program_free(program);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("in_place");
    TCase *tests = tcase_create("in place");
    tcase_add_loop_test(tests, steps_that_may, 0, (int)COUNT(cases));
    tcase_add_test(tests, kinds);
    tcase_add_test(tests, footprints);
    tcase_add_loop_test(tests, damaged_plans, 0, (int)COUNT(damages));
    tcase_add_loop_test(tests, plan_files, 0, (int)COUNT(files));
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
