/* src/program: whose rows go with whose, and norms in two steps (model, section 11). */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "program_listing.h"
#include "run.h"

/* ---- What goes with what --------------------------------------------------------------------- */

typedef struct rows_case {
    const char *inputs;
    const char *layers;
    const char *listing;
} rows_case;

#define IN(shape) "{'name':'x','shape':" shape "}"

/* A step a line: its name, R, and of each operand that it reads the rows and the map. */
static const rows_case rows_cases[] = {
    /* rows go where the dimension goes */
    {IN("[2,4,4]"),
     CONV("c", "x") LAYER("t", "c", "'op':'permute','order':[0,2,1]") OP("g", "gelu", "t"),
     "c 4 x:4same\n"
     "t 4 c:4same\n"
     "g 4 t:4same\n"
     "loss 4 g:4whole\n"
     "g.bwd 4 g.grad@loss:4same t:4same\n"
     "t.bwd 4 t.grad@g:4same\n"
     "c.wgrad 4 x:4same c.grad@t:4same\n"},
    /* as high by chance: rows of the one are columns of the other */
    {IN("[2,4,4]"),
     CONV("c", "x") LAYER("t", "c", "'op':'permute','order':[0,2,1]") OP2("m", "mul", "t", "c"),
     "c 4 x:4same\n"
     "t 4 c:4same\n"
     "m 4 t:4same c:4whole\n"
     "loss 4 m:4whole\n"
     "m.bwd 4 m.grad@loss:4whole t:4whole c:4whole\n"
     "t.bwd 4 t.grad@m:4same\n"
     "c.gsum#1 4 c.grad@m:4same c.grad@t:4same\n"
     "c.wgrad 4 x:4same c.grad#1:4same\n"},
    /* a window slides along the height, which after this are columns */
    {IN("[2,4,4]"),
     CONV("c", "x") LAYER("t", "c", "'op':'permute','order':[0,2,1]")
         LAYER("d", "t", "'op':'conv','out_channels':1,'kernel':3,'pad':1"),
     "c 4 x:4same\n"
     "t 4 c:4same\n"
     "d 4 t:4whole\n"
     "loss 4 d:4whole\n"
     "d.wgrad 4 t:4whole d.grad@loss:4same\n"
     "d.dgrad 4 d.grad@loss:4whole\n"
     "t.bwd 4 t.grad@d:4same\n"
     "c.wgrad 4 x:4same c.grad@t:4same\n"},
    /* attention in strips of queries */
    {IN("[6,2]"),
     LAYER("q", "x", "'op':'fc','axis':1,'out_features':4")
         LAYER("k", "x", "'op':'fc','axis':1,'out_features':4")
             LAYER("s", "q','k", "'op':'matmul','transpose_b':true") OP("p", "softmax", "s")
                 OP2("o", "matmul", "p", "k"),
     "q 6 x:6same\n"
     "k 6 x:6same\n"
     "s 6 q:6same k:6whole\n"
     "p 6 s:6same\n"
     "o 6 p:6same k:6whole\n"
     "loss 6 o:6whole\n"
     "o.agrad 6 o.grad@loss:6same k:6whole\n"
     "o.bgrad 6 o.grad@loss:6whole p:6whole\n"
     "p.bwd 6 p.grad@o.agrad:6same p:6same\n"
     "s.agrad 6 s.grad@p:6same k:6whole\n"
     "s.bgrad 6 s.grad@p:6whole q:6whole\n"
     "k.gsum#1 6 k.grad@o.bgrad:6same k.grad@s.bgrad:6same\n"
     "k.wgrad 6 x:6same k.grad#1:6same\n"
     "q.wgrad 6 x:6same q.grad@s.agrad:6same\n"},
    /* a gate of one row; what is added up over rows */
    {IN("[2,4,4]"),
     CONV("c", "x") OP("p", "global_avg_pool", "c") OP("r", "sigmoid", "p")
         OP2("m", "mul", "c", "r"),
     "c 4 x:4same\n"
     "p 4 c:4same\n"
     "r 1 p:1same\n"
     "m 4 c:4same r:1whole\n"
     "loss 4 m:4whole\n"
     "m.bwd 4 m.grad@loss:4same c:4same r:1whole\n"
     "r.bwd 1 r.grad@m:1same r:1same\n"
     "p.bwd 4 p.grad@r:1whole\n"
     "c.gsum#1 4 c.grad@m:4same c.grad@p:4same\n"
     "c.wgrad 4 x:4same c.grad#1:4same\n"},
    /* reshaped: tokens of heads keep their rows; pixels in one row do not */
    {IN("[6,4]"),
     LAYER("c", "x", "'op':'fc','axis':1,'out_features':4")
         LAYER("h", "c", "'op':'reshape','shape':[6,2,2]")
             LAYER("t", "h", "'op':'permute','order':[1,0,2]")
                 LAYER("f", "t", "'op':'reshape','shape':[4,6]") OP("g", "tanh", "f"),
     "c 6 x:6same\n"
     "t 6 c:6same\n"
     "g 4 t:6whole\n"
     "loss 4 g:4whole\n"
     "g.bwd 6 g.grad@loss:4whole g:4whole\n"
     "t.bwd 6 t.grad@g:6same\n"
     "c.wgrad 6 x:6same c.grad@t:6same\n"},
    /* a sum of two halves is a set of operands; along the rows the halves are tensors of their own
     */
    {IN("[2,4,4]"),
     CONV("c", "x") LAYER("a", "c", "'op':'slice','axis':1,'begin':0,'end':2")
         LAYER("b", "c", "'op':'slice','axis':1,'begin':2,'end':4") OP2("s", "add", "a", "b"),
     "c 2 x:4whole\n"
     "s 2 c[0:2]:2same c[2:4]:2same\n"
     "loss 2 s:2whole\n"
     "c.wgrad 2 x:4whole s.grad@loss:2whole\n"},
    {IN("[2,4,4]"),
     CONV("c", "x") LAYER("a", "c", "'op':'slice','begin':0,'end':1")
         LAYER("b", "c", "'op':'slice','begin':1,'end':2") OP2("s", "add", "a", "b") CONV("d", "s"),
     "c 4 x:4same\n"
     "s 4 c[0:1]:4same c[1:2]:4same\n"
     "d 4 s:4same\n"
     "loss 4 d:4whole\n"
     "d.wgrad 4 s:4same d.grad@loss:4same\n"
     "d.dgrad 4 d.grad@loss:4same\n"
     "c.wgrad 4 x:4same s.grad@d:4same\n"},
    /* over the channels of an image, or over a row of one that is turned: not of strips of channels
     */
    {IN("[2,4,4]"),
     CONV("c", "x") LAYER("t", "c", "'op':'permute','order':[1,0,2]") OP("p", "softmax", "t"),
     "c 4 x:4same\n"
     "t 4 c:4same\n"
     "p 4 t:4whole\n"
     "loss 4 p:4whole\n"
     "p.bwd 4 p.grad@loss:4whole p:4whole\n"
     "t.bwd 4 t.grad@p:4same\n"
     "c.wgrad 4 x:4same c.grad@t:4same\n"},
    /* more rows than are counted are one */
    {IN("[1,2147483647,1]"),
     CONV("c", "x") LAYER("d", "c", "'op':'conv_transpose','out_channels':1,'kernel':[2,1]")
         LAYER("e", "d", "'op':'max_pool','kernel':[2,1],'stride':1") OP("f", "relu", "d"),
     "c 2147483647 x:2147483647same\n"
     "d 1 c:2147483647whole\n"
     "e 2147483647 d:1whole\n"
     "f 1 d:1same\n"
     "loss 2147483647 e:2147483647whole f:1whole\n"
     "f.bwd 1 f.grad@loss:1same f.mask:1same\n"
     "e.bwd 1 e.grad@loss:2147483647whole e.index:2147483647whole\n"
     "d.gsum#1 1 d.grad@f:1same d.grad@e:1same\n"
     "d.wgrad 2147483647 c:2147483647whole d.grad#1:1whole\n"
     "d.dgrad 2147483647 d.grad#1:1whole\n"
     "c.wgrad 2147483647 x:2147483647same c.grad@d:2147483647same\n"},
    /* read as it is and across: whole */
    {IN("[2,4,4]"), CONV("c", "x") OP2("m", "matmul", "c", "c"),
     "c 4 x:4same\n"
     "m 4 c:4whole\n"
     "loss 4 m:4whole\n"
     "m.agrad 4 m.grad@loss:4same c:4whole\n"
     "m.bgrad 4 m.grad@loss:4whole c:4whole\n"
     "c.gsum#1 4 c.grad@m.agrad:4same c.grad@m.bgrad:4same\n"
     "c.wgrad 4 x:4same c.grad#1:4same\n"},
    /* two maps side by side; an input in rows that an fc takes up */
    {IN("[2,4,4]"),
     LAYER("c", "x", "'op':'conv','out_channels':2,'kernel':3,'stride':2,'pad':1") LAYER(
         "u", "c", "'op':'upsample','size':[4,4]") LAYER("f", "u", "'op':'fc','out_features':3"),
     "c 2 x:4window3,2,1\n"
     "u 4 c:2scaled\n"
     "f 1 u:4whole\n"
     "loss 1 f:1whole\n"
     "f.wgrad 1 u:4whole f.grad@loss:1same\n"
     "f.dgrad 4 f.grad@loss:1whole\n"
     "u.bwd 2 u.grad@f:4scaled'\n"
     "c.wgrad 2 x:4window3,2,1 c.grad@u:2same\n"},
};

