/* src/program: the steps of every op, what a program says of itself, and what is too large. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "program_listing.h"
#include "run.h"

/* ---- Updates --------------------------------------------------------------------------------- */

static void check_updates(const char *layers, mbs_optimizer optimizer, int64_t master, int split,
                          const char *steps)
{
    mbs_program_options options = MBS_PROGRAM_OPTIONS_INIT;
    mbs_program *program;
    options.optimizer = optimizer;
    options.optimizer_bits.master = master;
    options.split_norms = split;
    ck_assert_msg(build(&program, X_INPUT, layers, &options) == MBS_OK, "%s", error.message[0]);
    char *found = list_steps(program);
    /* forward steps and the loss are those of any program */
    const char *backward = strchr(strstr(found, "loss"), '\n') + 1;
    ck_assert_msg(strcmp(backward, steps) == 0, "found\n%sexpected\n%s", backward, steps);
    mbs_free(found);
    mbs_program_free(program);
}

/* 4 parameters: gradient 16 bytes, masters and a word of state 16 each, weights 8. */
START_TEST(updates_follow_gradients)
{
    check_updates(CONV("c", "x") CONV("d", "c"), MBS_OPTIMIZER_MOMENTUM, 32, 0,
                  "B d.wgrad conv.wgrad [c d.grad@loss]>[] a16\n"
                  "B d.update momentum.update []>[] g16 r32 w40\n"
                  "B d.dgrad conv.dgrad [d.grad@loss]>[c.grad@d] w8\n"
                  "B c.wgrad conv.wgrad [x c.grad@d]>[] a16\n"
                  "B c.update momentum.update []>[] g16 r32 w40\n");
    check_updates(CONV("c", "x"), MBS_OPTIMIZER_SGD, 0, 0,
                  "B c.wgrad conv.wgrad [x c.grad@loss]>[] a16\n"
                  "B c.update sgd.update []>[] g16 r8 w8\n");
    check_updates(CONV("c", "x"), MBS_OPTIMIZER_ADAM, 32, 0,
                  "B c.wgrad conv.wgrad [x c.grad@loss]>[] a16\n"
                  "B c.update adam.update []>[] g16 r48 w56\n");
    /* the parameters' gradient of a norm in two steps comes with the first */
    check_updates(CONV("c", "x") LAYER("n", "c", "'op':'norm','kind':'layer'"), MBS_OPTIMIZER_SGD,
                  32, 1,
                  "B n.bwd.stat norm.bwd.stat [n.grad@loss c]>[n.bwd.statistics] a16\n"
                  "B n.update sgd.update []>[] g16 r16 w24\n"
                  "B n.bwd norm.bwd [n.grad@loss c n.bwd.statistics]>[c.grad@n] w8\n"
                  "B c.wgrad conv.wgrad [x c.grad@n]>[] a16\n"
                  "B c.update sgd.update []>[] g16 r16 w24\n");
    /* one for two layers, behind the one that is first in the program */
    check_updates(CONV("c", "x")
                      LAYER("d", "c", "'op':'conv','out_channels':2,'kernel':1,'shares':'c'"),
                  MBS_OPTIMIZER_SGD, 32, 0,
                  "B d.wgrad conv.wgrad [c d.grad@loss]>[] a16\n"
                  "B d.dgrad conv.dgrad [d.grad@loss]>[c.grad@d] w8 w=1\n"
                  "B c.wgrad conv.wgrad [x c.grad@d]>[] a16 a=3\n"
                  "B c.update sgd.update []>[] g16 r16 w24\n");
}
END_TEST

START_TEST(unknown_optimizers)
{
    mbs_program_options options = MBS_PROGRAM_OPTIONS_INIT;
    mbs_program *program;
    options.optimizer = MBS_OPTIMIZER_COUNT;
    ck_assert_int_eq(build(&program, X_INPUT, CONV("c", "x"), &options), MBS_ERR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.message[0], "optimizer"));
    ck_assert_str_eq(mbs_optimizer_name(MBS_OPTIMIZER_ADAM), "adam");
    ck_assert_ptr_null(mbs_optimizer_name(MBS_OPTIMIZER_COUNT));
}
END_TEST

/* ---- Every op -------------------------------------------------------------------------------- */

/* A layer `t` that reads `c`, which needs a gradient, and is the sink. */
typedef struct op_case {
    const char *members;
    const char *forward;  /* after "F t " */
    const char *backward; /* after "B t.bwd " */
    int64_t side_bytes;   /* of its mask or index */
} op_case;

