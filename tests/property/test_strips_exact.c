/*
 * ilp with strip groups, on random networks whose heights change: it proves what brute force finds,
 * of the split program and of both, and is never worse than dp. MBS_SEED=N repeats a run and
 * MBS_ROUNDS=N makes it longer.
 */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>

#include "brute_force_ilp.h"
#include "mbsopt/mbsopt.h"
#include "planned.h"
#include "random_chain.h"
#include "run.h"

#define MOST_STEPS 10

static uint64_t seed = 20231105;
static int rounds = 100;
static mbs_error error;

typedef struct setting {
    mbs_network *network;
    mbs_program_options program_options;
    mbs_program *plain;
    mbs_program *split;
    mbs_hardware hardware;
    mbs_plan_options options;
    mbs_recompute_options recompute;
    char label[RANDOM_LABEL_BYTES];
} setting;

static void create_program(mbs_program **program, setting *s, int split)
{
    s->program_options.split_norms = split;
    must_succeed(mbs_program_create(program, s->network, &s->program_options, &error), &error,
                 s->label);
    s->program_options.split_norms = 0;
}

static void open_setting(setting *s, uint64_t *state, int layers, int scale)
{
    mbs_error_clear(&error);
    do
        s->network = random_between(state, 0, 3) == 0
                         ? random_network(state, layers, s->label)
                         : random_chain(state, layers, scale, s->label);
    while (s->network == NULL);
    s->program_options = (mbs_program_options)MBS_PROGRAM_OPTIONS_INIT;
    s->program_options.optimizer = random_optimizer(state);
    s->program_options.inference = random_between(state, 0, 1) == 0;
    s->program_options.keep_batch_norm = random_between(state, 0, 1) == 0;
    create_program(&s->plain, s, 0);
    create_program(&s->split, s, 1);
    mbs_hardware_wavecore(&s->hardware);
    s->hardware.norm_passes = random_between(state, 1, 3);
    s->options = (mbs_plan_options)MBS_PLAN_OPTIONS_INIT;
    s->options.planner = MBS_PLANNER_ILP;
    s->options.batch = random_between(state, 1, 6);
    s->options.buffer_bytes = 4096 + random_between(state, 0, 1 << random_between(state, 5, 14));
    s->options.no_pin = random_between(state, 0, 3) == 0;
    s->options.no_stream = random_between(state, 0, 3) == 0;
    s->options.in_place = random_between(state, 0, 1) == 0;
    s->recompute = (mbs_recompute_options){MBS_RECOMPUTE_NONE, 0, 0, 1};
}

static void close_setting(setting *s)
{
    mbs_program_free(s->plain);
    mbs_program_free(s->split);
    mbs_network_free(s->network);
}

static bool has_strips(const mbs_plan *plan)
{
    for (size_t g = 0; g < mbs_plan_group_count(plan); g++) {
        mbs_group_info info;
        ck_assert_int_eq(mbs_plan_group(plan, g, &info), MBS_OK);
        if (info.strips > 1)
            return true;
    }
    return false;
}

/* Checks and frees a plan that must move `expected` and be proven to. */
static bool check_proven(mbs_plan *plan, int64_t expected, const setting *s, const char *what)
{
    const bool strips = has_strips(plan);
    ck_assert_msg(plan_total(plan) == expected && mbs_plan_bound_bytes(plan) == expected &&
                      mbs_plan_outcome(plan) == MBS_OPTIMAL,
                  "%s: %s: %" PRId64 ", bound %" PRId64 ", brute force %" PRId64, s->label, what,
                  plan_total(plan), mbs_plan_bound_bytes(plan), expected);
    mbs_plan_free(plan);
    return strips;
}

/* The planner's plan of both programs, replayed. */
static mbs_plan *plan_both(const setting *s, mbs_planner planner)
{
    mbs_plan_options options = s->options;
    mbs_plan *plan;
    options.planner = planner;
    must_succeed(mbs_plan_create_recompute(&plan, s->network, &s->program_options, &s->hardware,
                                           &options, &s->recompute, &error),
                 &error, s->label);
    must_succeed(mbs_plan_verify(plan, NULL, &error), &error, s->label);
    return plan;
}

