/* src/program: which steps a network becomes, what they read and write, and how large it all is. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "mbsopt/mbsopt.h"
#include "program/program.h"
#include "run.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/*
 * Unless a case says otherwise the input `x` is [2,4,4]: 32 elements, 64 bytes, a mask of it 4. A
 * CONV keeps that shape: 2·2 weights, 8 bytes, and accumulators of 16.
 */
#define X_INPUT                  "{'name':'x','shape':[2,4,4]}"
#define LAYER(name, in, members) "{'name':'" name "','inputs':['" in "']," members "},"
#define CONV(name, in)           LAYER(name, in, "'op':'conv','out_channels':2,'kernel':1")
#define OP(name, op, in)         LAYER(name, in, "'op':'" op "'")
#define OP2(name, op, a, b)      OP(name, op, a "','" b)
#define OP3(name, op, a, b, c)   OP(name, op, a "','" b "','" c)

enum { TRAINING = 0, INFERENCE = 1, KEEP = 2 };

static mbs_error error;

static mbs_status build(mbs_program **program, const char *inputs, const char *layers,
                        const mbs_program_options *options)
{
    char document[4096];
    mbs_network *network;
    size_t end = strlen(layers) - 1; /* of the last comma */
    int length = snprintf(document, sizeof document,
                          "{'format':'mbsopt-network/1','name':'test','inputs':[%s],"
                          "'layers':[%.*s]}",
                          inputs, (int)end, layers);
    ck_assert_int_lt(length, (int)sizeof document);
    for (char *at = document; *at != '\0'; at++)
        *at = *at == '\'' ? '"' : *at;
    mbs_error_clear(&error);
    mbs_status status =
        mbs_network_load_text(&network, document, (size_t)length, "test.json", &error);
    ck_assert_msg(status == MBS_OK, "%s\n%s", error.message[0], document);
    status = mbs_program_create(program, network, options, &error);
    mbs_network_free(network); /* the program must not need it any more */
    return status;
}

static mbs_program *must_build(const char *layers, int flags)
{
    mbs_program_options options = MBS_PROGRAM_OPTIONS_INIT;
    mbs_program *program;
    options.inference = (flags & INFERENCE) != 0;
    options.keep_batch_norm = (flags & KEEP) != 0;
    ck_assert_msg(build(&program, X_INPUT, layers, &options) == MBS_OK, "%s", error.message[0]);
    return program;
}

static void list_tensor(text *out, const mbs_program *p, int64_t id, size_t position)
{
    mbs_tensor_info tensor;
    ck_assert_int_eq(mbs_program_tensor(p, (size_t)id, &tensor), MBS_OK);
    text_format(out, "%s%s", position == 0 ? "" : " ", tensor.name);
}

/* "B c.wgrad conv.wgrad [x c.grad@t]>[] a16" */
static void list_step(text *out, const mbs_program *p, size_t k)
{
    mbs_step_info step;
    ck_assert_int_eq(mbs_program_step(p, k, &step), MBS_OK);
    text_format(out, "%s %s %s [", step.phase == MBS_FORWARD ? "F" : "B", step.name, step.kind);
    for (size_t i = 0; i < step.read_count; i++)
        list_tensor(out, p, mbs_program_step_read(p, k, i), i);
    text_string(out, "]>[");
    for (size_t i = 0; i < step.write_count; i++)
        list_tensor(out, p, mbs_program_step_write(p, k, i), i);
    text_string(out, "]");
    if (step.weight_bytes != 0)
        text_format(out, " w%" PRId64, step.weight_bytes);
    if (step.accumulator_bytes != 0)
        text_format(out, " a%" PRId64, step.accumulator_bytes);
    text_format(out, "%s%s\n", p->steps[k].whole_sample ? " whole" : "",
                p->steps[k].coupled ? " coupled" : "");
}

/* All steps, a line each. */
static char *list_steps(const mbs_program *p)
{
    text out = TEXT_INIT;
    char *result;
    for (size_t k = 0; k < mbs_program_step_count(p); k++)
        list_step(&out, p, k);
    ck_assert_int_eq(text_finish(&out, &result, NULL), MBS_OK);
    return result;
}