static char *list_rows(const mbs_program *p)
{
    static const char *const names[] = {"same",   "window",  "window'", "shifted",
                                        "scaled", "scaled'", "whole"};
    text out = TEXT_INIT;
    char *result;
    for (int32_t k = 0; k < p->step_count; k++) {
        const mbs_step *step = &p->steps[k];
        text_format(&out, "%s %" PRId64, step->name, step->rows);
        for (int32_t t = step->touch_begin; t < step->write_begin; t++) {
            const mbs_tensor *tensor = &p->tensors[p->touches[t].tensor];
            const mbs_row_map *map = &p->maps[p->touches[t].map];
            text_format(&out, " %s:%" PRId64 "%s", tensor->name, tensor->rows, names[map->kind]);
            if (map->window > 0)
                text_format(&out, "%" PRId64 ",%" PRId64 ",%" PRId64, map->window, map->stride,
                            map->pad);
        }
        text_string(&out, "\n");
    }
    ck_assert_int_eq(text_finish(&out, &result, NULL), MBS_OK);
    return result;
}

START_TEST(rows_go_with_rows)
{
    const rows_case *c = &rows_cases[_i];
    const mbs_program_options options = MBS_PROGRAM_OPTIONS_INIT;
    mbs_program *program;
    ck_assert_msg(build(&program, c->inputs, c->layers, &options) == MBS_OK, "%s",
                  error.message[0]);
    ck_assert(program->has_rows);
    char *found = list_rows(program);
    ck_assert_msg(strcmp(found, c->listing) == 0, "found\n%sexpected\n%s", found, c->listing);
    mbs_free(found);
    mbs_program_free(program);
}
END_TEST

