/* src/plan: each planner's rules on networks so small that their plans are made by hand. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "mbsopt/mbsopt.h"
#include "plan/planner.h"
#include "run.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define KIB          1024

/*
 * Images of 10·50 pixels: 1000 bytes a channel. A convolution keeps them (but DOT makes one pixel,
 * 2 bytes) and has inputs·outputs weights of 2 bytes with accumulators of 4.
 */
#define INPUT(channels)          "{'name':'x','shape':[" channels ",10,50]}],'layers':["
#define LAYER(name, in, members) "{'name':'" name "','inputs':['" in "']," members "},"
#define CONV_OF(name, in, channels, kernel)                                                        \
    LAYER(name, in, "'op':'conv','out_channels':" channels ",'kernel':" kernel)
#define CONV(name, in, channels) CONV_OF(name, in, channels, "1")
#define DOT(name, in)            CONV_OF(name, in, "1", "1,'stride':[10,50]")
#define FC(name, in, outputs)    LAYER(name, in, "'op':'fc','out_features':" outputs)
#define BATCH_NORM(name, in)     LAYER(name, in, "'op':'norm','kind':'batch'")
#define RELU(name, in)           LAYER(name, in, "'op':'relu'")
#define ADD(name, a, b)          LAYER(name, a "','" b, "'op':'add'")
#define CONCAT(name, a, b)       LAYER(name, a "','" b, "'op':'concat'")

/* 0 c: 2000 bytes, 1 r: 2000, 2 d: 2000 */
static const char chain[] = INPUT("1") CONV("c", "x", "1") RELU("r", "c") CONV("d", "r", "1");

/* 0 c: 2000; 1 r: 2000; 2 s reads c and r: 3000 */
static const char residual[] = INPUT("1") CONV("c", "x", "1") RELU("r", "c") ADD("s", "c", "r");

/*
 * Operands, weights, accumulators: 0 c x->c 2000, 2; 1 n c->n 2000, 4; 2 y n->y 1020, 10000; 3 loss
 * 40; 4 y.wgrad n,gy 1020, 0, 20000; 5 y.dgrad gy->gn 1020, 10000; 6 n.bwd gn,c->gc 3000, 4, 8; 7
 * c.wgrad x,gc 2000, 0, 4. In `wide` x has 3000 bytes: 0 and 7 have 4000.
 */
#define NORM_NETWORK CONV("c", "x", "1") BATCH_NORM("n", "c") FC("y", "n", "10")
static const char norm[] = INPUT("1") NORM_NETWORK;
static const char wide[] = INPUT("3") NORM_NETWORK;

/*
 * p 2000 bytes, c 1000, e and h 2, and their gradients. 0 p x->p 3000; 1 c p->c 3000; 2 e p,c->e
 * 3002; 3 h c->h 1002; 4 loss 8; 5 h.wgrad c,gh 1002; 6 h.dgrad gh->c.grad@h 1002; 7 e.wgrad p,c,ge
 * 3002; 8 e.dgrad ge->p.grad@e,c.grad@e 3002; 9 c.gsum 3000; 10 c.wgrad p,c.grad#1 3000; 11 c.dgrad
 * c.grad#1->p.grad@c 3000; 12 p.gsum 6000; 13 p.wgrad x,p.grad#1 3000.
 */
static const char branch[] = INPUT("1") CONV("p", "x", "2") CONV("c", "p", "1")
    CONCAT("k", "p", "c") DOT("e", "k") DOT("h", "c");

/* Inference: 0 a x->a; 1 b x->b, a crosses; 2 d a,b->d. */
#define FORK(x, a, kernel)                                                                         \
    INPUT(x)                                                                                       \
    CONV("a", "x", a) CONV_OF("b", "x", "1", kernel) CONCAT("k", "a", "b") DOT("d", "k")
static const char crowded[] = FORK("2", "2", "1");
static const char tie[] = FORK("2", "2", "[61,51],'pad':[30,25]");
static const char larger[] = FORK("1", "3", "85,'pad':42");

/* 0 a x->a 2000; 1 n x->n 2000, a (1000) crosses; 2 d a,n->d 2002 */
static const char fork_norm[] =
    INPUT("1") CONV("a", "x", "1") BATCH_NORM("n", "x") CONCAT("k", "a", "n") DOT("d", "k");

/*
 * 500 pixels as channels, so that n has 1000 parameters and m 500: 0 m x->m; 1 n x->n 2000, 2000; 2
 * k n->k; 3 s m,n->s; 4 loss; 5 k.wgrad; 6 k.dgrad; 7 n.gsum gs,n.grad@k->n.grad#1; 8 n.bwd
 * n.grad#1,x 2000, 2000, 4000; 9 m.wgrad x,gs 2000, 0, 2000.
 */
