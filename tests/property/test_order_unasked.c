/*
 * best looks for an order of the steps by itself, on random networks: never for a worse plan, and
 * what it proves of the given order is said of that alone; others do not. MBS_SEED=N, MBS_ROUNDS=N.
 */
#include <inttypes.h>
#include <math.h>

#include "order_plans.h"
#include "recomputing.h"
#include "run.h"

static uint64_t seed = 20261201;
static int rounds = 40;

static mbs_plan *plan_in(const recomputing *r, mbs_planner planner, mbs_order order)
{
    const mbs_recompute_options none = {MBS_RECOMPUTE_NONE, 10, 0, 1};
    mbs_plan_options options = r->options;
    mbs_plan *plan;
    options.planner = planner;
    options.order = order;
    must_succeed(mbs_plan_create_recompute(&plan, r->network, &r->program_options, &r->hardware,
                                           &options, &none, &error),
                 &error, r->label);
    must_succeed(mbs_plan_verify(plan, NULL, &error), &error, r->label);
    return plan;
}

/* But for the options that they tell. */
static void check_same_plan(const mbs_plan *plan, const mbs_plan *as, const char *label)
{
    ck_assert_msg(plan_total(plan) == plan_total(as), "%s: %" PRId64 ", not %" PRId64, label,
                  plan_total(plan), plan_total(as));
    ck_assert(!program_is_reordered(mbs_plan_program(plan)));
    ck_assert_int_eq(mbs_plan_outcome(plan), mbs_plan_outcome(as));
    ck_assert_int_eq(mbs_plan_bound_bytes(plan), mbs_plan_bound_bytes(as));
    ck_assert_int_eq(mbs_plan_given_bytes(plan), 0);
    ck_assert_str_eq(mbs_plan_planner_name(plan), mbs_plan_planner_name(as));
}

/* What is proven of the given order is not of all, also where none is better. */
static void check_searched(const mbs_plan *plan, const mbs_plan *given, const char *label)
{
    const bool is_other = program_is_reordered(mbs_plan_program(plan));
    ck_assert_msg(is_other == (plan_total(plan) < plan_total(given)), "%s: order", label);
    ck_assert_int_eq(mbs_plan_given_bytes(plan), plan_total(given));
    ck_assert_int_eq(mbs_plan_given_bound_bytes(plan), mbs_plan_bound_bytes(given));
    ck_assert(mbs_plan_outcome(plan) == MBS_HEURISTIC ||
              mbs_plan_bound_bytes(plan) == plan_total(plan));
    check_file(plan, label);
}

/* And asked for a search it goes on from there. */
START_TEST(best_looks_for_an_order_unasked)
{
    uint64_t state = seed + 4;
    int reordered = 0;
    for (int round = 0; round < rounds; round++) {
        recomputing r;
        recomputing_open_varied(&r, &state, (int)random_between(&state, 3, 16));
        r.options.time_limit_s = INFINITY;
        r.options.no_strips = round % 4 < 2;
        r.program_options.inference = random_between(&state, 0, 3) == 0;
        r.options.work_limit = 0.05;
        mbs_plan *given = plan_in(&r, MBS_PLANNER_BEST, MBS_ORDER_GIVEN);
        mbs_plan *plan = plan_in(&r, MBS_PLANNER_BEST, MBS_ORDER_AUTO);
        mbs_plan *asked = plan_in(&r, MBS_PLANNER_BEST, MBS_ORDER_SEARCH);
        if (mbs_plan_given_bytes(plan) == 0)
            check_same_plan(plan, given, r.label);
        else
            check_searched(plan, given, r.label);
        ck_assert(mbs_plan_given_bytes(plan) > 0 || mbs_plan_outcome(plan) == MBS_OPTIMAL);
        ck_assert_int_le(plan_total(plan), plan_total(given));
        ck_assert_int_le(plan_total(asked), plan_total(plan));
        reordered += plan_total(plan) < plan_total(given);
        mbs_plan_free(asked);
        mbs_plan_free(plan);
        mbs_plan_free(given);
        recomputing_close(&r);
    }
    ck_assert_int_ge(reordered, rounds / 20);
}
END_TEST

/* Other planners do not, nor best for time, or with next to no work, or without time. */
START_TEST(nobody_else_does)
{
    static const mbs_planner planners[] = {MBS_PLANNER_MBS2, MBS_PLANNER_DP, MBS_PLANNER_ILP,
                                           MBS_PLANNER_BEST};
    uint64_t state = seed + 5;
    for (int round = 0; round < rounds; round++) {
        recomputing r;
        recomputing_open_varied(&r, &state, (int)random_between(&state, 6, 16));
        const mbs_planner planner = planners[round % 4];
        const bool is_best = planner == MBS_PLANNER_BEST;
        r.options.time_limit_s = is_best && round % 3 == 0 ? 0 : INFINITY;
        r.options.objective = is_best && round % 3 == 1 ? MBS_TIME : MBS_TRAFFIC;
        r.options.work_limit = planner == MBS_PLANNER_ILP ? 0.02 : is_best ? 1e-6 : 0;
        mbs_plan *given = plan_in(&r, planner, MBS_ORDER_GIVEN);
        mbs_plan *plan = plan_in(&r, planner, MBS_ORDER_AUTO);
        check_same_plan(plan, given, r.label);
        mbs_plan_free(plan);
        mbs_plan_free(given);
        recomputing_close(&r);
    }
}
END_TEST

int main(void)
{
    run_settings(&seed, &rounds);
    Suite *suite = suite_create("order unasked");
    TCase *tests = tcase_create("random networks");
    tcase_set_timeout(tests, 0);
    tcase_add_test(tests, best_looks_for_an_order_unasked);
    tcase_add_test(tests, nobody_else_does);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
