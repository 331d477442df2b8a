/* Backward steps that add their gradients to what others have made (model, section 13). */
#include <check.h>
#include <string.h>

#include "base/text.h"
#include "cost/schedule.h"
#include "program_listing.h"
#include "run.h"

/* ---- Which steps do so ----------------------------------------------------------------------- */

static const struct {
    const char *layers;
    int flags;
    const char *sums; /* lines of the backward phase that sum gradients */
} cases[] = {
    /* the second and the third contribution; the first has nothing to be added to */
    {CONV("c", "x") CONV("d", "c") CONV("e", "c") OP("f", "relu", "c")
         OP3("s", "add", "d", "e", "f"),
     SUMS,
     "B e.dgrad conv.dgrad [s.grad@loss c.grad@f]>[c.grad#1(c.grad@f+)] w8\n"
     "B d.dgrad conv.dgrad [s.grad@loss c.grad#1]>[c.grad#2(c.grad#1+)] w8\n"},
    /* both gradients of one step, in the order of its inputs */
    {CONV("p", "x") CONV("q", "x") OP2("m", "mul", "p", "q") OP2("n", "mul", "q", "p")
         OP2("s", "add", "m", "n"),
     SUMS,
     "B m.bwd mul.bwd [s.grad@loss p q p.grad@n q.grad@n]>[p.grad#1(p.grad@n+) "
     "q.grad#1(q.grad@n+)]\n"},
    /* no step makes what an add contributes; a step adds to it, and to the sum */
    {CONV("c", "x") OP("g", "global_avg_pool", "c") OP2("s", "add", "g", "c") OP("r", "relu", "c")
         OP2("t", "add", "s", "r"),
     SUMS,
     "B c.gsum#1 gsum [c.grad@r t.grad@loss]>[c.grad#1]\n"
     "B g.bwd global_avg_pool.bwd [g.grad@s c.grad#1]>[c.grad#2(c.grad#1+)]\n"},
    {CONV("c", "x") OP2("s", "add", "c", "c"), SUMS, "B c.gsum#1 gsum [s.grad@loss]>[c.grad#1]\n"},
    /* what else a step reads is not added on its way out: here dY itself, d's and c's */
    {CONV("c", "x") CONV("d", "c") OP2("s", "add", "d", "c"), SUMS,
     "B c.gsum#1 gsum [s.grad@loss c.grad@d]>[c.grad#1]\n"},
    {CONV("c", "x") CONV("d", "c") OP("r", "relu", "d") OP2("s", "add", "r", "c"), SUMS,
     "B d.dgrad conv.dgrad [d.grad@r s.grad@loss]>[c.grad#1(s.grad@loss+)] w8\n"},
    /* nor is one gradient added to two */
    {CONV("c", "x") CONV("d", "x") OP2("k", "concat", "c", "d")
         LAYER("y", "k", "'op':'fc','out_features':1") OP2("s", "add", "d", "c"),
     SUMS,
     "B y.dgrad fc.dgrad [y.grad@loss s.grad@loss]>[c.grad#1(s.grad@loss+) d.grad@y] w128\n"
     "B d.gsum#1 gsum [s.grad@loss d.grad@y]>[d.grad#1]\n"},
    /* a product of activations, the second gradient of one tensor */
    {CONV("c", "x") LAYER("m", "c','c", "'op':'matmul','transpose_b':true")
         OP2("n", "matmul", "m", "x"),
     SUMS,
     "B m.bgrad matmul.bgrad [m.grad@n.agrad c c.grad@m.agrad]>[c.grad#1(c.grad@m.agrad+)] "
     "whole\n"},
    /* a part of a value has a gradient of its own */
    {CONV("c", "x") LAYER("a", "c", "'op':'slice','begin':1,'end':2")
         LAYER("d", "a", "'op':'conv','out_channels':2,'kernel':1") OP("t", "tanh", "c")
             OP2("s", "add", "d", "t"),
     SUMS, "B d.dgrad conv.dgrad [s.grad@loss c[1:2].grad@t]>[c[1:2].grad#1(c[1:2].grad@t+)] w4\n"},
    /* the application of a norm, not what takes its statistics */
    {CONV("c", "x") LAYER("n", "c", "'op':'norm','kind':'instance'") OP("r", "relu", "c")
         OP2("m", "mul", "r", "n"),
     SUMS | SPLIT,
     "B n.bwd norm.bwd [n.grad@m c n.bwd.statistics c.grad@r]>[c.grad#1(c.grad@r+)] w8\n"},
    /* what is computed again is none of it */
    {CONV("c", "x") LAYER("n", "c", "'op':'norm','kind':'instance'") CONV("d", "n") CONV("e", "n")
         OP2("s", "add", "d", "e"),
     SUMS | ACTIVATIONS, "B d.dgrad conv.dgrad [s.grad@loss n.grad@e]>[n.grad#1(n.grad@e+)] w8\n"},
    {CONV("c", "x") CONV("d", "c") CONV("e", "c"), INFERENCE | SUMS, ""},
};

