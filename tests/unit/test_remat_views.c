/* Programs that recompute what is read in views, in parts or by products, by hand (model, section
 * 10). */
#include <check.h>

#include "mbsopt/mbsopt.h"
#include "remat_programs.h"
#include "run.h"

/* The members of a view, in their order, each with what it needs itself. */
START_TEST(views)
{
    mbs_network *network = load(CONV("a", "x") "," OP("r", "relu", "a") "," OP(
        "s", "sigmoid",
        "r") ",{\"name\":\"c\",\"op\":\"concat\",\"inputs\":[\"s\",\"r\"]}," CONV("b", "c"));
    expect(network, "11100", MBS_RECOMPUTE_NONE,
           "loss(b)\n"
           "a.remat(x)\n"
           "r.remat(a.remat)\n"
           "s.remat(r.remat)\n"
           "b.wgrad(s.remat r.remat b.grad@loss)\n"
           "b.dgrad(b.grad@loss)\n"
           "s.bwd(s.grad@b s.remat)\n"
           "r.gsum#1(r.grad@b r.grad@s)\n"
           "r.bwd(r.grad#1 r.remat)\n"
           "a.wgrad(x a.grad@r)\n");
    mbs_network_free(network);
}
END_TEST

START_TEST(expand_counts_the_whole_view)
{
#define ONE(name, from, channels)                                                                  \
    "{\"name\":\"" name "\",\"op\":\"conv\",\"inputs\":[\"" from "\"],\"out_channels\":" channels  \
    ",\"kernel\":1}"
    /* 4 channels to 8 is twice as many, of the concatenation's 8 it is not */
    mbs_network *network = load(
        ONE("a", "x", "8") "," ONE("b", "x", "4") ",{\"name\":\"c\",\"op\":\"concat\",\"inputs\":["
                                                  "\"b\",\"x\"]}," ONE("d", "c", "8") "," ONE(
                                                      "e", "a", "4") "," ONE("f", "d", "4"));
    expect(network, NULL, MBS_RECOMPUTE_EXPAND,
           "loss(e f)\n"
           "f.wgrad(d f.grad@loss)\n"
           "f.dgrad(f.grad@loss)\n"
           "a.remat(x)\n"
           "e.wgrad(a.remat e.grad@loss)\n"
           "e.dgrad(e.grad@loss)\n"
           "d.wgrad(b x d.grad@f)\n"
           "d.dgrad(d.grad@f)\n"
           "b.wgrad(x b.grad@d)\n"
           "a.wgrad(x a.grad@e)\n");
    mbs_network_free(network);
}
END_TEST

/* What is read in slices stays stored, and is read again in its parts. */
START_TEST(parts_are_stored)
{
    mbs_network *network =
        load(CONV("a", "x") "," NORM("n", "a") "," SLICE("s", "n", "0", "2") "," SLICE(
            "t", "n", "2", "4") "," OP("r", "relu",
                                       "s") "," OP("q", "sigmoid",
                                                   "t") "," CONV("b", "r") "," CONV("d", "q"));
    const char *plain = "loss(b d)\n"
                        "d.wgrad(q d.grad@loss)\n"
                        "d.dgrad(d.grad@loss)\n"
                        "b.wgrad(r b.grad@loss)\n"
                        "b.dgrad(b.grad@loss)\n"
                        "q.bwd(q.grad@d q)\n"
                        "r.bwd(r.grad@b r.mask)\n"
                        "n.bwd(n[0:2].grad@r n[2:4].grad@q a)\n"
                        "a.wgrad(x a.grad@n)\n";
    expect(network, NULL, MBS_RECOMPUTE_ACTIVATIONS, plain);
    expect(network, "00001000", MBS_RECOMPUTE_NONE,
           "loss(b d)\n"
           "d.wgrad(q d.grad@loss)\n"
           "d.dgrad(d.grad@loss)\n"
           "r.remat(n[0:2])\n"
           "b.wgrad(r.remat b.grad@loss)\n"
           "b.dgrad(b.grad@loss)\n"
           "q.bwd(q.grad@d q)\n"
           "r.bwd(r.grad@b r.remat)\n"
           "n.bwd(n[0:2].grad@r n[2:4].grad@q a)\n"
           "a.wgrad(x a.grad@n)\n");
    mbs_network_free(network);
}
END_TEST

/* Both operands of a product of activations are recomputed, each before the gradient that reads it.
 */
START_TEST(products_of_activations)
{
    mbs_network *network = load(CONV("a", "x") "," NORM("n", "a") "," OP(
        "r", "relu", "n") ",{\"name\":\"m\",\"op\":"
                          "\"matmul\",\"inputs\":[\"n\",\"r\"]}," OP("e", "sigmoid",
                                                                     "m") "," CONV("b", "e"));
    expect(network, "011100", MBS_RECOMPUTE_NONE,
           "loss(b)\n"
           "b.wgrad(e b.grad@loss)\n"
           "b.dgrad(b.grad@loss)\n"
           "e.bwd(e.grad@b e)\n"
           "n.remat(a)\n"
           "r.remat(n.remat)\n"
           "m.agrad(m.grad@e r.remat)\n"
           "m.bgrad(m.grad@e n.remat)\n"
           "r.bwd(r.grad@m.bgrad r.remat)\n"
           "n.gsum#1(n.grad@m.agrad n.grad@r)\n"
           "n.bwd(n.grad#1 a)\n"
           "a.wgrad(x a.grad@n)\n");
    mbs_network_free(network);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("remat_views");
    TCase *tests = tcase_create("programs");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, views);
    tcase_add_test(tests, expand_counts_the_whole_view);
    tcase_add_test(tests, parts_are_stored);
    tcase_add_test(tests, products_of_activations);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
