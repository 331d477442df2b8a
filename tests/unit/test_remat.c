/* Programs that recompute, by hand (model, section 10): chains, copies, and what is refused. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mbsopt/mbsopt.h"
#include "remat_programs.h"
#include "run.h"

static const char chain[] =
    CONV("a", "x") "," NORM("n", "a") "," OP("r", "relu", "n") "," CONV("b", "r");

/* relu's output stands in for its mask, too; the norm is recomputed for it, the sink b never is. */
START_TEST(activations)
{
    mbs_network *network = load(chain);
    expect(network, NULL, MBS_RECOMPUTE_ACTIVATIONS,
           "loss(b)\n"
           "n.remat(a)\n"
           "r.remat(n.remat)\n"
           "b.wgrad(r.remat b.grad@loss)\n"
           "b.dgrad(b.grad@loss)\n"
           "r.bwd(r.grad@b r.remat)\n"
           "n.bwd(n.grad@r a)\n"
           "a.wgrad(x a.grad@n)\n");
    mbs_network_free(network);
}
END_TEST

START_TEST(the_mask_is_not_written)
{
    mbs_network *network = load(chain);
    for (int in = 0; in < 2; in++) {
        mbs_program *program = build(network, in ? "0110" : "0100", MBS_RECOMPUTE_NONE);
        mbs_step_info step;
        ck_assert_int_eq(mbs_program_step(program, 2, &step), MBS_OK);
        ck_assert_str_eq(step.name, "r");
        ck_assert_uint_eq(step.write_count, in ? 1 : 2);
        mbs_program_free(program);
    }
    mbs_network_free(network);
}
END_TEST

/* What nobody reads in the backward phase is not recomputed. */
START_TEST(only_what_is_read)
{
    mbs_network *network = load(chain);
    expect(network, "0100", MBS_RECOMPUTE_NONE,
           "loss(b)\n"
           "b.wgrad(r b.grad@loss)\n"
           "b.dgrad(b.grad@loss)\n"
           "r.bwd(r.grad@b r.mask)\n"
           "n.bwd(n.grad@r a)\n"
           "a.wgrad(x a.grad@n)\n");
    mbs_network_free(network);
}
END_TEST

/* A convolution again reads its weights, for its second reader its output is there already. */
START_TEST(convolution)
{
    mbs_network *network = load(chain);
    expect(network, "1010", MBS_RECOMPUTE_NONE,
           "loss(b)\n"
           "r.remat(n)\n"
           "b.wgrad(r.remat b.grad@loss)\n"
           "b.dgrad(b.grad@loss)\n"
           "r.bwd(r.grad@b r.remat)\n"
           "a.remat(x)\n"
           "n.bwd(n.grad@r a.remat)\n"
           "a.wgrad(x a.grad@n)\n");
    mbs_program *program = build(network, "1010", MBS_RECOMPUTE_NONE);
    mbs_step_info step;
    ck_assert_int_eq(mbs_program_step(program, 9, &step), MBS_OK);
    ck_assert_str_eq(step.name, "a.remat");
    ck_assert_str_eq(step.kind, "conv.remat");
    ck_assert_str_eq(step.layer, "a");
    ck_assert_int_eq(step.weight_bytes, 4 * 4 * 9 * 2);
    ck_assert_int_eq(step.accumulator_bytes, 0);
    mbs_program_free(program);
    mbs_network_free(network);
}
END_TEST

/* A layer that reads no copies made for others has its own made, with what they need; readers
 * behind it read the last one. */
