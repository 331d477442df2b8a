/*
 * Plans between least traffic and least time, on random networks: the front's ends and shape,
 * --max-slowdown, and best with any limit of work. MBS_SEED=N repeats a run, MBS_ROUNDS=N makes it
 * longer.
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "mbsopt/mbsopt.h"
#include "random_network.h"
#include "run.h"

#define MOST_POINTS 40

static uint64_t seed = 2607;
static int rounds = 60;

typedef struct setting {
    mbs_network *network;
    mbs_hardware hardware;
    mbs_options options;
    char label[RANDOM_LABEL_BYTES];
} setting;

typedef struct point {
    double bytes;
    double time_s;
} point;

static void open_setting(setting *s, uint64_t *state)
{
    s->network = random_network(state, (int)random_between(state, 2, 20), s->label);
    random_machine(&s->hardware, state);
    s->options = (mbs_options)MBS_OPTIONS_INIT;
    s->options.planner = MBS_PLANNER_DP;
    s->options.batch = random_between(state, 1, 12);
    s->options.buffer_bytes = 4096 + random_between(state, 0, 1 << random_between(state, 5, 15));
    s->options.no_strips = 1;
}

static point point_of(const setting *s, const mbs_plan *plan)
{
    mbs_traffic traffic;
    mbs_cost cost;
    mbs_plan_traffic(plan, &traffic);
    ck_assert_int_eq(mbs_plan_cost(plan, &s->hardware, &cost), MBS_OK);
    return (point){(double)traffic.total, cost.time_s};
}

static point planned(const setting *s, const mbs_options *options)
{
    mbs_plan *plan;
    mbs_error error;
    mbs_error_clear(&error);
    must_succeed(mbs_plan_network(&plan, s->network, &s->hardware, options, &error), &error,
                 s->label);
    const point found = point_of(s, plan);
    mbs_plan_free(plan);
    return found;
}

static point planned_for(const setting *s, mbs_objective objective, double weight)
{
    mbs_options options = s->options;
    options.objective = objective;
    options.weight = weight;
    return planned(s, &options);
}

static void check_ends(const setting *s)
{
    const point traffic = planned_for(s, MBS_TRAFFIC, 0);
    const point time = planned_for(s, MBS_TIME, 0);
    const point low = planned_for(s, MBS_WEIGHTED, 0);
    const point quick = planned_for(s, MBS_WEIGHTED, 1e24);
    ck_assert_msg(low.bytes == traffic.bytes && low.time_s <= traffic.time_s * (1 + 1e-9),
                  "%s: of least traffic %.0f in %g, by weight %.0f in %g", s->label, traffic.bytes,
                  traffic.time_s, low.bytes, low.time_s);
    ck_assert_msg(fabs(quick.time_s - time.time_s) <= 1e-9 * time.time_s,
                  "%s: for time %g, by weight %g", s->label, time.time_s, quick.time_s);
}

static size_t make_front(const setting *s, point points[MOST_POINTS])
{
    mbs_plan *plans[MOST_POINTS];
    size_t count;
    mbs_error error;
    mbs_error_clear(&error);
    must_succeed(mbs_plan_tradeoff(plans, MOST_POINTS, &count, s->network, &s->hardware,
                                   &s->options, &error),
                 &error, s->label);
    for (size_t i = 0; i < count; i++) {
        points[i] = point_of(s, plans[i]);
        ck_assert_int_eq(mbs_plan_verify(plans[i], NULL, NULL), MBS_OK);
        mbs_plan_free(plans[i]);
    }
    return count;
}

/* More traffic, less time, and ever more traffic for less of it: the plans are exact here. */
static void check_front(const setting *s, const point *points, size_t count)
{
    ck_assert_uint_gt(count, 0);
    ck_assert(points[0].bytes == planned_for(s, MBS_TRAFFIC, 0).bytes);
    const point time = planned_for(s, MBS_TIME, 0);
    ck_assert(fabs(points[count - 1].time_s - time.time_s) <= 1e-9 * time.time_s);
    for (size_t i = 1; i < count; i++)
        ck_assert_msg(points[i].bytes > points[i - 1].bytes &&
                          points[i].time_s < points[i - 1].time_s,
                      "%s: plan %zu is no better in either", s->label, i);
    for (size_t i = 2; i < count; i++) {
        const double before = (points[i - 1].bytes - points[i - 2].bytes) /
                              (points[i - 2].time_s - points[i - 1].time_s);
        const double after =
            (points[i].bytes - points[i - 1].bytes) / (points[i - 1].time_s - points[i].time_s);
        ck_assert_msg(after >= before * (1 - 1e-3), "%s: a second for %g bytes, then for %g",
                      s->label, before, after);
    }
}