static const char middle[] =
    "{'name':'x','shape':[500,1,1]}],'layers':[" CONV_OF("m", "x", "500", "1,'groups':500")
        BATCH_NORM("n", "x") FC("k", "n", "1") ADD("s", "m", "n");

/* 0 c 2000, 2; 1 d c->d 1006, 3000 */
static const char pair[] = INPUT("1") CONV("c", "x", "1") FC("d", "c", "3");
/* 0 f x->f 1006, 3000; 1 loss 12; 2 f.wgrad x,gf 1006, 0, 6000; or 1010, 5000 */
static const char single[] = INPUT("1") FC("f", "x", "3");
static const char heavy[] = INPUT("1") FC("f", "x", "5");
static const char lone_norm[] = INPUT("1") BATCH_NORM("n", "x");
/* tensors larger than the smallest buffer: 5000 bytes */
static const char large[] = INPUT("5") CONV("c", "x", "5") BATCH_NORM("n", "c");

/* All but ilp, which is no rule to follow by hand. */
#define PLANNERS (MBS_PLANNER_DP + 1)

enum { INFERENCE = 1, KEEP = 2, NO_PIN = 4, NO_STREAM = 8 };

typedef struct task {
    const char *network;
    int flags;
    mbs_plan_options options;
    mbs_hardware hardware;
} task;

static mbs_error error;

static mbs_program *build(const char *layers, int flags)
{
    char document[2048];
    mbs_program_options options = MBS_PROGRAM_OPTIONS_INIT;
    mbs_network *network;
    mbs_program *program;
    options.inference = (flags & INFERENCE) != 0;
    options.keep_batch_norm = (flags & KEEP) != 0;
    size_t end = strlen(layers) - 1; /* of the last comma */
    int length =
        snprintf(document, sizeof document,
                 "{'format':'mbsopt-network/1','name':'test','inputs':[%.*s]}", (int)end, layers);
    ck_assert_int_lt(length, (int)sizeof document);
    for (char *at = document; *at != '\0'; at++)
        *at = *at == '\'' ? '"' : *at;
    mbs_error_clear(&error);
    ck_assert_msg(mbs_network_load_text(&network, document, (size_t)length, "test", &error) ==
                      MBS_OK,
                  "%s", error.message[0]);
    ck_assert_int_eq(mbs_program_create(&program, network, &options, &error), MBS_OK);
    mbs_network_free(network);
    return program;
}

static task make_task(const char *network, int flags, mbs_planner planner, int64_t batch,
                      int64_t buffer_bytes)
{
    task t = {.network = network, .flags = flags, .options = MBS_PLAN_OPTIONS_INIT};
    t.options.planner = planner;
    t.options.batch = batch;
    t.options.buffer_bytes = buffer_bytes;
    t.options.no_pin = (flags & NO_PIN) != 0;
    t.options.no_stream = (flags & NO_STREAM) != 0;
    mbs_hardware_wavecore(&t.hardware);
    return t;
}

/*
 * "0-3:2sstt 4-4:1p2 | c:0-1 | 3:10+20": groups with their I and their steps' modes (staged,
 * streamed (t) or in passes, how many), resident intervals, pinned weights and accumulators.
 */
static char *describe(const mbs_plan *plan)
{
    const mbs_program *p = plan->program;
    text out = TEXT_INIT;
    char *result;
    for (int32_t g = 0; g < plan->group_count; g++) {
        const mbs_group *group = &plan->groups[g];
        text_format(&out, "%s%d-%d:%" PRId64, g == 0 ? "" : " ", group->first, group->end - 1,
                    group->iterations);
        for (int32_t k = group->first; k < group->end; k++)
            text_format(&out, "%c", "stp"[plan->mode[k]]);
        if (plan->mode[group->first] == MBS_PASSES)
            text_integer(&out, group->passes);
    }
    text_string(&out, " |");
    for (int32_t t = 0; t < p->touch_count; t++)
        if (plan->resident[t])
            text_format(&out, " %s:%d-%d", p->tensors[p->touches[t].tensor].name,
                        p->touches[t].step, p->touches[p->touches[t].next].step);
    text_string(&out, " |");
    for (int32_t k = 0; k < p->step_count; k++)
        if (plan->pinned_weight[k] + plan->pinned_accumulator[k] > 0)
            text_format(&out, " %d:%" PRId64 "+%" PRId64, k, plan->pinned_weight[k],
                        plan->pinned_accumulator[k]);
    ck_assert_int_eq(text_finish(&out, &result, NULL), MBS_OK);
    return result;
}