/* The lines with a sum, of a step of its own or besides. */
static char *list_sums(const mbs_program *p)
{
    text out = TEXT_INIT;
    char *result;
    char *all = list_steps(p);
    for (char *line = strtok(all, "\n"); line != NULL; line = strtok(NULL, "\n"))
        if (strstr(line, " gsum ") != NULL || strstr(line, "+)") != NULL)
            text_format(&out, "%s\n", line);
    mbs_free(all);
    ck_assert_int_eq(text_finish(&out, &result, NULL), MBS_OK);
    return result;
}

START_TEST(steps_that_add)
{
    mbs_program *program = must_build(cases[_i].layers, cases[_i].flags);
    char *found = list_sums(program);
    ck_assert_str_eq(found, cases[_i].sums);
    mbs_free(found);
    mbs_program_free(program);
}
END_TEST

/* Of a network as it is there are none, and as many tensors have been summed in the end. */
START_TEST(as_many_sums_as_without)
{
    mbs_program *with = must_build(cases[_i].layers, cases[_i].flags);
    mbs_program *without = must_build(cases[_i].layers, cases[_i].flags & ~SUMS);
    int32_t sums[2] = {0, 0};
    for (int32_t i = 0; i < with->tensor_count; i++)
        sums[0] += strstr(with->tensors[i].name, ".grad#") != NULL;
    for (int32_t i = 0; i < without->tensor_count; i++) {
        sums[1] += strstr(without->tensors[i].name, ".grad#") != NULL;
        ck_assert_int_eq(without->tensors[i].running, -1);
    }
    ck_assert_int_eq(sums[0], sums[1]);
    mbs_program_free(with);
    mbs_program_free(without);
}
END_TEST

/* ---- Over what they write the sum ------------------------------------------------------------ */

/* "r.bwd>c.grad@d ": what a backward step may write over. */
static char *list_over(const mbs_program *p)
{
    text out = TEXT_INIT;
    char *result;
    for (int32_t k = program_forward_end(p); k < p->step_count; k++)
        for (int32_t t = p->steps[k].touch_begin; t < p->steps[k].write_begin; t++)
            if (program_may_replace(p, t))
                text_format(&out, "%s>%s ", p->steps[k].name,
                            p->tensors[p->touches[t].tensor].name);
    ck_assert_int_eq(text_finish(&out, &result, NULL), MBS_OK);
    return result;
}

#define SLICE(name, in, begin, step)                                                               \
    LAYER(name, in, "'op':'slice','begin':" begin ",'end':2,'step':" step)

