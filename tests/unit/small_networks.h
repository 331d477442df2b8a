/* Networks so small that their plans are made by hand, and plans of them, described in a line. */
#ifndef TESTS_UNIT_SMALL_NETWORKS_H
#define TESTS_UNIT_SMALL_NETWORKS_H

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "mbsopt/mbsopt.h"
#include "plan/planner.h"
#include "run.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

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
#define GROUP_NORM(name, in)     LAYER(name, in, "'op':'norm','kind':'group','groups':1")
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
static const char lone_group_norm[] = INPUT("1") GROUP_NORM("n", "x");
/* tensors larger than the smallest buffer: 5000 bytes */
static const char large[] = INPUT("5") CONV("c", "x", "5") BATCH_NORM("n", "c");
static const char large_group_norm[] = INPUT("5") CONV("c", "x", "5") GROUP_NORM("n", "c");

/* All but ilp, which is no rule to follow by hand. */
#define PLANNERS (MBS_PLANNER_DP + 1)

enum { INFERENCE = 1, KEEP = 2, NO_PIN = 4, NO_STREAM = 8, SPLIT = 16 };

typedef struct task {
    const char *network;
    int flags;
    mbs_plan_options options;
    mbs_hardware hardware;
} task;

static mbs_error error;

static inline mbs_program *build(const char *layers, int flags)
{
    char document[2048];
    mbs_program_options options = MBS_PROGRAM_OPTIONS_INIT;
    mbs_network *network;
    mbs_program *program;
    options.inference = (flags & INFERENCE) != 0;
    options.keep_batch_norm = (flags & KEEP) != 0;
    options.split_norms = (flags & SPLIT) != 0;
    size_t end = strlen(layers) - 1; /* of the last comma */
    int length =
        snprintf(document, sizeof document,
                 "{'format':'mbsopt-network/1','name':'test','inputs':[%.*s]}", (int)end, layers);
    ck_assert_int_lt(length, (int)sizeof document);
    double_quotes(document);
    mbs_error_clear(&error);
    ck_assert_msg(mbs_network_load_text(&network, document, (size_t)length, "test", &error) ==
                      MBS_OK,
                  "%s", error.message[0]);
    ck_assert_int_eq(mbs_program_create(&program, network, &options, &error), MBS_OK);
    mbs_network_free(network);
    return program;
}

static inline task make_task(const char *network, int flags, mbs_planner planner, int64_t batch,
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
static inline char *describe(const mbs_plan *plan)
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
static inline char *run(const task *t, int64_t *total)
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

#endif
