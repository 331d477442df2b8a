/* src/plan: each planner's rules on networks so small that their plans are made by hand. */
#include <check.h>
#include <inttypes.h>
#include <string.h>

#include "run.h"
#include "small_networks.h"

#define KIB 1024

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
    {MBS_PLANNER_IL, large_group_norm, INFERENCE, 1, 4096, "0-0:1t 1-1:1p2 | |", 0},
    /* affine, a batch norm needs no statistics */
    {MBS_PLANNER_IL, large, INFERENCE, 1, 4096, "0-1:1tt | |", 0},
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
    /* in inference it is affine, kept or not: all three join, for a few weights read twice */
    {MBS_PLANNER_MBS2, fork_norm, INFERENCE | KEEP, 2, 5000, "0-2:2sss | x:0-1 a:0-2 n:1-2 |", 0},
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
    {MBS_PLANNER_MBS2, large_group_norm, INFERENCE, 3, 4096, "0-0:1p1 1-1:1p2 | |", 0},
    {MBS_PLANNER_MBS2, large, INFERENCE, 3, 4096, "0-0:1p1 1-1:1p1 | |", 0},

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
    /* a norm, serialised; a batch norm in one pass, for it is affine; staged its 4 bytes of
     * parameters are read twice, pinned once */
    {MBS_PLANNER_DP, lone_group_norm, INFERENCE | NO_PIN | NO_STREAM, 4, 4096, "0-0:2s | |",
     8000 + 8},
    {MBS_PLANNER_DP, lone_norm, INFERENCE | NO_PIN | NO_STREAM, 4, 4096, "0-0:1p1 | |", 8000 + 4},
    {MBS_PLANNER_DP, lone_norm, INFERENCE | KEEP, 4, 4096, "0-0:1t | |", 8000 + 4},
    {MBS_PLANNER_DP, lone_norm, INFERENCE | KEEP | NO_STREAM, 4, 4096, "0-0:2s | | 0:4+0",
     8000 + 4},
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

int main(void)
{
    Suite *suite = suite_create("planners");
    TCase *tests = tcase_create("planners");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, plans, 0, (int)COUNT(plan_cases));
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