START_TEST(ilp_equals_brute_force)
{
    uint64_t state = seed;
    int compared = 0;
    int with_strips = 0;
    int better = 0;
    for (int round = 0; round < rounds * 8; round++) {
        setting s;
        open_setting(&s, &state, (int)random_between(&state, 1, 7), 1);
        if (mbs_program_step_count(s.split) <= MOST_STEPS &&
            brute_force_interval_count(s.split) <= BRUTE_FORCE_INTERVALS) {
            const oracle_task plain = oracle_of(s.plain, &s.hardware, &s.options);
            const oracle_task split = oracle_of(s.split, &s.hardware, &s.options);
            const int64_t plain_bytes = brute_force_ilp(&plain);
            const int64_t split_bytes = brute_force_ilp(&split);
            const int64_t least = plain_bytes < split_bytes ? plain_bytes : split_bytes;
            mbs_plan *dp = plan_both(&s, MBS_PLANNER_DP);
            ck_assert_int_le(least, plan_total(dp));
            better += least < plan_total(dp);
            mbs_plan_free(dp);
            with_strips += check_proven(replayed_plan(s.split, &s.hardware, &s.options, s.label),
                                        split_bytes, &s, "split");
            check_proven(plan_both(&s, MBS_PLANNER_ILP), least, &s, "ilp of both");
            check_proven(plan_both(&s, MBS_PLANNER_BEST), least, &s, "best of both");
            compared++;
        }
        close_setting(&s);
    }
    printf("ilp equals brute force on %d networks, %d times with strips, %d times below dp\n",
           compared, with_strips, better);
    ck_assert_int_gt(compared, rounds);
    ck_assert_int_gt(with_strips, rounds / 4);
    ck_assert_int_gt(better, rounds / 20);
}
END_TEST

/* With any policy of recomputing. */
START_TEST(ilp_is_no_worse_than_dp)
{
    uint64_t state = seed + 1;
    int with_strips = 0;
    int proven = 0;
    for (int round = 0; round < rounds / 2; round++) {
        setting s;
        open_setting(&s, &state, (int)random_between(&state, 3, 12), 3);
        s.options.time_limit_s = 2;
        s.recompute.recompute = (mbs_recompute)random_between(&state, 0, MBS_RECOMPUTE_AUTO);
        s.recompute.max_percent = 20;
        mbs_plan *dp = plan_both(&s, MBS_PLANNER_DP);
        mbs_plan *ilp = plan_both(&s, MBS_PLANNER_ILP);
        s.options.no_strips = 1;
        mbs_plan *whole = plan_both(&s, MBS_PLANNER_DP);
        ck_assert_msg(plan_total(ilp) <= plan_total(dp) && plan_total(dp) <= plan_total(whole),
                      "%s: ilp %" PRId64 ", dp %" PRId64 ", without strips %" PRId64, s.label,
                      plan_total(ilp), plan_total(dp), plan_total(whole));
        ck_assert_msg(mbs_plan_bound_bytes(ilp) <= plan_total(ilp), "%s: bound", s.label);
        ck_assert(!has_strips(whole));
        with_strips += has_strips(ilp);
        proven += mbs_plan_outcome(ilp) == MBS_OPTIMAL;
        mbs_plan_free(dp);
        mbs_plan_free(ilp);
        mbs_plan_free(whole);
        close_setting(&s);
    }
    printf("%d networks, %d with strips, %d proven\n", rounds / 2, with_strips, proven);
    ck_assert_int_gt(with_strips, rounds / 16);
}
END_TEST

int main(void)
{
    run_settings(&seed, &rounds);
    Suite *suite = suite_create("strips_exact");
    TCase *tests = tcase_create("strips_exact");
    tcase_set_timeout(tests, 0);
    tcase_add_test(tests, ilp_equals_brute_force);
    tcase_add_test(tests, ilp_is_no_worse_than_dp);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