/* "x:64 c:64", an asterisk after those that are kept at the end. */
static char *list_tensors(const mbs_program *p)
{
    text out = TEXT_INIT;
    char *result;
    for (size_t id = 0; id < mbs_program_tensor_count(p); id++) {
        list_tensor(&out, p, (int64_t)id, id);
        text_format(&out, ":%" PRId64 "%s", p->tensors[id].bytes, p->tensors[id].kept ? "*" : "");
    }
    ck_assert_int_eq(text_finish(&out, &result, NULL), MBS_OK);
    return result;
}

/* ---- Whole programs -------------------------------------------------------------------------- */

typedef struct program_case {
    const char *layers;
    int flags;
    const char *steps;
    const char *tensors; /* in the order of their first touch; null: not looked at */
} program_case;

#define NORMS                                                                                      \
    LAYER("b", "x", "'op':'norm','kind':'batch'")                                                  \
    LAYER("g", "b", "'op':'norm','kind':'group','groups':1")

static const program_case program_cases[] = {
    /* forward in order, then loss, then backward in reverse; the image gets no gradient */
    {CONV("c", "x") OP("r", "relu", "c") CONV("d", "r"), TRAINING,
     "F c conv [x]>[c] w8\n"
     "F r relu [c]>[r r.mask]\n"
     "F d conv [r]>[d] w8\n"
     "B loss loss [d]>[d.grad@loss]\n"
     "B d.wgrad conv.wgrad [r d.grad@loss]>[] a16\n"
     "B d.dgrad conv.dgrad [d.grad@loss]>[r.grad@d] w8\n"
     "B r.bwd relu.bwd [r.grad@d r.mask]>[c.grad@r]\n"
     "B c.wgrad conv.wgrad [x c.grad@r]>[] a16\n",
     "x:64 c:64 r:64 r.mask:4 d:64 d.grad@loss:64 r.grad@d:64 c.grad@r:64"},
    /* the same from a file whose layers come in another order */
    {CONV("d", "r") OP("r", "relu", "c") CONV("c", "x"), INFERENCE,
     "F c conv [x]>[c] w8\nF r relu [c]>[r]\nF d conv [r]>[d] w8\n", "x:64 c:64 r:64 d:64*"},
    /* biases: 4+2 and 32·3+3 parameters forward, 2 bytes each, and in accumulators, 4 bytes each;
     * dgrad reads the 96 weights alone */
    {LAYER("c", "x", "'op':'conv','out_channels':2,'kernel':1,'bias':true")
         LAYER("y", "c", "'op':'fc','out_features':3,'bias':true"),
     TRAINING,
     "F c conv [x]>[c] w12\n"
     "F y fc [c]>[y] w198\n"
     "B loss loss [y]>[y.grad@loss]\n"
     "B y.wgrad fc.wgrad [c y.grad@loss]>[] a396\n"
     "B y.dgrad fc.dgrad [y.grad@loss]>[c.grad@y] w192\n"
     "B c.wgrad conv.wgrad [x c.grad@y]>[] a24\n",
     "x:64 c:64 y:6 y.grad@loss:6 c.grad@y:64"},
    /* no gradient before the first parameters: no backward step, no mask, no index; a norm has
     * parameters, so it has a backward step, which writes nothing for the image */
    {OP("r", "relu", "x") LAYER("p", "r", "'op':'max_pool','kernel':2")
         LAYER("n", "p", "'op':'norm','kind':'layer'"),
     TRAINING,
     "F r relu [x]>[r]\n"
     "F p max_pool [r]>[p]\n"
     "F n norm [p]>[n] w8 whole\n"
     "B loss loss [n]>[n.grad@loss]\n"
     "B n.bwd norm.bwd [n.grad@loss p]>[] w8 a16 whole\n",
     "x:64 r:64 p:16 n:16 n.grad@loss:16"},
    /* no parameters at all */
    {OP("r", "relu", "x") OP("t", "tanh", "r"), TRAINING,
     "F r relu [x]>[r]\nF t tanh [r]>[t]\nB loss loss [t]>[]\n", "x:64 r:64 t:64"},
    /* inference: no masks, no indices; every sink is kept, nothing else */
    {CONV("c", "x") OP("r", "relu", "c") LAYER("p", "r", "'op':'max_pool','kernel':2")
         OP("s", "dropout", "c"),
     INFERENCE,
     "F c conv [x]>[c] w8\nF r relu [c]>[r]\nF p max_pool [r]>[p]\nF s dropout [c]>[s]\n",
     "x:64 c:64 r:64 p:16* s:64*"},
    /* several sinks: the loss reads all and writes the gradients that are needed, r's is not */
    {OP("r", "relu", "x") CONV("c", "x") CONV("d", "c") OP("g", "gelu", "c"), TRAINING,
     "F r relu [x]>[r]\n"
     "F c conv [x]>[c] w8\n"
     "F d conv [c]>[d] w8\n"
     "F g gelu [c]>[g]\n"
     "B loss loss [r d g]>[d.grad@loss g.grad@loss]\n"
     "B g.bwd gelu.bwd [g.grad@loss c]>[c.grad@g]\n"
     "B d.wgrad conv.wgrad [c d.grad@loss]>[] a16\n"
     "B d.dgrad conv.dgrad [d.grad@loss]>[c.grad@d] w8\n"
     "B c.gsum#1 gsum [c.grad@g c.grad@d]>[c.grad#1]\n"
     "B c.wgrad conv.wgrad [x c.grad#1]>[] a16\n",
     NULL},
    /* fan-out: sums are made as soon as the second and the third contribution are; the gradient of
     * an add of equal sizes has no step */
    {CONV("c", "x") CONV("d", "c") CONV("e", "c") OP("f", "relu", "c")
         OP3("s", "add", "d", "e", "f"),
     TRAINING,
     "F c conv [x]>[c] w8\n"
     "F d conv [c]>[d] w8\n"
     "F e conv [c]>[e] w8\n"
     "F f relu [c]>[f f.mask]\n"
     "F s add [d e f]>[s]\n"
     "B loss loss [s]>[s.grad@loss]\n"
     "B f.bwd relu.bwd [s.grad@loss f.mask]>[c.grad@f]\n"
     "B e.wgrad conv.wgrad [c s.grad@loss]>[] a16\n"
     "B e.dgrad conv.dgrad [s.grad@loss]>[c.grad@e] w8\n"
     "B c.gsum#1 gsum [c.grad@f c.grad@e]>[c.grad#1]\n"
     "B d.wgrad conv.wgrad [c s.grad@loss]>[] a16\n"
     "B d.dgrad conv.dgrad [s.grad@loss]>[c.grad@d] w8\n"
     "B c.gsum#2 gsum [c.grad#1 c.grad@d]>[c.grad#2]\n"
     "B c.wgrad conv.wgrad [x c.grad#2]>[] a16\n",
     "x:64 c:64 d:64 e:64 f:64 f.mask:4 s:64 s.grad@loss:64 c.grad@f:64 c.grad@e:64 c.grad#1:64 "
     "c.grad@d:64 c.grad#2:64"},
    /* two sums after one step, in the order of its inputs; the image gets none */
    {CONV("p", "x") CONV("q", "x") OP3("m", "mul", "p", "q", "x") OP2("n", "mul", "q", "p")
         OP2("s", "add", "m", "n"),
     TRAINING,
     "F p conv [x]>[p] w8\n"
     "F q conv [x]>[q] w8\n"
     "F m mul [p q x]>[m]\n"
     "F n mul [q p]>[n]\n"
     "F s add [m n]>[s]\n"
     "B loss loss [s]>[s.grad@loss]\n"
     "B n.bwd mul.bwd [s.grad@loss q p]>[q.grad@n p.grad@n]\n"
     "B m.bwd mul.bwd [s.grad@loss p q x]>[p.grad@m q.grad@m]\n"
     "B p.gsum#1 gsum [p.grad@n p.grad@m]>[p.grad#1]\n"
     "B q.gsum#1 gsum [q.grad@n q.grad@m]>[q.grad#1]\n"
     "B q.wgrad conv.wgrad [x q.grad#1]>[] a16\n"
     "B p.wgrad conv.wgrad [x p.grad#1]>[] a16\n",
     NULL},
    /* a tensor added to itself contributes once per time; the sum reads the one gradient once */
    {CONV("c", "x") OP3("s", "add", "c", "c", "c"), TRAINING,
     "F c conv [x]>[c] w8\n"
     "F s add [c]>[s]\n"
     "B loss loss [s]>[s.grad@loss]\n"
     "B c.gsum#1 gsum [s.grad@loss]>[c.grad#1]\n"
     "B c.gsum#2 gsum [c.grad#1 s.grad@loss]>[c.grad#2]\n"
     "B c.wgrad conv.wgrad [x c.grad#2]>[] a16\n",
     NULL},
    /* the same gradient by way of two adds */
    {CONV("c", "x") CONV("d", "x") OP2("a", "add", "c", "d") OP2("s", "add", "a", "c"), TRAINING,
     "F c conv [x]>[c] w8\n"
     "F d conv [x]>[d] w8\n"
     "F a add [c d]>[a]\n"
     "F s add [a c]>[s]\n"
     "B loss loss [s]>[s.grad@loss]\n"
     "B c.gsum#1 gsum [s.grad@loss]>[c.grad#1]\n"
     "B d.wgrad conv.wgrad [x s.grad@loss]>[] a16\n"
     "B c.wgrad conv.wgrad [x c.grad#1]>[] a16\n",
     NULL},
    /* other steps have a tensor that they read twice as one operand, with one gradient */
    {CONV("c", "x") OP2("m", "mul", "c", "c"), TRAINING,
     "F c conv [x]>[c] w8\n"
     "F m mul [c]>[m]\n"
     "B loss loss [m]>[m.grad@loss]\n"
     "B m.bwd mul.bwd [m.grad@loss c]>[c.grad@m]\n"
     "B c.wgrad conv.wgrad [x c.grad@m]>[] a16\n",
     NULL},
    /* broadcast: the alias first (its sum too), though it comes last among the inputs; g is 2·1·1
     * elements, 4 bytes */
    {CONV("c", "x") OP("g", "global_avg_pool", "c") OP2("s", "add", "g", "c") OP("r", "relu", "c")
         OP2("t", "add", "s", "r"),
     TRAINING,
     "F c conv [x]>[c] w8\n"
     "F g global_avg_pool [c]>[g]\n"
     "F s add [g c]>[s]\n"
     "F r relu [c]>[r r.mask]\n"
     "F t add [s r]>[t]\n"
     "B loss loss [t]>[t.grad@loss]\n"
     "B r.bwd relu.bwd [t.grad@loss r.mask]>[c.grad@r]\n"
     "B c.gsum#1 gsum [c.grad@r t.grad@loss]>[c.grad#1]\n"
     "B s.bwd add.bwd [t.grad@loss]>[g.grad@s]\n"
     "B g.bwd global_avg_pool.bwd [g.grad@s]>[c.grad@g]\n"
     "B c.gsum#2 gsum [c.grad#1 c.grad@g]>[c.grad#2]\n"
     "B c.wgrad conv.wgrad [x c.grad#2]>[] a16\n",
     "x:64 c:64 g:4 s:64 r:64 r.mask:4 t:64 t.grad@loss:64 c.grad@r:64 c.grad#1:64 g.grad@s:4 "
     "c.grad@g:64 c.grad#2:64"},
    /* members of a view are smaller than the output, and one step makes their gradients; x, a
     * member too, needs none */
    {CONV("c", "x") CONV("d", "x") OP3("k", "concat", "d", "x", "c")
         LAYER("e", "x", "'op':'conv','out_channels':6,'kernel':1") OP2("s", "add", "k", "e"),
     TRAINING,
     "F c conv [x]>[c] w8\n"
     "F d conv [x]>[d] w8\n"
     "F e conv [x]>[e] w24\n"
     "F s add [d x c e]>[s]\n"
     "B loss loss [s]>[s.grad@loss]\n"
     "B s.bwd add.bwd [s.grad@loss]>[d.grad@s c.grad@s]\n"
     "B e.wgrad conv.wgrad [x s.grad@loss]>[] a48\n"
     "B d.wgrad conv.wgrad [x d.grad@s]>[] a16\n"
     "B c.wgrad conv.wgrad [x c.grad@s]>[] a16\n",
     NULL},
    /* views of views: y reads their members, each once: 6·16·1 weights; a view of one tensor is
     * that tensor, also for an add */
    {CONV("c", "x") CONV("d", "x") OP("i", "identity", "c") OP3("k", "concat", "i", "d", "c")
         OP("f", "flatten", "k") LAYER("y", "f", "'op':'fc','out_features':1")
             OP2("s", "add", "d", "i"),
     TRAINING,
     "F c conv [x]>[c] w8\n"
     "F d conv [x]>[d] w8\n"
     "F y fc [c d]>[y] w192\n"
     "F s add [d c]>[s]\n"
     "B loss loss [y s]>[y.grad@loss s.grad@loss]\n"
     "B y.wgrad fc.wgrad [c d y.grad@loss]>[] a384\n"
     "B y.dgrad fc.dgrad [y.grad@loss]>[c.grad@y d.grad@y] w192\n"
     "B c.gsum#1 gsum [s.grad@loss c.grad@y]>[c.grad#1]\n"
     "B d.gsum#1 gsum [s.grad@loss d.grad@y]>[d.grad#1]\n"
     "B d.wgrad conv.wgrad [x d.grad#1]>[] a16\n"
     "B c.wgrad conv.wgrad [x c.grad#1]>[] a16\n",
     NULL},
    /* a view at the end: its members are the sinks, except what another step reads */
    {CONV("c", "x") CONV("d", "c") CONV("e", "c") OP3("k", "concat", "e", "c", "d"), TRAINING,
     "F c conv [x]>[c] w8\n"
     "F d conv [c]>[d] w8\n"
     "F e conv [c]>[e] w8\n"
     "B loss loss [d e]>[d.grad@loss e.grad@loss]\n"
     "B e.wgrad conv.wgrad [c e.grad@loss]>[] a16\n"
     "B e.dgrad conv.dgrad [e.grad@loss]>[c.grad@e] w8\n"
     "B d.wgrad conv.wgrad [c d.grad@loss]>[] a16\n"
     "B d.dgrad conv.dgrad [d.grad@loss]>[c.grad@d] w8\n"
     "B c.gsum#1 gsum [c.grad@e c.grad@d]>[c.grad#1]\n"
     "B c.wgrad conv.wgrad [x c.grad#1]>[] a16\n",
     NULL},
    /* a batch norm replaced, a group norm; and kept: kinds of its own, and it couples the samples
     */
    {NORMS, TRAINING,
     "F b norm [x]>[b] w8 whole\n"
     "F g norm [b]>[g] w8 whole\n"
     "B loss loss [g]>[g.grad@loss]\n"
     "B g.bwd norm.bwd [g.grad@loss b]>[b.grad@g] w8 a16 whole\n"
     "B b.bwd norm.bwd [b.grad@g x]>[] w8 a16 whole\n",
     NULL},
    {NORMS, KEEP,
     "F b batch_norm [x]>[b] w8 whole coupled\n"
     "F g norm [b]>[g] w8 whole\n"
     "B loss loss [g]>[g.grad@loss]\n"
     "B g.bwd norm.bwd [g.grad@loss b]>[b.grad@g] w8 a16 whole\n"
     "B b.bwd batch_norm.bwd [b.grad@g x]>[] w8 a16 whole coupled\n",
     NULL},
    /* the sum of a batch norm's gradients couples nothing and needs no statistics */
    {LAYER("b", "x", "'op':'norm','kind':'batch'") OP("t", "tanh", "b") OP("u", "tanh", "b"), KEEP,
     "F b batch_norm [x]>[b] w8 whole coupled\n"
     "F t tanh [b]>[t]\n"
     "F u tanh [b]>[u]\n"
     "B loss loss [t u]>[t.grad@loss u.grad@loss]\n"
     "B u.bwd tanh.bwd [u.grad@loss u]>[b.grad@u]\n"
     "B t.bwd tanh.bwd [t.grad@loss t]>[b.grad@t]\n"
     "B b.gsum#1 gsum [b.grad@u b.grad@t]>[b.grad#1]\n"
     "B b.bwd batch_norm.bwd [b.grad#1 x]>[] w8 a16 whole coupled\n",
     NULL},
    /* a split: c is two parts, each read by who wants it, both by t; their gradients are apart */
    {CONV("c", "x") LAYER("a", "c", "'op':'slice','begin':1,'end':2")
         LAYER("d", "a", "'op':'conv','out_channels':2,'kernel':1") OP("t", "tanh", "c")
             OP2("s", "add", "d", "t"),
     TRAINING,
     "F c conv [x]>[c[0:1] c[1:2]] w8\n"
     "F d conv [c[1:2]]>[d] w4\n"
     "F t tanh [c[0:1] c[1:2]]>[t]\n"
     "F s add [d t]>[s]\n"
     "B loss loss [s]>[s.grad@loss]\n"
     "B t.bwd tanh.bwd [s.grad@loss t]>[c[0:1].grad@t c[1:2].grad@t]\n"
     "B d.wgrad conv.wgrad [c[1:2] s.grad@loss]>[] a8\n"
     "B d.dgrad conv.dgrad [s.grad@loss]>[c[1:2].grad@d] w4\n"
     "B c[1:2].gsum#1 gsum [c[1:2].grad@t c[1:2].grad@d]>[c[1:2].grad#1]\n"
     "B c.wgrad conv.wgrad [x c[0:1].grad@t c[1:2].grad#1]>[] a16\n",
     "x:64 c[0:1]:32 c[1:2]:32 d:64 t:64 s:64 s.grad@loss:64 c[0:1].grad@t:32 c[1:2].grad@t:32 "
     "c[1:2].grad@d:32 c[1:2].grad#1:32"},
    /* what of a tensor nobody wants is neither written nor a sink; a slice of a slice; a slice of
     * a concat reads the input it reaches into, one across the cuts all of them */
    {CONV("c", "x") LAYER("a", "c", "'op':'slice','axis':2,'begin':1,'end':4")
         LAYER("b", "a", "'op':'slice','axis':2,'begin':1,'end':2") OP("t", "tanh", "b")
             OP2("k", "concat", "c", "x") LAYER("e", "k", "'op':'slice','begin':2,'end':4")
                 OP("u", "tanh", "e") LAYER("v", "b", "'op':'slice','axis':1,'end':2")
                     OP("w", "tanh", "v"),
     INFERENCE,
     "F c conv [x]>[c[2:3]] w8\n"
     "F t tanh [c[2:3]]>[t]\n"
     "F u tanh [x]>[u]\n"
     "F w tanh [c[2:3]]>[w]\n",
     "x:64 c[2:3]:16 t:16* u:64* w:8*"},
    /* an output that is a slice keeps its part, or takes it to the loss */
    {CONV("c", "x") LAYER("a", "c", "'op':'slice','end':1"), INFERENCE,
     "F c conv [x]>[c[0:1]] w8\n", "x:64 c[0:1]:32*"},
    {CONV("c", "x") LAYER("a", "c", "'op':'slice','end':1"), TRAINING,
     "F c conv [x]>[c[0:1]] w8\n"
     "B loss loss [c[0:1]]>[c[0:1].grad@loss]\n"
     "B c.wgrad conv.wgrad [x c[0:1].grad@loss]>[] a16\n",
     NULL},
    /* a reshape in between: channels 2 and 3 of four are the second of two pairs */
    {LAYER("c", "x", "'op':'conv','out_channels':4,'kernel':1")
         LAYER("v", "c", "'op':'reshape','shape':[2,2,16]") LAYER("a", "c", "'op':'slice','end':1")
             LAYER("b", "v", "'op':'slice','begin':1,'end':2") OP("t", "tanh", "a")
                 OP("u", "tanh", "b"),
     INFERENCE, "F c conv [x]>[c[0:1] c[2:4]] w16\nF t tanh [c[0:1]]>[t]\nF u tanh [c[2:4]]>[u]\n",
     NULL},
    /* a sum that is cut is no alias of its summands' gradients */
    {CONV("c", "x") CONV("d", "x") OP2("s", "add", "c", "d") LAYER("a", "s", "'op':'slice','end':1")
         OP("t", "tanh", "a"),
     TRAINING,
     "F c conv [x]>[c] w8\n"
     "F d conv [x]>[d] w8\n"
     "F s add [c d]>[s[0:1]]\n"
     "F t tanh [s[0:1]]>[t]\n"
     "B loss loss [t]>[t.grad@loss]\n"
     "B t.bwd tanh.bwd [t.grad@loss t]>[s[0:1].grad@t]\n"
     "B s.bwd add.bwd [s[0:1].grad@t]>[c.grad@s d.grad@s]\n"
     "B d.wgrad conv.wgrad [x d.grad@s]>[] a16\n"
     "B c.wgrad conv.wgrad [x c.grad@s]>[] a16\n",
     NULL},
    /* attention's products: a gradient for each operand that needs one; both for c times itself */
    {CONV("c", "x") LAYER("m", "c','c", "'op':'matmul','transpose_b':true")
         OP2("n", "matmul", "m", "x"),
     TRAINING,
     "F c conv [x]>[c] w8\n"
     "F m matmul [c]>[m] whole\n"
     "F n matmul [m x]>[n] whole\n"
     "B loss loss [n]>[n.grad@loss]\n"
     "B n.agrad matmul.agrad [n.grad@loss x]>[m.grad@n.agrad] whole\n"
     "B m.agrad matmul.agrad [m.grad@n.agrad c]>[c.grad@m.agrad] whole\n"
     "B m.bgrad matmul.bgrad [m.grad@n.agrad c]>[c.grad@m.bgrad] whole\n"
     "B c.gsum#1 gsum [c.grad@m.agrad c.grad@m.bgrad]>[c.grad#1]\n"
     "B c.wgrad conv.wgrad [x c.grad#1]>[] a16\n",
     NULL},
    /* learned and constant operands: the gradient of x + b is that of x */
    {CONV("c", "x") LAYER("b", "c", "'op':'bias','parameters':2") OP("k", "bias", "b")
         LAYER("s", "k", "'op':'scale','parameters':2") OP("t", "scale", "s")
             LAYER("p", "t", "'op':'prelu'"),
     TRAINING,
     "F c conv [x]>[c] w8\n"
     "F b bias [c]>[b] w4\n"
     "F k bias [b]>[k]\n"
     "F s scale [k]>[s] w4\n"
     "F t scale [s]>[t]\n"
     "F p prelu [t]>[p] w2\n"
     "B loss loss [p]>[p.grad@loss]\n"
     "B p.bwd prelu.bwd [p.grad@loss t]>[t.grad@p] w2 a4\n"
     "B t.bwd scale.bwd [t.grad@p]>[s.grad@t]\n"
     "B s.bwd scale.bwd [s.grad@t k]>[k.grad@s] w4 a8\n"
     "B b.bwd bias.bwd [k.grad@s]>[] a8\n"
     "B c.wgrad conv.wgrad [x k.grad@s]>[] a16\n",
     NULL},
    /* a token of its own before the others, and one that nobody reads but the loss */
    {"{'name':'q','op':'parameter','shape':[1,4,4]}," CONV("c", "x") OP2("k", "concat", "q", "c")
         OP("t", "tanh", "k") "{'name':'z','op':'parameter','shape':[4],'parameters':0},",
     TRAINING,
     "F q parameter []>[q] w32\n"
     "F c conv [x]>[c] w8\n"
     "F t tanh [q c]>[t]\n"
     "F z parameter []>[z]\n"
     "B loss loss [t z]>[t.grad@loss]\n"
     "B t.bwd tanh.bwd [t.grad@loss t]>[q.grad@t c.grad@t]\n"
     "B c.wgrad conv.wgrad [x c.grad@t]>[] a16\n"
     "B q.bwd parameter.bwd [q.grad@t]>[] a64\n",
     NULL},
};