/* Plans (and verifies); the description is the caller's. */
static char *run(const task *t, int64_t *total)
{
    mbs_program *program = build(t->network, t->flags);
    mbs_plan *plan;
    mbs_traffic traffic;
    ck_assert_msg(mbs_plan_create(&plan, program, &t->hardware, &t->options, &error) == MBS_OK,
                  "%s", error.message[0]);
    char *description = describe(plan);
    mbs_plan_traffic(plan, &traffic);
    if (total != NULL)
        *total = traffic.total;
    ck_assert_int_eq(plan->batch, t->options.batch);
    ck_assert_str_eq(mbs_plan_planner_name(plan), mbs_planner_name(t->options.planner));
    bool optimal = t->options.planner == MBS_PLANNER_DP;
    ck_assert_int_eq(mbs_plan_outcome(plan), optimal ? MBS_OPTIMAL : MBS_HEURISTIC);
    ck_assert_int_eq(mbs_plan_bound_bytes(plan), optimal ? traffic.total : 0);
    mbs_plan_free(plan);
    mbs_program_free(program);
    return description;
}

typedef struct plan_case {
    mbs_planner planner;
    const char *network;
    int flags;
    int64_t batch;
    int64_t buffer_bytes;
    const char *plan;
    int64_t total; /* 0: not counted by hand */
} plan_case;

/* Shorthands for intervals of `norm` and `branch`. */
#define GY   " y.grad@loss:3-4 y.grad@loss:4-5"
#define NEAR " p:0-1 p:1-2 c:1-2 c:2-3 h.grad@loss:4-5"
/* What adjacent steps of `branch` hand on, and what its branches share besides: c.grad@h is read
 * after e's steps, p.grad@e after c's, e's gradient after h's. p from e.wgrad to c.wgrad: the steps
 * between are e.dgrad and c.gsum, which belongs to c. */
#define ADJACENT                                                                                   \
    NEAR " c:5-7 h.grad@loss:5-6 p:7-10 e.grad@loss:7-8 c.grad@e:8-9 c.grad#1:9-10 "               \
         "c.grad#1:10-11 p.grad@c:11-12 p.grad#1:12-13"
#define ALL_OF_IT                                                                                  \
    " p:0-1 p:1-2 c:1-2 c:2-3 e.grad@loss:4-7 h.grad@loss:4-5 c:5-7 h.grad@loss:5-6 c.grad@h:6-9 " \
    "p:7-10 e.grad@loss:7-8 p.grad@e:8-12 c.grad@e:8-9 c.grad#1:9-10 c.grad#1:10-11 "              \
    "p.grad@c:11-12 p.grad#1:12-13"