static const struct {
    const char *layers;
    const char *over;
} replacing[] = {
    /* a product: the gradient that it adds to, and nothing else */
    {CONV("c", "x") CONV("d", "c") OP("r", "relu", "c") OP2("s", "add", "d", "r"),
     "r.bwd>s.grad@loss d.dgrad>c.grad@r "},
    /* of several sums that of what is written first */
    {CONV("p", "x") CONV("q", "x") OP2("m", "mul", "p", "q") OP2("n", "mul", "q", "p")
         OP2("s", "add", "m", "n"),
     "n.bwd>s.grad@loss n.bwd>q n.bwd>p m.bwd>s.grad@loss m.bwd>p m.bwd>q m.bwd>p.grad@n "},
    /* a gradient whose channels are in another order, 1 and 0 of two */
    {CONV("a", "x") SLICE("o", "a", "1", "2") SLICE("e", "a", "0", "2")
         LAYER("v", "o','e", "'op':'concat'") CONV("d", "a") OP("r", "relu", "d")
             OP2("s", "add", "v", "r"),
     "r.bwd>s.grad@loss "},
};

START_TEST(over_the_running_gradient)
{
    mbs_program *program = must_build(replacing[_i].layers, SUMS);
    char *found = list_over(program);
    ck_assert_str_eq(found, replacing[_i].over);
    mbs_free(found);
    mbs_program_free(program);
}
END_TEST

/* ---- Rows ------------------------------------------------------------------------------------ */

/* Windows slide over dY alone; what is added goes row by row. */
START_TEST(rows_of_what_is_added)
{
    mbs_program *p =
        must_build(CONV("c", "x") LAYER("d", "c", "'op':'conv','out_channels':2,'kernel':3,'pad':1")
                       OP("r", "relu", "c") OP2("s", "add", "d", "r"),
                   SUMS | SPLIT);
    int32_t found = 0;
    for (int32_t t = 0; t < p->touch_count; t++) {
        if (!program_is_running(p, t))
            continue;
        const int32_t k = p->touches[t].step;
        found++;
        ck_assert_str_eq(p->steps[k].name, "d.dgrad");
        ck_assert_int_eq(p->touches[t].map, ROW_MAP_SAME);
        ck_assert_int_eq(p->maps[p->touches[p->steps[k].touch_begin].map].kind, ROWS_TRANSPOSED);
    }
    ck_assert_int_eq(found, 1);
    mbs_program_free(p);
}
END_TEST

/* ---- Plans and their files ------------------------------------------------------------------- */

/* c x->c, d c->d, r c->r, s d,r->s, loss, r.bwd, d.wgrad, d.dgrad and c.wgrad. */
static mbs_plan *make_plan(mbs_program **program, int flags)
{
    mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
    mbs_hardware hardware;
    mbs_plan *plan;
    mbs_hardware_wavecore(&hardware);
    *program = must_build(
        CONV("c", "x") CONV("d", "c") OP("r", "relu", "c") OP2("s", "add", "d", "r"), flags);
    options.in_place = 1;
    options.batch = 64;
    options.buffer_bytes = 20000;
    options.no_stream = 1;
    mbs_error_clear(&error);
    must_succeed(mbs_plan_create(&plan, *program, &hardware, &options, &error), &error, "sums");
    return plan;
}

/* 64 samples of five tensors of 64 bytes are more than the buffer's. */
START_TEST(plans_write_over_it)
{
    mbs_program *program;
    mbs_plan *plan = make_plan(&program, SUMS);
    int64_t over;
    mbs_tensor_info tensor;
    ck_assert_str_eq(program->steps[7].name, "d.dgrad");
    ck_assert_int_eq(mbs_plan_step_in_place(plan, 7, &over), MBS_OK);
    ck_assert_int_eq(mbs_program_tensor(program, (size_t)over, &tensor), MBS_OK);
    ck_assert_str_eq(tensor.name, "c.grad@r");
    ck_assert_int_eq(mbs_plan_verify(plan, NULL, &error), MBS_OK);
    plan->over[7] = program->steps[7].touch_begin;
    ck_assert_int_eq(mbs_plan_verify(plan, NULL, &error), MBS_ERR_VERIFY);
    ck_assert_ptr_nonnull(strstr(error.message[0], "does not take element by element"));
    mbs_plan_free(plan);
    mbs_program_free(program);
}
END_TEST

#define SUM "\"sums\": [{\"running\": 7, \"sum\": 8}]"

