/* src/network/fuse.c: layers that the step of the one before does, too (model, section 13). */
#include <check.h>

#include "program_listing.h"
#include "run.h"

#define BATCH_NORM(name, in) LAYER(name, in, "'op':'norm','kind':'batch'")
#define GROUP_NORM(name, in) LAYER(name, in, "'op':'norm','kind':'group','groups':2")
#define FC(name, in, axis)   LAYER(name, in, "'op':'fc','out_features':2,'axis':" axis)

enum { BOTH = MBS_FUSE_PRODUCTS | MBS_FUSE_NORMS };

typedef struct fuse_case {
    const char *layers;
    int fusion;
    int flags; /* of the program */
    const char *listing;
} fuse_case;

/* Weights of a CONV take 8 bytes, 12 with a norm in them, a norm's parameters 8. */
static const fuse_case cases[] = {
    {CONV("c", "x") BATCH_NORM("n", "c") OP("r", "relu", "n"), MBS_FUSE_PRODUCTS, INFERENCE,
     "F c conv [x]>[c] w12 +n +r\n"},
    {CONV("c", "x") BATCH_NORM("n", "c") OP("r", "relu", "n"), MBS_FUSE_NORMS, INFERENCE,
     "F c conv [x]>[c] w8\nF n affine [c]>[n] w8 +r\n"},
    /* a bias that is there stays one */
    {LAYER("c", "x", "'op':'conv','out_channels':2,'kernel':1,'bias':true") BATCH_NORM("n", "c"),
     MBS_FUSE_PRODUCTS, INFERENCE, "F c conv [x]>[c] w12 +n\n"},
    /* other norms have statistics of what they read */
    {CONV("c", "x") GROUP_NORM("n", "c") OP("r", "relu", "n"), MBS_FUSE_PRODUCTS, INFERENCE,
     "F c conv [x]>[c] w8\nF n norm [c]>[n] w8 whole\nF r relu [n]>[r]\n"},
    {CONV("c", "x") GROUP_NORM("n", "c") OP("r", "relu", "n"), BOTH, INFERENCE,
     "F c conv [x]>[c] w8\nF n norm [c]>[n] w8 whole +r\n"},
    /* without a norm; an activation that has parameters, or needs more than its element, stays */
    {CONV("c", "x") OP("g", "gelu", "c"), MBS_FUSE_PRODUCTS, INFERENCE, "F c conv [x]>[c] w8 +g\n"},
    {CONV("c", "x") LAYER("p", "c", "'op':'prelu'"), MBS_FUSE_PRODUCTS, INFERENCE,
     "F c conv [x]>[c] w8\nF p prelu [c]>[p] w2\n"},
    {CONV("c", "x") OP("s", "softmax", "c"), MBS_FUSE_PRODUCTS, INFERENCE,
     "F c conv [x]>[c] w8\nF s softmax [c]>[s] whole\n"},
    /* one activation; what is dropped in training is not here */
    {CONV("c", "x") OP("r", "relu", "c") OP("s", "sigmoid", "r"), BOTH, INFERENCE,
     "F c conv [x]>[c] w8 +r\nF s sigmoid [c]>[s]\n"},
    {CONV("c", "x") OP("d", "dropout", "c") OP("r", "relu", "d") OP("e", "dropout", "r"),
     MBS_FUSE_PRODUCTS, INFERENCE, "F c conv [x]>[c] w8 +d +r +e\n"},
    /* a norm behind an activation is none of the product's */
    {CONV("c", "x") OP("r", "relu", "c") BATCH_NORM("n", "r") OP("q", "relu6", "n"), BOTH,
     INFERENCE, "F c conv [x]>[c] w8 +r\nF n affine [c]>[n] w8 +q\n"},
    /* read by another layer, too; a result; twice by one; by way of a view */
    {CONV("c", "x") BATCH_NORM("n", "c") OP2("s", "add", "c", "n"), MBS_FUSE_PRODUCTS, INFERENCE,
     "F c conv [x]>[c] w8\nF n affine [c]>[n] w8\nF s add [c n]>[s]\n"},
    {CONV("c", "x") OP("r", "relu", "x"), MBS_FUSE_PRODUCTS, INFERENCE,
     "F c conv [x]>[c] w8\nF r relu [x]>[r]\n"},
    {CONV("c", "x") OP2("s", "add", "c", "c"), MBS_FUSE_PRODUCTS, INFERENCE,
     "F c conv [x]>[c] w8\nF s add [c]>[s]\n"},
    {CONV("c", "x") OP("i", "identity", "c") BATCH_NORM("n", "i"), MBS_FUSE_PRODUCTS, INFERENCE,
     "F c conv [x]>[c] w8\nF n affine [c]>[n] w8\n"},
    /* who reads the last reads the product */
    {CONV("c", "x") BATCH_NORM("n", "c") OP("r", "relu", "n") CONV("d", "r")
         OP2("s", "add", "d", "r"),
     MBS_FUSE_PRODUCTS, INFERENCE,
     "F c conv [x]>[c] w12 +n +r\nF d conv [c]>[d] w8\nF s add [d c]>[s]\n"},
    /* parameters that others have, too, are not changed */
    {CONV("c", "x") LAYER("d", "c", "'op':'conv','out_channels':2,'kernel':1,'shares':'c'")
         BATCH_NORM("n", "d"),
     MBS_FUSE_PRODUCTS, INFERENCE,
     "F c conv [x]>[c] w8\nF d conv [c]>[d] w8 w=0\nF n affine [d]>[n] w8\n"},
    {CONV("c", "x") LAYER("d", "c", "'op':'conv','out_channels':2,'kernel':1,'shares':'c'")
         OP("r", "relu", "d"),
     MBS_FUSE_PRODUCTS, INFERENCE, "F c conv [x]>[c] w8\nF d conv [c]>[d] w8 w=0 +r\n"},
    {CONV("c", "x") BATCH_NORM("n", "c") CONV("d", "n")
         LAYER("m", "d", "'op':'norm','kind':'batch','shares':'n'"),
     MBS_FUSE_PRODUCTS, INFERENCE,
     "F c conv [x]>[c] w8\nF n affine [c]>[n] w8\nF d conv [n]>[d] w8\nF m affine [d]>[m] w8 "
     "w=1\n"},
    /* a norm's channels are the outputs of an fc of all, not those of one of rows */
    {FC("f", "x", "0") BATCH_NORM("n", "f") OP("r", "tanh", "n"), MBS_FUSE_PRODUCTS, INFERENCE,
     "F f fc [x]>[f] w132 +n +r\n"},
    {FC("f", "x", "1") BATCH_NORM("n", "f"), MBS_FUSE_PRODUCTS, INFERENCE,
     "F f fc [x]>[f] w64\nF n affine [f]>[n] w8\n"},
    {LAYER("t", "x", "'op':'conv_transpose','out_channels':2,'kernel':1") BATCH_NORM("n", "t"),
     MBS_FUSE_PRODUCTS, INFERENCE, "F t conv_transpose [x]>[t] w12 +n\n"},
    {LAYER("c", "x", "'op':'conv','out_channels':2,'kernel':1,'groups':2") BATCH_NORM("n", "c"),
     MBS_FUSE_PRODUCTS, INFERENCE, "F c conv [x]>[c] w8 +n\n"},
    {OP2("m", "matmul", "x", "x") OP("r", "relu", "m"), MBS_FUSE_PRODUCTS, INFERENCE,
     "F m matmul [x]>[m] whole +r\n"},
    {OP2("m", "matmul", "x", "x") BATCH_NORM("n", "m"), MBS_FUSE_PRODUCTS, INFERENCE,
     "F m matmul [x]>[m] whole\nF n affine [m]>[n] w8\n"},
    /* training: neither mask nor norm output is kept; the same, split, where what is let through is
       found out from parameters, too */
    {CONV("c", "x") GROUP_NORM("n", "c") OP("r", "relu", "n") CONV("d", "r"), MBS_FUSE_NORMS,
     TRAINING,
     "F c conv [x]>[c] w8\n"
     "F n norm [c]>[n] w8 whole +r\n"
     "F d conv [n]>[d] w8\n"
     "B loss loss [d]>[d.grad@loss]\n"
     "B d.wgrad conv.wgrad [n d.grad@loss]>[] a16\n"
     "B d.dgrad conv.dgrad [d.grad@loss]>[n.grad@d] w8\n"
     "B n.bwd norm.bwd [n.grad@d c]>[c.grad@n] w8 a16 whole +r\n"
     "B c.wgrad conv.wgrad [x c.grad@n]>[] a16\n"},
    {CONV("c", "x") BATCH_NORM("n", "c") OP("r", "silu", "n"), MBS_FUSE_NORMS, KEEP | SPLIT,
     "F c conv [x]>[c] w8\n"
     "F n.stat batch_norm.stat [c]>[n.statistics]\n"
     "F n batch_norm [c n.statistics]>[n] w8 with 1 +r\n"
     "B loss loss [n]>[n.grad@loss]\n"
     "B n.bwd.stat batch_norm.bwd.stat [n.grad@loss c]>[n.bwd.statistics] w8 a16 +r\n"
     "B n.bwd batch_norm.bwd [n.grad@loss c n.bwd.statistics]>[c.grad@n] w8 with 4 +r\n"
     "B c.wgrad conv.wgrad [x c.grad@n]>[] a16\n"},
    {CONV("c", "x") GROUP_NORM("n", "c") OP("r", "relu", "n") CONV("d", "r"), MBS_FUSE_NORMS,
     ACTIVATIONS,
     "F c conv [x]>[c] w8\n"
     "F n norm [c]>[n] w8 whole +r\n"
     "F d conv [n]>[d] w8\n"
     "B loss loss [d]>[d.grad@loss]\n"
     "B n.remat norm.remat [c]>[n.remat] w8 whole +r\n"
     "B d.wgrad conv.wgrad [n.remat d.grad@loss]>[] a16\n"
     "B d.dgrad conv.dgrad [d.grad@loss]>[n.grad@d] w8\n"
     "B n.bwd norm.bwd [n.grad@d c]>[c.grad@n] w8 a16 whole +r\n"
     "B c.wgrad conv.wgrad [x c.grad@n]>[] a16\n"},
    /* dropout draws, and says by its mask what; a norm's output that is read elsewhere is kept */
    {CONV("c", "x") GROUP_NORM("n", "c") OP("d", "dropout", "n"), MBS_FUSE_NORMS, TRAINING,
     "F c conv [x]>[c] w8\n"
     "F n norm [c]>[n] w8 whole\n"
     "F d dropout [n]>[d d.mask]\n"
     "B loss loss [d]>[d.grad@loss]\n"
     "B d.bwd dropout.bwd [d.grad@loss d.mask]>[n.grad@d]\n"
     "B n.bwd norm.bwd [n.grad@d c]>[c.grad@n] w8 a16 whole\n"
     "B c.wgrad conv.wgrad [x c.grad@n]>[] a16\n"},
};