#define MASK_OP(op)                                                                                \
    {                                                                                              \
        "'op':'" op "'", op " [c]>[t t.mask]", op ".bwd [t.grad@loss t.mask]>[c.grad@t]", 4        \
    }
#define INPUT_OP(op)                                                                               \
    {                                                                                              \
        "'op':'" op "'", op " [c]>[t]", op ".bwd [t.grad@loss c]>[c.grad@t]", 0                    \
    }
#define POOL(members, bytes)                                                                       \
    {                                                                                              \
        "'op':'max_pool','kernel':" members, "max_pool [c]>[t t.index]",                           \
            "max_pool.bwd [t.grad@loss t.index]>[c.grad@t]", bytes                                 \
    }
/* 2·2 parameters */
#define NORM(members)                                                                              \
    {                                                                                              \
        "'op':'norm','kind':" members, "norm [c]>[t] w8 whole",                                    \
            "norm.bwd [t.grad@loss c]>[c.grad@t] w8 a16 whole", 0                                  \
    }

static const op_case op_cases[] = {
    MASK_OP("relu"),
    MASK_OP("relu6"),
    MASK_OP("leaky_relu"),
    MASK_OP("dropout"),
    {"'op':'sigmoid'", "sigmoid [c]>[t]", "sigmoid.bwd [t.grad@loss t]>[c.grad@t]", 0},
    {"'op':'tanh'", "tanh [c]>[t]", "tanh.bwd [t.grad@loss t]>[c.grad@t]", 0},
    {"'op':'softmax'", "softmax [c]>[t] whole", "softmax.bwd [t.grad@loss t]>[c.grad@t] whole", 0},
    INPUT_OP("gelu"),
    INPUT_OP("silu"),
    INPUT_OP("elu"),
    INPUT_OP("hardswish"),
    INPUT_OP("hardsigmoid"),
    {"'op':'lrn'", "lrn [c]>[t]", "lrn.bwd [t.grad@loss c t]>[c.grad@t]", 0},
    {"'op':'avg_pool','kernel':2", "avg_pool [c]>[t]", "avg_pool.bwd [t.grad@loss]>[c.grad@t]", 0},
    {"'op':'global_avg_pool'", "global_avg_pool [c]>[t]",
     "global_avg_pool.bwd [t.grad@loss]>[c.grad@t]", 0},
    NORM("'group','groups':2"),
    NORM("'layer'"),
    NORM("'instance'"),
    NORM("'batch'"), /* replaced */
    /* output elements times bits, up to whole bytes: 32·1, 32·1 (of 2), 8·2 (of 4), 4·3 (of 8),
     * 32·4 (of 9), 2·4 (of 16), 8·6 (of 49, padded to [2,2,2]) */
    POOL("1", 4),
    POOL("[1,2],'stride':1,'pad':[0,0,0,1]", 4),
    POOL("2", 2),
    POOL("[4,2]", 2),
    POOL("3,'stride':1,'pad':1", 16),
    POOL("4", 1),
    POOL("7,'stride':1,'pad':2", 6),
};

START_TEST(ops)
{
    const op_case *c = &op_cases[_i];
    char layers[256];
    char expected[512];
    mbs_tensor_info side;
    snprintf(layers, sizeof layers, CONV("c", "x") LAYER("t", "c", "%s"), c->members);
    snprintf(expected, sizeof expected,
             "F c conv [x]>[c] w8\nF t %s\nB loss loss [t]>[t.grad@loss]\nB t.bwd %s\n"
             "B c.wgrad conv.wgrad [x c.grad@t]>[] a16\n",
             c->forward, c->backward);
    mbs_program *program = must_build(layers, TRAINING);
    check_listing(program, expected, NULL);
    if (c->side_bytes > 0) {
        ck_assert_int_eq(mbs_program_tensor(program, 3, &side), MBS_OK); /* after x, c, t */
        ck_assert_int_eq(side.bytes, c->side_bytes);
    }
    mbs_program_free(program);
}
END_TEST

/* Rows of the table are read for each sample, and their gradient stays: 32 places, 4 numbers each.
 */