static const struct {
    const char *from;
    const char *to;
    const char *message; /* null: the file is as good as before */
} files[] = {
    {SUM, SUM, NULL},
    {SUM, "\"sums\": 8", "steps[7].sums: found 8, expected a list of sums"},
    {SUM, "\"sums\": []", "steps[7].sums: found an empty list, expected a list of sums"},
    {SUM, "\"sums\": [8]", "steps[7].sums[0]: found 8, expected an object"},
    {SUM, "\"sums\": [{\"running\": 7}]", "steps[7].sums[0].sum: is missing"},
    {SUM, "\"sums\": [{\"running\": 9, \"sum\": 8}]",
     "steps[7].sums[0].running: found 9, expected a whole number from 0 to 8"},
    {SUM, "\"sums\": [{\"running\": 6, \"sum\": 8}]",
     "steps[7].sums[0].running: found 6 \"s.grad@loss\", expected a tensor that the step reads, "
     "and not as the first"},
    {SUM, "\"sums\": [{\"running\": 8, \"sum\": 8}]",
     "steps[7].sums[0].running: found 8 \"c.grad#1\", expected a tensor that the step reads"},
    {SUM, "\"sums\": [{\"running\": 7, \"sum\": 7}]",
     "steps[7].sums[0].sum: found 7 \"c.grad@r\", expected a tensor that the step writes, each "
     "once"},
    {SUM, "\"sums\": [{\"running\": 7, \"sum\": 8}, {\"running\": 7, \"sum\": 8}]",
     "steps[7].sums[1].running: found 7 \"c.grad@r\" for the second time, expected each once"},
    {"\"name\": \"c.grad@r\", \"bytes\": 64", "\"name\": \"c.grad@r\", \"bytes\": 60",
     "steps[7].sums[0]: adds to tensor 7 \"c.grad@r\" what is tensor 8 \"c.grad#1\" then, expected "
     "one of its size"},
    {"\"kind\": \"conv.dgrad\"", "\"kind\": \"conv.wgrad\"",
     "steps[7].sums: is a member of backward steps that make gradients only; this one is of kind "
     "\"conv.wgrad\""},
};

START_TEST(plan_files)
{
    mbs_program *program;
    mbs_plan *plan = make_plan(&program, SUMS);
    mbs_plan *loaded = NULL;
    char *json;
    char *again;
    must_succeed(mbs_plan_to_json(&json, plan, &error), &error, "to JSON");
    char *changed = replace_once(json, files[_i].from, files[_i].to);
    mbs_error_clear(&error);
    const mbs_status status =
        mbs_plan_load_text(&loaded, changed, strlen(changed), "p.json", &error);
    if (files[_i].message == NULL) {
        ck_assert_msg(status == MBS_OK, "%s", error.message[0]);
        ck_assert_int_eq(mbs_plan_verify(loaded, NULL, &error), MBS_OK);
        must_succeed(mbs_plan_to_json(&again, loaded, &error), &error, "to JSON");
        ck_assert_str_eq(again, json);
        mbs_free(again);
    } else {
        ck_assert_int_eq(status, MBS_ERR_INPUT);
        ck_assert_msg(strstr(error.message[0], files[_i].message) != NULL, "%s\nexpected %s",
                      error.message[0], files[_i].message);
    }
    mbs_free(changed);
    mbs_free(json);
    mbs_plan_free(loaded);
    mbs_plan_free(plan);
    mbs_program_free(program);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sums");
    TCase *tests = tcase_create("sums");
    tcase_add_loop_test(tests, steps_that_add, 0, (int)COUNT(cases));
    tcase_add_loop_test(tests, as_many_sums_as_without, 0, (int)COUNT(cases));
    tcase_add_loop_test(tests, over_the_running_gradient, 0, (int)COUNT(replacing));
    tcase_add_test(tests, rows_of_what_is_added);
    tcase_add_test(tests, plans_write_over_it);
    tcase_add_loop_test(tests, plan_files, 0, (int)COUNT(files));
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