static mbs_network *must_fuse(const mbs_network *network, int fusion)
{
    mbs_network *fused;
    ck_assert_msg(mbs_network_fuse(&fused, network, fusion, &error) == MBS_OK, "%s",
                  error.message[0]);
    return fused;
}

static void must_list(const mbs_network *network, const fuse_case *c)
{
    mbs_program_options options = MBS_PROGRAM_OPTIONS_INIT;
    mbs_program *program;
    options.inference = (c->flags & INFERENCE) != 0;
    options.keep_batch_norm = (c->flags & KEEP) != 0;
    options.split_norms = (c->flags & SPLIT) != 0;
    options.recompute = c->flags & ACTIVATIONS ? MBS_RECOMPUTE_ACTIVATIONS : MBS_RECOMPUTE_NONE;
    ck_assert_msg(mbs_program_create(&program, network, &options, &error) == MBS_OK, "%s",
                  error.message[0]);
    char *listing = list_steps(program);
    ck_assert_str_eq(listing, c->listing);
    mbs_free(listing);
    mbs_program_free(program);
}

/* What is fused once has nothing left to fuse; products and norms may be so in either order. */
START_TEST(fuses_what_is_legal)
{
    const fuse_case *c = &cases[_i];
    mbs_network *network = load(X_INPUT, c->layers);
    mbs_network *once = must_fuse(network, c->fusion);
    mbs_network *twice = must_fuse(once, c->fusion);
    mbs_network_free(network);
    must_list(once, c);
    mbs_network_free(once);
    must_list(twice, c);
    mbs_network_free(twice);
}
END_TEST