START_TEST(rows_of_a_table)
{
    mbs_tensor_info tensor;
    mbs_program *program = must_build(LAYER("e", "x", "'op':'embedding','rows':9,'out_features':4")
                                          OP("g", "gelu", "e"),
                                      TRAINING);
    check_listing(program,
                  "F e embedding [x e.rows]>[e]\nF g gelu [e]>[g]\nB loss loss [g]>[g.grad@loss]\n"
                  "B g.bwd gelu.bwd [g.grad@loss e]>[e.grad@g]\n"
                  "B e.bwd embedding.bwd [e.grad@g x]>[e.rows.grad]\n",
                  NULL);
    ck_assert_int_eq(mbs_program_tensor(program, 1, &tensor), MBS_OK);
    ck_assert_int_eq(tensor.producer, -1);
    ck_assert_int_eq(tensor.bytes, 32 * 4 * 2);
    ck_assert(program->tensors[6].kept);
    ck_assert_int_eq(program->tensors[6].bytes, 32 * 4 * 4);
    mbs_program_free(program);
    program = must_build(LAYER("e", "x", "'op':'embedding','rows':9,'out_features':4"), INFERENCE);
    check_listing(program, "F e embedding [x e.rows]>[e]\n", NULL);
    mbs_program_free(program);
}
END_TEST

/* ---- What else a program says ---------------------------------------------------------------- */

/* A gsum belongs to the layer whose output's gradient it sums, loss to none. */
START_TEST(steps_know_their_layers)
{
    static const char *const layers[] = {"c", "d", "g", "loss", "g", "d", "d", "c", "c"};
    mbs_program *program = must_build(CONV("c", "x") CONV("d", "c") OP("g", "gelu", "c"), TRAINING);
    ck_assert_uint_eq(mbs_program_step_count(program), COUNT(layers));
    for (size_t k = 0; k < COUNT(layers); k++) {
        mbs_step_info step;
        ck_assert_int_eq(mbs_program_step(program, k, &step), MBS_OK);
        ck_assert_str_eq(step.layer, layers[k]);
    }
    ck_assert_int_eq(program->steps[3].layer_id, -1);
    ck_assert_int_eq(program->steps[7].layer_id, program->steps[0].layer_id);
    ck_assert_int_ne(program->steps[1].layer_id, program->steps[0].layer_id);
    mbs_program_free(program);
}
END_TEST

START_TEST(figures_from_outside)
{
    mbs_program *program = must_build(CONV("c", "x") OP("r", "relu", "c") CONV("d", "r"), TRAINING);
    mbs_step_info step;
    mbs_tensor_info tensor;
    /* r reads c and writes r and its mask: 64 + 64 + 4 */
    ck_assert_int_eq(mbs_program_step(program, 1, &step), MBS_OK);
    ck_assert_int_eq(step.operand_bytes, 132);
    ck_assert_uint_eq(step.read_count, 1);
    ck_assert_uint_eq(step.write_count, 2);
    ck_assert_int_eq(mbs_program_tensor(program, 0, &tensor), MBS_OK);
    ck_assert_int_eq(tensor.producer, -1); /* x */
    ck_assert_int_eq(mbs_program_tensor(program, 3, &tensor), MBS_OK);
    ck_assert_int_eq(tensor.producer, 1); /* r.mask */
    ck_assert_int_eq(mbs_program_step(program, 8, &step), MBS_ERR_ARGUMENT);
    ck_assert_int_eq(mbs_program_tensor(program, 8, &tensor), MBS_ERR_ARGUMENT);
    ck_assert_int_eq(mbs_program_step_read(program, 1, 1), -1);
    ck_assert_int_eq(mbs_program_step_write(program, 1, 2), -1);
    ck_assert_int_eq(mbs_program_step_read(program, 8, 0), -1);
    ck_assert_int_eq(mbs_program_step_write(program, 8, 0), -1);
    mbs_program_free(program);
    mbs_program_free(NULL);
}
END_TEST

/* c is written by step 0 and read by 1 and 2: three touches, linked both ways. */
START_TEST(touches_are_linked)
{
    mbs_program *program =
        must_build(CONV("c", "x") OP("g", "gelu", "c") OP("h", "silu", "c"), INFERENCE);
    const mbs_tensor *c = &program->tensors[1];
    int32_t before = -1;
    int32_t t = c->first_touch;
    for (int32_t step = 0; step < 3; step++) {
        ck_assert_int_ge(t, 0);
        ck_assert_int_eq(program->touches[t].tensor, 1);
        ck_assert_int_eq(program->touches[t].step, step);
        ck_assert_int_eq(program->touches[t].previous, before);
        before = t;
        t = program->touches[t].next;
    }
    ck_assert_int_eq(t, -1);
    ck_assert_int_eq(c->last_touch, before);
    mbs_program_free(program);
}
END_TEST