static void check_listing(const mbs_program *program, const char *steps, const char *tensors)
{
    char *found = list_steps(program);
    ck_assert_msg(strcmp(found, steps) == 0, "found\n%sexpected\n%s", found, steps);
    mbs_free(found);
    found = list_tensors(program);
    if (tensors != NULL)
        ck_assert_str_eq(found, tensors);
    mbs_free(found);
}

START_TEST(programs)
{
    const program_case *c = &program_cases[_i];
    mbs_program *program = must_build(c->layers, c->flags);
    check_listing(program, c->steps, c->tensors);
    ck_assert_str_eq(mbs_program_network_name(program), "test");
    ck_assert_int_eq(mbs_program_is_inference(program), (c->flags & INFERENCE) != 0);
    mbs_program_free(program);
}
END_TEST

/*
 * Words of 4, 3, 20 and 3 bits, each tensor rounded up to bytes: x 9·4 bits, c 18·4; c has 18+2
 * parameters: 60 bits, 400 in accumulators; d 2+1: 9 bits, 60; its weights alone 6; r's mask 18·3.
 */
START_TEST(other_words)
{
    static const char layers[] =
        LAYER("c", "x", "'op':'conv','out_channels':2,'kernel':3,'pad':1,'bias':true")
            OP("r", "relu", "c")
                LAYER("d", "r", "'op':'conv','out_channels':1,'kernel':1,'bias':true");
    const mbs_program_options options = {.bits = {4, 3, 20, 3}};
    mbs_program *program;
    ck_assert_int_eq(build(&program, "{'name':'x','shape':[1,3,3]}", layers, &options), MBS_OK);
    check_listing(program,
                  "F c conv [x]>[c] w8\n"
                  "F r relu [c]>[r r.mask]\n"
                  "F d conv [r]>[d] w2\n"
                  "B loss loss [d]>[d.grad@loss]\n"
                  "B d.wgrad conv.wgrad [r d.grad@loss]>[] a8\n"
                  "B d.dgrad conv.dgrad [d.grad@loss]>[r.grad@d] w1\n"
                  "B r.bwd relu.bwd [r.grad@d r.mask]>[c.grad@r]\n"
                  "B c.wgrad conv.wgrad [x c.grad@r]>[] a50\n",
                  "x:5 c:9 r:9 r.mask:7 d:5 d.grad@loss:5 r.grad@d:9 c.grad@r:9");
    mbs_program_free(program);
}
END_TEST

/* Only batch norms that are replaced are counted. */
START_TEST(replaced_batch_norms)
{
    static const char layers[] = NORMS LAYER("n", "g", "'op':'norm','kind':'batch'");
    mbs_program *program = must_build(layers, TRAINING);
    ck_assert_uint_eq(mbs_program_replaced_batch_norms(program), 2);
    mbs_program_free(program);
    program = must_build(layers, KEEP);
    ck_assert_uint_eq(mbs_program_replaced_batch_norms(program), 0);
    mbs_program_free(program);
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
    Suite *suite = suite_create("program");
    TCase *tests = tcase_create("program");
    tcase_add_loop_test(tests, programs, 0, (int)COUNT(program_cases));
    tcase_add_test(tests, other_words);
    tcase_add_test(tests, replaced_batch_norms);
    tcase_add_loop_test(tests, ops, 0, (int)COUNT(op_cases));
    tcase_add_test(tests, steps_know_their_layers);
    tcase_add_test(tests, figures_from_outside);
    tcase_add_test(tests, touches_are_linked);
    tcase_add_loop_test(tests, sizes, 0, (int)COUNT(size_cases));
    tcase_add_test(tests, accumulators_too_large);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