/* ---- Two-step norms -------------------------------------------------------------------------- */

typedef struct split_case {
    const char *layers;
    int flags;
    const char *steps;
    const char *tensors; /* null: not looked at */
} split_case;

static const split_case split_cases[] = {
    {CONV("c", "x") LAYER("n", "c", "'op':'norm','kind':'group','groups':2") CONV("d", "n"), SPLIT,
     "F c conv [x]>[c] w8\n"
     "F n.stat norm.stat [c]>[n.statistics]\n"
     "F n norm [c n.statistics]>[n] w8\n"
     "F d conv [n]>[d] w8\n"
     "B loss loss [d]>[d.grad@loss]\n"
     "B d.wgrad conv.wgrad [n d.grad@loss]>[] a16\n"
     "B d.dgrad conv.dgrad [d.grad@loss]>[n.grad@d] w8\n"
     "B n.bwd.stat norm.bwd.stat [n.grad@d c]>[n.bwd.statistics] a16\n"
     "B n.bwd norm.bwd [n.grad@d c n.bwd.statistics]>[c.grad@n] w8\n"
     "B c.wgrad conv.wgrad [x c.grad@n]>[] a16\n",
     "x:64 c:64 n.statistics:0 n:64 d:64 d.grad@loss:64 n.grad@d:64 n.bwd.statistics:0 "
     "c.grad@n:64"},
    /* nothing to write: no bwd, and its statistics are not written either */
    {LAYER("n", "x", "'op':'norm','kind':'batch'"), SPLIT | KEEP,
     "F n.stat batch_norm.stat [x]>[n.statistics]\n"
     "F n batch_norm [x n.statistics]>[n] w8 with 0\n"
     "B loss loss [n]>[n.grad@loss]\n"
     "B n.bwd.stat batch_norm.bwd.stat [n.grad@loss x]>[] a16\n",
     "x:64 n.statistics:0 n:64 n.grad@loss:64"},
    {CONV("c", "x") LAYER("n", "c", "'op':'norm','kind':'batch'"), SPLIT | KEEP,
     "F c conv [x]>[c] w8\n"
     "F n.stat batch_norm.stat [c]>[n.statistics]\n"
     "F n batch_norm [c n.statistics]>[n] w8 with 1\n"
     "B loss loss [n]>[n.grad@loss]\n"
     "B n.bwd.stat batch_norm.bwd.stat [n.grad@loss c]>[n.bwd.statistics] a16\n"
     "B n.bwd batch_norm.bwd [n.grad@loss c n.bwd.statistics]>[c.grad@n] w8 with 4\n"
     "B c.wgrad conv.wgrad [x c.grad@n]>[] a16\n",
     NULL},
    /* statistics of each row by itself; over rows */
    {CONV("c", "x") LAYER("n", "c", "'op':'norm','kind':'layer','axis':2"), SPLIT,
     "F c conv [x]>[c] w8\n"
     "F n norm [c]>[n] w16\n"
     "B loss loss [n]>[n.grad@loss]\n"
     "B n.bwd norm.bwd [n.grad@loss c]>[c.grad@n] w16 a32\n"
     "B c.wgrad conv.wgrad [x c.grad@n]>[] a16\n",
     NULL},
    {CONV("c", "x") LAYER("n", "c", "'op':'norm','kind':'layer','axis':1"), SPLIT | INFERENCE,
     "F c conv [x]>[c] w8\n"
     "F n.stat norm.stat [c]>[n.statistics]\n"
     "F n norm [c n.statistics]>[n] w64\n",
     NULL},
    /* what is normalised again has its statistics already */
    {CONV("c", "x") LAYER("n", "c", "'op':'norm','kind':'group','groups':1") CONV("d", "n"),
     SPLIT | ACTIVATIONS,
     "F c conv [x]>[c] w8\n"
     "F n.stat norm.stat [c]>[n.statistics]\n"
     "F n norm [c n.statistics]>[n] w8\n"
     "F d conv [n]>[d] w8\n"
     "B loss loss [d]>[d.grad@loss]\n"
     "B n.remat norm.remat [c]>[n.remat] w8\n"
     "B d.wgrad conv.wgrad [n.remat d.grad@loss]>[] a16\n"
     "B d.dgrad conv.dgrad [d.grad@loss]>[n.grad@d] w8\n"
     "B n.bwd.stat norm.bwd.stat [n.grad@d c]>[n.bwd.statistics] a16\n"
     "B n.bwd norm.bwd [n.grad@d c n.bwd.statistics]>[c.grad@n] w8\n"
     "B c.wgrad conv.wgrad [x c.grad@n]>[] a16\n",
     NULL},
    /* what .bwd.stat reads is rematerialised before it */
    {CONV("c", "x") LAYER("n", "c", "'op':'norm','kind':'group','groups':1")
         LAYER("m", "n", "'op':'norm','kind':'group','groups':1"),
     SPLIT | ACTIVATIONS,
     "F c conv [x]>[c] w8\n"
     "F n.stat norm.stat [c]>[n.statistics]\n"
     "F n norm [c n.statistics]>[n] w8\n"
     "F m.stat norm.stat [n]>[m.statistics]\n"
     "F m norm [n m.statistics]>[m] w8\n"
     "B loss loss [m]>[m.grad@loss]\n"
     "B n.remat norm.remat [c]>[n.remat] w8\n"
     "B m.bwd.stat norm.bwd.stat [m.grad@loss n.remat]>[m.bwd.statistics] a16\n"
     "B m.bwd norm.bwd [m.grad@loss n.remat m.bwd.statistics]>[n.grad@m] w8\n"
     "B n.bwd.stat norm.bwd.stat [n.grad@m c]>[n.bwd.statistics] a16\n"
     "B n.bwd norm.bwd [n.grad@m c n.bwd.statistics]>[c.grad@n] w8\n"
     "B c.wgrad conv.wgrad [x c.grad@n]>[] a16\n",
     NULL},
    /* in inference a batch norm is affine, kept or not */
    {CONV("c", "x") LAYER("n", "c", "'op':'norm','kind':'batch'"), SPLIT | INFERENCE,
     "F c conv [x]>[c] w8\nF n affine [c]>[n] w8\n", "x:64 c:64 n:64*"},
    {CONV("c", "x") LAYER("n", "c", "'op':'norm','kind':'batch'"), INFERENCE | KEEP,
     "F c conv [x]>[c] w8\nF n affine [c]>[n] w8\n", "x:64 c:64 n:64*"},
};

START_TEST(norms_in_two_steps)
{
    const split_case *c = &split_cases[_i];
    mbs_program *program = must_build(c->layers, c->flags);
    check_listing(program, c->steps, c->tensors);
    ck_assert_uint_eq(mbs_program_replaced_batch_norms(program), 0);
    for (int32_t id = 0; id < program->tensor_count; id++)
        if (program->tensors[id].bytes == 0)
            ck_assert_int_eq(program->tensors[id].rows, 1);
    mbs_program_free(program);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("split");
    TCase *tests = tcase_create("split");
    tcase_add_loop_test(tests, rows_go_with_rows, 0, (int)COUNT(rows_cases));
    tcase_add_loop_test(tests, norms_in_two_steps, 0, (int)COUNT(split_cases));
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