static const plan_case plan_cases[] = {
    /* baseline: n.bwd, 2·3000, does not fit; reads 2·(1000+1000+1000+20+1020+20+2·2000+2000),
     * writes 2·(4·1000+40), weights 20010, accumulators 20012 */
    {MBS_PLANNER_BASELINE, norm, 0, 2, 4096,
     "0-0:1s 1-1:1s 2-2:1s 3-3:1s 4-4:1s 5-5:1s 6-6:1p2 7-7:1s | |", 20120 + 8080 + 40022},
    /* c in one pass, the norm in two, y's 10000 bytes in 3 of 4096, its 20000 in 5 */
    {MBS_PLANNER_BASELINE, norm, KEEP, 5, 4096,
     "0-0:1p1 1-1:1p2 2-2:1p3 3-3:1s 4-4:1p5 5-5:1p3 6-6:1p2 7-7:1p1 | |", 0},
    {MBS_PLANNER_ARCHOPT, norm, 0, 2, 4096,
     "0-0:1s 1-1:1s 2-2:1s 3-3:1s 4-4:1s 5-5:1s 6-6:1p2 7-7:1s | |", 20120 + 8080 + 40022},

    /* il: c stays (3000 and 2 bytes at its ends), r would make 6000 with it */
    {MBS_PLANNER_IL, chain, INFERENCE, 3, 4096, "0-2:1ttt | c:0-1 |", 0},
    {MBS_PLANNER_IL, chain, INFERENCE, 3, 8192, "0-2:1ttt | c:0-1 r:1-2 |", 3000 + 3000 + 4},
    /* from r to s: c before r, the smaller id */
    {MBS_PLANNER_IL, residual, INFERENCE, 3, 4096, "0-2:1ttt | c:0-1 c:1-2 |", 0},
    /* y, y.wgrad and y.dgrad (10000 and 20000 bytes) are cut out, staged, for 2·1020 fit; n has one
     * of its two samples of c by its statistics already: 2004 + 1000; n.bwd 3012 + 1000 */
    {MBS_PLANNER_IL, norm, 0, 2, 4096,
     "0-1:1tt 2-2:1s 3-3:1t 4-4:1s 5-5:1s 6-7:1tt | c:0-1 c.grad@n:6-7 |", 0},
    {MBS_PLANNER_IL, norm, KEEP, 3, 4096, "0-1:1tt 2-2:1s 3-3:1t 4-4:1s 5-5:1s 6-7:1tt | c:0-1 |",
     0}, /* 3012 + 2·1000 */
    {MBS_PLANNER_IL, norm, 0, 5, 4096, "0-1:1tt 2-2:1p3 3-3:1t 4-4:1p5 5-5:1p3 6-7:1tt | |",
     0}, /* 5·1000; 5·1020 */
    {MBS_PLANNER_IL, large, INFERENCE, 1, 4096, "0-0:1t 1-1:1p2 | |", 0},
    {MBS_PLANNER_IL, branch, 0, 2, KIB *KIB, "0-3:1tttt 4-13:1tttttttttt |" ADJACENT " |", 0},
    /* at e.wgrad c takes 2012 with the accumulators; e's gradient, which ends first, 4 more, p 4000
     * more, which then at c.gsum leaves no room for c.grad#1; p.grad#1 would make 8000 with
     * p.grad@c */
    {MBS_PLANNER_IL, branch, 0, 2, 6014,
     "0-3:1tttt 4-13:1tttttttttt |" NEAR " c:5-7 h.grad@loss:5-6 e.grad@loss:7-8 c.grad@e:8-9 "
     "c.grad#1:9-10 c.grad#1:10-11 p.grad@c:11-12 |",
     0},
    {MBS_PLANNER_IL, branch, 0, 2, 6016,
     "0-3:1tttt 4-13:1tttttttttt |" NEAR " c:5-7 h.grad@loss:5-6 p:7-10 e.grad@loss:7-8 "
     "c.grad@e:8-9 c.grad#1:10-11 p.grad@c:11-12 |",
     0},

    /* s's gradient from n.gsum to m.wgrad: it fits there (6000 and 4000), but n.bwd between has
     * 6000 of parameters, a sample of both operands (2000), n.grad#1 (1000 more), and would have
     * 2000 */
    {MBS_PLANNER_IL, middle, 0, 2, 10500,
     "0-3:1tttt 4-9:1tttttt | x:0-1 n:1-2 n:2-3 k.grad@loss:4-5 k.grad@loss:5-6 n.grad@k:6-7 "
     "n.grad#1:7-8 x:8-9 |",
     0},
    {MBS_PLANNER_IL, middle, 0, 2, 12000,
     "0-3:1tttt 4-9:1tttttt | x:0-1 n:1-2 n:2-3 k.grad@loss:4-5 k.grad@loss:5-6 n.grad@k:6-7 "
     "s.grad@loss:7-9 n.grad#1:7-8 x:8-9 |",
     0},

    /* mbs-fs: n.bwd's 3000 bytes let one sample in, everywhere; 4 of 5 samples are 3 and 2 */
    {MBS_PLANNER_MBS_FS, norm, 0, 5, 4096,
     "0-2:5sss 3-7:5sssss | c:0-1 n:1-2" GY " n.grad@y:5-6 c.grad@n:6-7 |", 0},
    {MBS_PLANNER_MBS_FS, norm, 0, 5, 12288,
     "0-2:2sss 3-7:2sssss | c:0-1 n:1-2" GY " n.grad@y:5-6 c.grad@n:6-7 |", 0},
    /* p.gsum (6000) fits at no b; e.dgrad (3002) does not with p (2000) over it; once it is cut out
     * p does not stay over c.gsum any more, which then fits */
    {MBS_PLANNER_MBS_FS, branch, 0, 3, 4096,
     "0-3:3ssss 4-7:3ssss 8-8:1p1 9-11:3sss 12-12:1p1 13-13:3s |" NEAR
     " c:5-7 h.grad@loss:5-6 c.grad#1:9-10 c.grad#1:10-11 |",
     0},
    {MBS_PLANNER_MBS_FS, branch, 0, 1, 4096,
     "0-3:1ssss 4-7:1ssss 8-8:1s 9-11:1sss 12-12:1p1 13-13:1s |" NEAR
     " c:5-7 h.grad@loss:5-6 c.grad#1:9-10 c.grad#1:10-11 |",
     0},
    /* kept batch norms: for 5 samples neither fits (10000, 15000); for 2, n does and so does all
     * else: I=1; where c needs I=2, n is cut out, staged */
    {MBS_PLANNER_MBS_FS, norm, KEEP, 5, 4096,
     "0-0:3s 1-1:1p2 2-2:3s 3-5:3sss 6-6:1p2 7-7:3s |" GY " |", 0},
    {MBS_PLANNER_MBS_FS, norm, KEEP, 2, 4096,
     "0-2:1sss 3-5:1sss 6-6:1p2 7-7:1s | c:0-1 n:1-2" GY " |", 0},
    {MBS_PLANNER_MBS_FS, wide, KEEP, 2, 4096,
     "0-0:2s 1-1:1s 2-2:2s 3-5:2sss 6-6:1p2 7-7:2s |" GY " |", 0},

    /* mbs1 and mbs2: own I 1 but for n.bwd, 2. Joining it to c.wgrad saves c.grad@n, 4000, and
     * costs 8; to y's, 40000. Reads 2·(1000+20+1000+2000+1000), writes 2·(2000+20+1000), weights
     * 20006 and 2·4, accumulators 20000 and 3·12 */
    {MBS_PLANNER_MBS1, norm, 0, 2, 4096,
     "0-2:1sss 3-5:1sss 6-7:2ss | c:0-1 n:1-2" GY " c.grad@n:6-7 |", 10040 + 6040 + 20014 + 20036},
    {MBS_PLANNER_MBS2, norm, 0, 2, 4096,
     "0-2:1sss 3-5:1sss 6-7:2ss | c:0-1 n:1-2" GY " c.grad@n:6-7 |", 10040 + 6040 + 20014 + 20036},
    /* a kept batch norm's own I is 1, c's 2; together they would need I=1 and 8000 bytes */
    {MBS_PLANNER_MBS2, wide, KEEP, 2, 4096,
     "0-0:2s 1-2:1ss 3-5:1sss 6-6:1p2 7-7:2s | n:1-2" GY " |", 0},
    /* its own I is 1 though a crosses it (2·3000): it joins a's group, not d's */
    {MBS_PLANNER_MBS2, fork_norm, INFERENCE | KEEP, 2, 5000, "0-1:1ss 2-2:1s | x:0-1 |", 0},
    /* serialised all three join, for a few weights read twice */
    {MBS_PLANNER_MBS2, fork_norm, INFERENCE, 2, 5000, "0-2:2sss | x:0-1 a:0-2 n:1-2 |", 0},
    /* reads 4·(1000 + 4+1000+2002+1000+2000+1000), writes 4·(3004 + 2+1000+2000), weights 2·16
     * and 4·12, accumulators 7·32 */
    {MBS_PLANNER_MBS1, branch, 0, 4, 8192, "0-3:2ssss 4-13:4ssssssssss |" ADJACENT " |",
     32024 + 24024 + 80 + 224},
    /* reads 4·(1000 + 4+1000+2000+1000), writes 4·3004 */
    {MBS_PLANNER_MBS2, branch, 0, 4, 8192, "0-3:2ssss 4-13:4ssssssssss |" ALL_OF_IT " |",
     20016 + 12016 + 80 + 224},
    /* own I are 2 all over, but with d the group would have a (2000) over b (3000) */
    {MBS_PLANNER_MBS2, crowded, INFERENCE, 2, 4096, "0-1:2ss 2-2:2s | x:0-1 |", 0},
    /* own I 1, 2 (a over b), 1. a+b saves 2·2000 of x, b+d 2·2000 of b: the first is made. All
     * three: 12000, but I=2 costs 12444+14. Reads 2·(2000+3000), writes 2·3002 */
    {MBS_PLANNER_MBS2, tie, INFERENCE, 2, 8192, "0-1:1ss 2-2:1s | x:0-1 |", 10000 + 6004 + 12458},
    /* a+b saves 2·1000, b+d 2·2000; all three 14000 more, but I=2 costs 14450+14 */
    {MBS_PLANNER_MBS2, larger, INFERENCE, 2, 8192, "0-0:1s 1-2:1ss | b:1-2 |", 0},
    {MBS_PLANNER_MBS1, larger, INFERENCE, 2, 8192, "0-2:1sss | x:0-1 b:1-2 |", 0},
    {MBS_PLANNER_MBS2, large, INFERENCE, 3, 4096, "0-0:1p1 1-1:1p2 | |", 0},

    /* dp: streamed, c takes 4·1000+2 for all samples; x in, d out, 3002 of weights: no plan can do
     * with less */
    {MBS_PLANNER_DP, pair, INFERENCE | NO_PIN, 4, 4096, "0-1:1ts | c:0-1 |", 4000 + 24 + 3002},
    /* staged, 2000 a sample: I=2 would pin 96 bytes, 4024+2·3002-96; I=4 pins 2096, first c's 2 */
    {MBS_PLANNER_DP, pair, INFERENCE | NO_STREAM, 4, 4096, "0-1:4ss | c:0-1 | 0:2+0 1:2094+0",
     4024 + 4 * 3002 - 3 * 2096},
    {MBS_PLANNER_DP, pair, INFERENCE | NO_STREAM | NO_PIN, 4, 4096, "0-1:2ss | c:0-1 |",
     4024 + 2 * 3002},
    /* 1012 a sample at loss, 4048 for 4 of 8: 48 bytes of the accumulators stay. x is read once;
     * f.wgrad on its own would read it twice, in passes, or move 18000 in two iterations */
    {MBS_PLANNER_DP, single, 0, 8, 4096, "0-2:2sss | x:0-2 f:0-1 f.grad@loss:1-2 | 2:0+48",
     8000 + 2 * 3000 + 3 * 6000 - 2 * 48},
    {MBS_PLANNER_DP, single, NO_PIN, 8, 4096, "0-2:2sss | x:0-2 f:0-1 f.grad@loss:1-2 |",
     8000 + 2 * 3000 + 3 * 6000},
    /* weights that fit: streamed, or in one pass; if they do not, I=2 is less than two passes */
    {MBS_PLANNER_DP, single, INFERENCE | NO_PIN, 8, 4096, "0-0:1t | |", 8000 + 48 + 3000},
    {MBS_PLANNER_DP, single, INFERENCE | NO_PIN | NO_STREAM, 8, 4096, "0-0:1p1 | |",
     8000 + 48 + 3000},
    {MBS_PLANNER_DP, heavy, INFERENCE, 8, 4096, "0-0:2s | | 0:56+0", 8000 + 80 + 2 * 5000 - 56},
    /* a norm, serialised; coupled: with one sample of both operands, or in two passes */
    {MBS_PLANNER_DP, lone_norm, INFERENCE | NO_PIN | NO_STREAM, 4, 4096, "0-0:2s | |", 8000 + 8},
    {MBS_PLANNER_DP, lone_norm, INFERENCE | KEEP, 4, 4096, "0-0:1t | |", 8000 + 4},
    {MBS_PLANNER_DP, lone_norm, INFERENCE | KEEP | NO_STREAM, 4, 4096, "0-0:1p2 | |", 12000 + 4},
};