START_TEST(norms_first)
{
    static const fuse_case c = {.flags = INFERENCE, .listing = "F c conv [x]>[c] w12 +n +r\n"};
    mbs_network *network = load(X_INPUT, CONV("c", "x") BATCH_NORM("n", "c") OP("r", "relu", "n"));
    mbs_network *norms = must_fuse(network, MBS_FUSE_NORMS);
    mbs_network *all = must_fuse(norms, MBS_FUSE_PRODUCTS);
    must_list(all, &c);
    mbs_network_free(all);
    mbs_network_free(norms);
    mbs_network_free(network);
}
END_TEST

START_TEST(is_seen_from_outside)
{
    mbs_layer_info layer;
    mbs_network *network =
        load(X_INPUT, CONV("c", "x") BATCH_NORM("n", "c") OP("r", "relu", "n") CONV("d", "r"));
    mbs_network *fused = must_fuse(network, MBS_FUSE_PRODUCTS);
    ck_assert_int_eq(mbs_network_parameters(network), 4 + 4 + 4);
    ck_assert_int_eq(mbs_network_parameters(fused), 4 + 2 + 4);
    ck_assert_uint_eq(mbs_network_layer_count(fused), 2);
    ck_assert_int_eq(mbs_network_layer(fused, 0, &layer), MBS_OK);
    ck_assert_uint_eq(layer.fused_count, 2);
    ck_assert_int_eq(layer.parameters, 6);
    ck_assert_str_eq(mbs_network_layer_fused(fused, 0, 1), "r");
    ck_assert_ptr_null(mbs_network_layer_fused(fused, 0, 2));
    ck_assert_ptr_null(mbs_network_layer_fused(fused, 2, 0));
    ck_assert_str_eq(mbs_network_layer_input(fused, 1, 0), "c");
    ck_assert_int_eq(mbs_network_layer(network, 0, &layer), MBS_OK);
    ck_assert_uint_eq(layer.fused_count, 0);
    mbs_network_free(fused);
    mbs_network_free(network);
}
END_TEST