START_TEST(anew)
{
    mbs_network *network = load(CONV("a", "x") "," NORM("n", "a") "," OP("r", "relu", "n") "," CONV(
        "b", "r") "," CONV("c", "r") ",{\"name\":\"s\",\"op\":\"add\",\"inputs\":[\"b\",\"c\"]}");
    expect(network, "0112000", MBS_RECOMPUTE_NONE,
           "loss(s)\n"
           "n.remat(a)\n"
           "r.remat(n.remat)\n"
           "c.wgrad(r.remat s.grad@loss)\n"
           "c.dgrad(s.grad@loss)\n"
           "n.remat#2(a)\n"
           "r.remat#2(n.remat#2)\n"
           "b.wgrad(r.remat#2 s.grad@loss)\n"
           "b.dgrad(s.grad@loss)\n"
           "r.gsum#1(r.grad@c r.grad@b)\n"
           "r.bwd(r.grad#1 r.remat#2)\n"
           "n.bwd(n.grad@r a)\n"
           "a.wgrad(x a.grad@n)\n");
    /* the norm's output is stored; the first reader has nothing to do anew */
    expect(network, "0032200", MBS_RECOMPUTE_NONE,
           "loss(s)\n"
           "r.remat(n)\n"
           "c.wgrad(r.remat s.grad@loss)\n"
           "c.dgrad(s.grad@loss)\n"
           "r.remat#2(n)\n"
           "b.wgrad(r.remat#2 s.grad@loss)\n"
           "b.dgrad(s.grad@loss)\n"
           "r.gsum#1(r.grad@c r.grad@b)\n"
           "r.remat#3(n)\n"
           "r.bwd(r.grad#1 r.remat#3)\n"
           "n.bwd(n.grad@r a)\n"
           "a.wgrad(x a.grad@n)\n");
    mbs_network_free(network);
}
END_TEST

/*
 * In 16 KiB dp ends a group between v's two backward steps. m reads r's copy before, b and r
 * behind: it is written, and read again, 4 samples of 2048 bytes each way. A second copy in the
 * later group is made from a, which is read in place of the first copy, and nothing is written.
 */
START_TEST(anew_pays_where_readers_are_far_apart)
{
#define POINT(name, from, channels)                                                                \
    "{\"name\":\"" name "\",\"op\":\"conv\",\"inputs\":[\"" from "\"],\"out_channels\":" channels  \
    ",\"kernel\":1}"
    static const char text[] =
        "{\"format\":\"mbsopt-network/1\",\"name\":\"t\",\"inputs\":[{\"name\":\"x\",\"shape\":"
        "[4,16,16]}],\"layers\":[" POINT("a", "x", "4") "," OP("r", "relu", "a") "," POINT(
            "b", "r", "4") "," POINT("w", "b",
                                     "16") "," POINT("v", "w",
                                                     "4") ",{\"name\":\"m\",\"op\":\"mul\","
                                                          "\"inputs\":[\"v\",\"r\"]}," POINT(
                                                              "f", "m", "4") "]"
                                                                             "}";
    mbs_network *network;
    mbs_hardware hardware;
    mbs_traffic traffic[2];
    mbs_error_clear(&error);
    ck_assert_int_eq(mbs_network_load_text(&network, text, strlen(text), "t", &error), MBS_OK);
    mbs_hardware_wavecore(&hardware);
    for (int i = 0; i < 2; i++) {
        mbs_program *program = build(network, i == 0 ? "0100000" : "0120000", MBS_RECOMPUTE_NONE);
        mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
        mbs_recompute_info info;
        mbs_plan *plan;
        options.batch = 4;
        options.buffer_bytes = 16384;
        options.planner = MBS_PLANNER_DP;
        ck_assert_int_eq(mbs_plan_create(&plan, program, &hardware, &options, &error), MBS_OK);
        ck_assert_int_eq(mbs_plan_verify(plan, &traffic[i], &error), MBS_OK);
        mbs_plan_recompute(plan, &info);
        ck_assert_uint_eq(info.layers, 1);
        ck_assert_uint_eq(info.anew, (size_t)i);
        mbs_plan_free(plan);
        mbs_program_free(program);
    }
    ck_assert_int_eq(traffic[0].activation_write - traffic[1].activation_write, 4 * 2048);
    ck_assert_int_eq(traffic[0].total - traffic[1].total, 4 * 2048);
    mbs_network_free(network);
}
END_TEST