START_TEST(plans)
{
    const plan_case *c = &plan_cases[_i];
    task t = make_task(c->network, c->flags, c->planner, c->batch, c->buffer_bytes);
    int64_t total;
    char *found = run(&t, &total);
    ck_assert_msg(strcmp(found, c->plan) == 0,
                  "%s of %" PRId64 " in %" PRId64 ":\n%s\nexpected\n%s",
                  mbs_planner_name(c->planner), c->batch, c->buffer_bytes, found, c->plan);
    if (c->total != 0)
        ck_assert_int_eq(total, c->total);
    mbs_free(found);
}
END_TEST

/* ---- All planners ---------------------------------------------------------------------------- */

static const char *const networks[] = {chain, residual, norm,  wide,  branch,   crowded,
                                       pair,  single,   heavy, large, lone_norm};

/* Runs on every network, in training and inference, with batch norms kept and replaced. */
static void run_all(mbs_planner planner, int64_t batch, int64_t buffer_bytes)
{
    for (size_t i = 0; i < COUNT(networks); i++)
        for (int flags = 0; flags < 4; flags++) {
            task t = make_task(networks[i], flags, planner, batch, buffer_bytes);
            mbs_free(run(&t, NULL));
        }
}

START_TEST(all_batches_and_buffers)
{
    static const int64_t batches[] = {1, 2, 97, 100000, MBS_MAX_BATCH};
    static const int64_t buffers[] = {4096, 5000, 1 << 20, INT64_C(1) << 62, INT64_MAX};
    for (size_t i = 0; i < COUNT(batches); i++)
        for (size_t j = 0; j < COUNT(buffers); j++) {
            /* in a small buffer the replay of a million samples takes long */
            if (batches[i] < 1000 || buffers[j] > 5000)
                run_all((mbs_planner)_i, batches[i], buffers[j]);
        }
}
END_TEST