START_TEST(refuses)
{
    mbs_program_options options = MBS_PROGRAM_OPTIONS_INIT;
    mbs_program *program;
    mbs_network *network = load(X_INPUT, CONV("c", "x"));
    mbs_network *fused = must_fuse(network, MBS_FUSE_PRODUCTS);
    ck_assert_int_eq(mbs_program_create(&program, fused, &options, &error), MBS_ERR_ARGUMENT);
    ck_assert_ptr_null(program);
    ck_assert_str_eq(error.message[0],
                     "network \"test\" has its norms folded into products, which is for inference "
                     "alone");
    mbs_network_free(fused);
    mbs_error_clear(&error);
    ck_assert_int_eq(mbs_network_fuse(&fused, network, 8, &error), MBS_ERR_ARGUMENT);
    ck_assert_int_eq(mbs_network_fuse(NULL, network, 1, &error), MBS_ERR_ARGUMENT);
    ck_assert_int_eq(mbs_network_fuse(&fused, NULL, 1, &error), MBS_ERR_ARGUMENT);
    mbs_network_free(network);
    /* 2^63 - 1024 weights, and a bias for each of 2^53 - 1 outputs */
    network = load("{'name':'x','shape':[1024]}",
                   LAYER("f", "x", "'op':'fc','out_features':9007199254740991")
                       LAYER("n", "f", "'op':'norm','kind':'batch','affine':false"));
    mbs_error_clear(&error);
    ck_assert_int_eq(mbs_network_fuse(&fused, network, MBS_FUSE_PRODUCTS, &error), MBS_ERR_INPUT);
    ck_assert_ptr_null(fused);
    ck_assert_str_eq(error.message[0],
                     "network \"test\": the number of all layers' parameters is above 2^63 - 1");
    mbs_network_free(network);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fuse");
    TCase *tests = tcase_create("fuse");
    tcase_add_loop_test(tests, fuses_what_is_legal, 0, (int)COUNT(cases));
    tcase_add_test(tests, norms_first);
    tcase_add_test(tests, is_seen_from_outside);
    tcase_add_test(tests, refuses);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