/* ---- Too large ------------------------------------------------------------------------------- */

typedef struct size_case {
    const char *shape;
    const char *layers;
    mbs_status status;
} size_case;

#define WIDE(name) LAYER(name, "x", "'op':'fc','out_features':536870911")
#define SEVEN      WIDE("a") WIDE("b") WIDE("c") WIDE("d") WIDE("e") WIDE("f") WIDE("g")

static const size_case size_cases[] = {
    /* 2^58 elements: 2^59 bytes; x and r read and written: 2^60 in all */
    {"[268435456,1073741824]", OP("r", "relu", "x"), MBS_OK},
    /* 2^59 elements of 16 bits are 2^63 bits */
    {"[536870912,1073741824]", OP("r", "relu", "x"), MBS_ERR_INPUT},
    /* 2^59 bytes read and written by four steps are 2^62 in all, by eight 2^63 */
    {"[268435456,1073741824]",
     OP("r", "relu", "x") OP("s", "relu", "r") OP("t", "relu", "s") OP("u", "relu", "t"), MBS_OK},
    {"[268435456,1073741824]",
     OP("r", "relu", "x") OP("s", "relu", "r") OP("t", "relu", "s") OP("u", "relu", "t")
         OP("v", "relu", "u") OP("w", "relu", "v") OP("y", "relu", "w") OP("z", "relu", "y"),
     MBS_ERR_INPUT},
    /* weights: 2^30 · 2^29 of 16 bits are 2^63 bits; one output less fits */
    {"[1073741824]", LAYER("y", "x", "'op':'fc','out_features':536870912"), MBS_ERR_INPUT},
    {"[1073741824]", LAYER("y", "x", "'op':'fc','out_features':536870911"), MBS_OK},
    /* seven times 2^60 bytes of weights, but for a little, are there; eight and the rest are 2^63
     */
    {"[1073741824]", SEVEN, MBS_OK},
    {"[1073741824]", SEVEN WIDE("h"), MBS_ERR_INPUT},
};

START_TEST(sizes)
{
    const size_case *c = &size_cases[_i];
    const mbs_program_options options = {.inference = 1, .bits = {16, 16, 32, 1}};
    char inputs[128];
    mbs_program *program;
    snprintf(inputs, sizeof inputs, "{'name':'x','shape':%s}", c->shape);
    ck_assert_int_eq(build(&program, inputs, c->layers, &options), c->status);
    if (c->status == MBS_OK) {
        ck_assert_uint_eq(error.count, 0);
    } else {
        ck_assert_ptr_null(program);
        ck_assert_uint_eq(error.count, 1);
        ck_assert_int_eq(error.status, c->status);
        ck_assert_ptr_nonnull(strstr(error.message[0], "test"));
    }
    mbs_program_free(program);
}
END_TEST

/* What fits for inference does not for training: accumulators of 2^28·2^30 · 64 bits are 2^64. */
START_TEST(accumulators_too_large)
{
    mbs_program_options options = {.bits = {16, 16, 64, 1}};
    mbs_program *program;
    static const char layers[] = LAYER("y", "x", "'op':'fc','out_features':268435456");
    ck_assert_int_eq(build(&program, "{'name':'x','shape':[1073741824]}", layers, &options),
                     MBS_ERR_INPUT);
    ck_assert_ptr_null(program);
    options.inference = 1;
    ck_assert_int_eq(build(&program, "{'name':'x','shape':[1073741824]}", layers, &options),
                     MBS_OK);
    mbs_program_free(program);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("steps");
    TCase *tests = tcase_create("steps");
    tcase_add_test(tests, updates_follow_gradients);
    tcase_add_test(tests, unknown_optimizers);
    tcase_add_loop_test(tests, ops, 0, (int)COUNT(op_cases));
    tcase_add_test(tests, rows_of_a_table);
    tcase_add_test(tests, steps_know_their_layers);
    tcase_add_test(tests, figures_from_outside);
    tcase_add_test(tests, touches_are_linked);
    tcase_add_loop_test(tests, sizes, 0, (int)COUNT(size_cases));
    tcase_add_test(tests, accumulators_too_large);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