/* 2 samples of 2000 bytes fit: 97 are 49 times 2, 100000 are 50000. */
START_TEST(many_samples)
{
    task t = make_task(chain, INFERENCE, MBS_PLANNER_MBS_FS, 97, 4096);
    char *found = run(&t, NULL);
    ck_assert_str_eq(found, "0-2:49sss | c:0-1 r:1-2 |");
    mbs_free(found);
    t.options.batch = 100000;
    found = run(&t, NULL);
    ck_assert_str_eq(found, "0-2:50000sss | c:0-1 r:1-2 |");
    mbs_free(found);
}
END_TEST

/* What the hardware reserves is not there to plan with; no buffer given is the hardware's. */
START_TEST(reserved_bytes)
{
    for (size_t i = 0; i < COUNT(networks); i++) {
        task t = make_task(networks[i], 0, (mbs_planner)_i, 5, 6000);
        int64_t totals[3];
        char *plan = run(&t, &totals[0]);
        t.options.buffer_bytes = 6000 + 12345;
        t.hardware.reserved_bytes = 12345;
        char *reserved = run(&t, &totals[1]);
        t.options.buffer_bytes = 0;
        t.hardware.buffer_bytes = 6000 + 12345;
        char *from_hardware = run(&t, &totals[2]);
        ck_assert_str_eq(plan, reserved);
        ck_assert_str_eq(plan, from_hardware);
        ck_assert_int_eq(totals[0], totals[1]);
        ck_assert_int_eq(totals[0], totals[2]);
        mbs_free(plan);
        mbs_free(reserved);
        mbs_free(from_hardware);
    }
}
END_TEST