static void check_slowdown(const setting *s, const point *points, size_t count, double percent)
{
    mbs_options options = s->options;
    options.planner = MBS_PLANNER_BASELINE;
    const double limit_s = planned(s, &options).time_s * (1 + percent / 100);
    mbs_plan *plan;
    options = s->options;
    options.limit_slowdown = 1;
    options.max_slowdown_percent = percent;
    const mbs_status status = mbs_plan_network(&plan, s->network, &s->hardware, &options, NULL);
    if (points[count - 1].time_s > limit_s * (1 + 1e-9)) {
        ck_assert_int_eq(status, MBS_ERR_NO_PLAN);
        return;
    }
    ck_assert_int_eq(status, MBS_OK);
    const point found = point_of(s, plan);
    mbs_plan_free(plan);
    ck_assert(found.time_s <= limit_s);
    for (size_t i = 0; i < count; i++)
        ck_assert_msg(points[i].time_s > limit_s || found.bytes <= points[i].bytes,
                      "%s: %.0f bytes within the limit, the front has %.0f", s->label, found.bytes,
                      points[i].bytes);
}

START_TEST(fronts_are_fronts)
{
    uint64_t state = seed;
    size_t largest = 0;
    for (int round = 0; round < rounds; round++) {
        setting s;
        point points[MOST_POINTS];
        open_setting(&s, &state);
        check_ends(&s);
        const size_t count = make_front(&s, points);
        check_front(&s, points, count);
        check_slowdown(&s, points, count, (double)random_between(&state, -60, 20));
        largest = count > largest ? count : largest;
        mbs_network_free(s.network);
    }
    printf("the largest front has %zu plans\n", largest);
    ck_assert_uint_gt(largest, 3);
}
END_TEST

/* Whatever is left of the work, best is no worse than dp, and the same plan when asked again. */
START_TEST(best_is_no_worse_than_dp)
{
    uint64_t state = seed + 1;
    int better = 0;
    for (int round = 0; round < rounds; round++) {
        setting s;
        open_setting(&s, &state);
        s.options.no_strips = random_between(&state, 0, 1) == 0;
        const double dp = planned(&s, &s.options).bytes;
        double last = INFINITY;
        s.options.planner = MBS_PLANNER_BEST;
        for (int power = 30; power >= 0; power -= 10) {
            s.options.work_limit = ldexp(1, -power);
            const double best = planned(&s, &s.options).bytes;
            ck_assert_msg(best <= dp, "%s: best %.0f, dp %.0f", s.label, best, dp);
            ck_assert(best == planned(&s, &s.options).bytes);
            last = best;
        }
        better += last < dp;
        mbs_network_free(s.network);
    }
    printf("best moves less than dp on %d networks of %d\n", better, rounds);
    ck_assert_int_gt(better, rounds / 20);
}
END_TEST

int main(void)
{
    run_settings(&seed, &rounds);
    Suite *suite = suite_create("tradeoff");
    TCase *tests = tcase_create("random networks");
    tcase_set_timeout(tests, 0);
    tcase_add_test(tests, fronts_are_fronts);
    tcase_add_test(tests, best_is_no_worse_than_dp);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