static void refuse(const char *layers, size_t layer, const char *name)
{
    mbs_network *network = load(layers);
    unsigned char set[32] = {0};
    mbs_program *program;
    mbs_program_options options = MBS_PROGRAM_OPTIONS_INIT;
    options.recompute_layers = set;
    set[layer] = 1;
    mbs_error_clear(&error);
    ck_assert_int_eq(mbs_program_create(&program, network, &options, &error), MBS_ERR_ARGUMENT);
    ck_assert_ptr_null(program);
    ck_assert_uint_eq(error.count, 1);
    char expected[32];
    snprintf(expected, sizeof expected, "layer \"%s\" ", name);
    ck_assert_msg(strstr(error.message[0], expected) != NULL, "%s", error.message[0]);
    mbs_network_free(network);
}

START_TEST(what_cannot_be_recomputed)
{
    refuse(chain, 3, "b"); /* a sink */
    refuse(CONV("a", "x") "," OP("o", "dropout", "a") "," CONV("b", "o"), 1, "o");
    refuse(CONV("a", "x") "," OP("g", "global_avg_pool", "a") "," CONV("b", "g"), 1, "g");
    refuse(CONV("a", "x") "," SLICE("s", "a", "0", "2") "," CONV("b", "s"), 0, "a");
    refuse("{\"name\":\"p\",\"op\":\"parameter\",\"inputs\":[],\"shape\":[4,8,8]}," CONV("b", "p"),
           0, "p");
    refuse(CONV("a", "x") "," OP("i", "identity", "a") "," CONV("b", "i"), 1, "i");
}
END_TEST

START_TEST(auto_is_not_a_program)
{
    mbs_network *network = load(chain);
    mbs_program *program;
    mbs_program_options options = MBS_PROGRAM_OPTIONS_INIT;
    options.recompute = MBS_RECOMPUTE_AUTO;
    mbs_error_clear(&error);
    ck_assert_int_eq(mbs_program_create(&program, network, &options, &error), MBS_ERR_ARGUMENT);
    mbs_network_free(network);
}
END_TEST

/* A chain as deep as this would end a recursion. */
START_TEST(deep_chains)
{
    const int count = 200000;
    char *text = malloc((size_t)count * 80 + 400);
    ck_assert_ptr_nonnull(text);
    size_t used =
        (size_t)sprintf(text, "{\"format\":\"mbsopt-network/1\",\"name\":\"t\",\"inputs\":"
                              "[{\"name\":\"x\",\"shape\":[4,8,8]}],\"layers\":[" CONV("s0", "x"));
    for (int i = 1; i < count; i++)
        used += (size_t)sprintf(
            text + used, ",{\"name\":\"s%d\",\"op\":\"relu\",\"inputs\":[\"s%d\"]}", i, i - 1);
    used += (size_t)sprintf(text + used,
                            ","
                            "{\"name\":\"e\",\"op\":\"fc\",\"out_features\":1,"
                            "\"inputs\":[\"s%d\"]}]}",
                            count - 1);
    mbs_network *network;
    mbs_program *program;
    mbs_program_options options = MBS_PROGRAM_OPTIONS_INIT;
    mbs_error_clear(&error);
    ck_assert_int_eq(mbs_network_load_text(&network, text, used, "t", &error), MBS_OK);
    unsigned char *set = malloc((size_t)count + 1);
    ck_assert_ptr_nonnull(set);
    memset(set, 1, (size_t)count);
    set[count] = 0;
    options.recompute_layers = set;
    ck_assert_int_eq(mbs_program_create(&program, network, &options, &error), MBS_OK);
    /* forward; loss; all again but the last; two of e, one of each relu, one of s0 */
    const size_t n = (size_t)count;
    ck_assert_uint_eq(mbs_program_step_count(program), (n + 1) + 1 + n + 2 + (n - 1) + 1);
    mbs_program_free(program);
    mbs_network_free(network);
    free(set);
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("remat");
    TCase *tests = tcase_create("programs");
    tcase_add_test(tests, activations);
    tcase_add_test(tests, the_mask_is_not_written);
    tcase_add_test(tests, only_what_is_read);
    tcase_add_test(tests, convolution);
    tcase_add_test(tests, anew);
    tcase_add_test(tests, anew_pays_where_readers_are_far_apart);
    tcase_add_test(tests, what_cannot_be_recomputed);
    tcase_add_test(tests, auto_is_not_a_program);
    tcase_add_test(tests, deep_chains);
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