START_TEST(norm_passes_of_the_hardware)
{
    task t = make_task(large, INFERENCE, MBS_PLANNER_BASELINE, 3, 4096);
    int64_t total;
    t.hardware.norm_passes = 7;
    char *found = run(&t, &total);
    ck_assert_str_eq(found, "0-0:1p1 1-1:1p7 | |");
    /* c and the norm read 5000 bytes once and 7 times and write them; 25 and 10 weights */
    ck_assert_int_eq(total, 3 * (8 * 5000 + 2 * 5000) + 50 + 20);
    mbs_free(found);
}
END_TEST

/* ---- What is refused ------------------------------------------------------------------------- */

typedef struct refusal {
    int64_t batch;
    int64_t buffer_bytes;
    int64_t reserved_bytes;
    int64_t norm_passes;
    mbs_status status;
    const char *word; /* in the message */
} refusal;

static const refusal refusals[] = {
    {0, 4096, 0, 2, MBS_ERR_INPUT, "mini-batch"},
    {-1, 4096, 0, 2, MBS_ERR_INPUT, "-1"},
    {MBS_MAX_BATCH + 1, 4096, 0, 2, MBS_ERR_INPUT, "1000001"},
    {INT64_MAX, 4096, 0, 2, MBS_ERR_INPUT, "mini-batch"},
    {1, 4095, 0, 2, MBS_ERR_INPUT, "4095"},
    {1, 1, 0, 2, MBS_ERR_INPUT, "4096"},
    {1, -1, 0, 2, MBS_ERR_INPUT, "-1"},
    {1, INT64_MIN, 0, 2, MBS_ERR_INPUT, "buffer"},
    {1, 8192, 4097, 2, MBS_ERR_INPUT, "4097"},
    {1, 8192, 4096, 2, MBS_OK, NULL},
    {1, 8192, INT64_MAX, 2, MBS_ERR_INPUT, "reserve"},
    {1, 8192, -1, 2, MBS_ERR_INPUT, "reserved_bytes"},
    {1, 8192, 0, 0, MBS_ERR_INPUT, "norm_passes"},
};

START_TEST(refused)
{
    const refusal *c = &refusals[_i];
    mbs_program *program = build(chain, 0);
    for (int planner = 0; planner < PLANNERS; planner++) {
        task t = make_task(chain, 0, (mbs_planner)planner, c->batch, c->buffer_bytes);
        mbs_plan *plan;
        t.hardware.reserved_bytes = c->reserved_bytes;
        t.hardware.norm_passes = c->norm_passes;
        mbs_error_clear(&error);
        ck_assert_int_eq(mbs_plan_create(&plan, program, &t.hardware, &t.options, &error),
                         c->status);
        ck_assert_uint_eq(error.count, c->status == MBS_OK ? 0 : 1);
        ck_assert((plan != NULL) == (c->status == MBS_OK));
        if (c->word != NULL)
            ck_assert_msg(strstr(error.message[0], c->word) != NULL, "%s", error.message[0]);
        mbs_plan_free(plan);
    }
    mbs_program_free(program);
}
END_TEST

