/* src/program: which steps a network becomes, and what they read and write. */
#include <check.h>
#include <string.h>

#include "program_listing.h"
#include "run.h"

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
    /* shared parameters: who uses them comes after whom, in the order of the steps, whatever that
     * of the file is */
    {LAYER("c", "r", "'op':'conv','out_channels':2,'kernel':1,'bias':true")
         LAYER("d", "x", "'op':'conv','out_channels':2,'kernel':1,'bias':true,'shares':'c'")
             OP("r", "relu", "d") LAYER("e", "c", "'op':'conv','out_channels':2,'kernel':1"),
     TRAINING,
     "F d conv [x]>[d] w12\n"
     "F r relu [d]>[r r.mask]\n"
     "F c conv [r]>[c] w12 w=0\n"
     "F e conv [c]>[e] w8\n"
     "B loss loss [e]>[e.grad@loss]\n"
     "B e.wgrad conv.wgrad [c e.grad@loss]>[] a16\n"
     "B e.dgrad conv.dgrad [e.grad@loss]>[c.grad@e] w8\n"
     "B c.wgrad conv.wgrad [r c.grad@e]>[] a24\n"
     "B c.dgrad conv.dgrad [c.grad@e]>[r.grad@c] w8 w=2\n"
     "B r.bwd relu.bwd [r.grad@c r.mask]>[d.grad@r]\n"
     "B d.wgrad conv.wgrad [x d.grad@r]>[] a24 a=7\n",
     NULL},
    /* a norm's, one forward and one backward step each */
    {LAYER("n", "x", "'op':'norm','kind':'layer'")
         LAYER("m", "n", "'op':'norm','kind':'layer','shares':'n'"),
     INFERENCE, "F n norm [x]>[n] w8 whole\nF m norm [n]>[m] w8 whole w=0\n", NULL},
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
    /* of a slice that cuts nothing off the tensor is what it is cut from */
    {CONV("c", "x") LAYER("s", "c", "'op':'slice','end':2") OP("t", "tanh", "s"), INFERENCE,
     "F c conv [x]>[c] w8\nF t tanh [c]>[t]\n", "x:64 c:64 t:64*"},
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

int main(void)
{
    Suite *suite = suite_create("program");
    TCase *tests = tcase_create("program");
    tcase_add_loop_test(tests, programs, 0, (int)COUNT(program_cases));
    tcase_add_test(tests, other_words);
    tcase_add_test(tests, replaced_batch_norms);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