/* 2^49 elements: 2^50 bytes; with one sample all is well, a million are 2^70 bytes. */
START_TEST(more_than_64_bits)
{
    static const char huge[] =
        "{'name':'x','shape':[16777216,33554432]}],'layers':[" RELU("r", "x");
    mbs_program *program = build(huge, 0);
    task t = make_task(huge, 0, (mbs_planner)_i, MBS_MAX_BATCH, 4096);
    mbs_plan *plan;
    ck_assert_int_eq(mbs_plan_create(&plan, program, &t.hardware, &t.options, &error),
                     MBS_ERR_INPUT);
    ck_assert_ptr_null(plan);
    ck_assert_msg(strstr(error.message[0], "test") != NULL, "%s", error.message[0]);
    mbs_program_free(program);
    t.options.batch = 1;
    mbs_free(run(&t, NULL));
}
END_TEST

START_TEST(planner_names)
{
    static const char *const names[] = {"baseline", "archopt", "il", "mbs-fs",
                                        "mbs1",     "mbs2",    "dp"};
    mbs_planner planner;
    ck_assert_uint_eq(COUNT(names), PLANNERS);
    for (int i = 0; i < PLANNERS; i++) {
        ck_assert_str_eq(mbs_planner_name((mbs_planner)i), names[i]);
        ck_assert_int_eq(mbs_planner_from_name(&planner, names[i], &error), MBS_OK);
        ck_assert_int_eq(planner, i);
    }
    ck_assert_ptr_null(mbs_planner_name(MBS_PLANNER_COUNT));
    mbs_error_clear(&error);
    ck_assert_int_eq(mbs_planner_from_name(&planner, "DP", &error), MBS_ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(error.message[0], "mbs-fs"));
    task t = make_task(chain, 0, MBS_PLANNER_COUNT, 1, 4096);
    mbs_program *program = build(chain, 0);
    mbs_plan *plan;
    ck_assert_int_eq(mbs_plan_create(&plan, program, &t.hardware, &t.options, &error),
                     MBS_ERR_ARGUMENT);
    ck_assert_ptr_null(plan);
    mbs_program_free(program);
}
END_TEST

/* ---- Iteration counts ------------------------------------------------------------------------ */

static void check_candidates(int64_t batch)
{
    candidates list;
    int32_t count = 0;
    int64_t last = 0;
    ck_assert_int_eq(candidates_create(&list, batch, &error), MBS_OK);
    for (int64_t b = batch; b >= 1; b--) {
        int64_t iterations = (batch + b - 1) / b;
        if (iterations == last)
            continue;
        ck_assert_int_lt(count, list.count);
        ck_assert_int_eq(list.iterations[count], iterations);
        ck_assert_int_eq(list.sub_batch[count], (batch + iterations - 1) / iterations);
        last = iterations;
        count++;
    }
    ck_assert_int_eq(list.count, count);
    candidates_free(&list);
}

START_TEST(candidate_iterations)
{
    static const int64_t batches[] = {4096, 65535, 99991, 100000, 999983, MBS_MAX_BATCH};
    for (int64_t batch = 1; batch <= 1000; batch++)
        check_candidates(batch);
    for (size_t i = 0; i < COUNT(batches); i++)
        check_candidates(batches[i]);
}
END_TEST

START_TEST(fewest_iterations)
{
    for (int64_t batch = 1; batch <= 60; batch++)
        for (int64_t samples = 1; samples <= 70; samples++) {
            int64_t iterations = smallest_iterations(batch, samples);
            ck_assert_int_le((batch + iterations - 1) / iterations, samples);
            if (iterations > 1)
                ck_assert_int_gt((batch + iterations - 2) / (iterations - 1), samples);
        }
    ck_assert_int_eq(smallest_iterations(MBS_MAX_BATCH, INT64_MAX), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("planners");
    TCase *tests = tcase_create("planners");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, plans, 0, (int)COUNT(plan_cases));
    tcase_add_loop_test(tests, all_batches_and_buffers, 0, PLANNERS);
    tcase_add_test(tests, many_samples);
    tcase_add_loop_test(tests, reserved_bytes, 0, PLANNERS);
    tcase_add_test(tests, norm_passes_of_the_hardware);
    tcase_add_loop_test(tests, refused, 0, (int)COUNT(refusals));
    tcase_add_loop_test(tests, more_than_64_bits, 0, PLANNERS);
    tcase_add_test(tests, planner_names);
    tcase_add_test(tests, candidate_iterations);
    tcase_add_test(tests, fewest_iterations);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
