/*
 * Limits of DRAM: random networks, of which small ones are compared with the least traffic over all
 * sets of recomputed layers. The seed is printed; MBS_SEED=N repeats a run, MBS_ROUNDS=N makes it
 * longer.
 */
#include <check.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mbsopt/mbsopt.h"
#include "recomputing.h"
#include "run.h"

/* Layers that may be recomputed, of networks all of whose sets are tried. */
#define MOST_ALLOWED 6

static uint64_t seed = 20250607;
static int rounds = 50;
static mbs_error error;

static int64_t peak_of(const mbs_plan *plan)
{
    mbs_dram_peak peak;
    ck_assert_int_eq(mbs_plan_dram_peak(plan, &peak, &error), MBS_OK);
    return peak.bytes;
}

static double macs_percent_of(const mbs_plan *plan)
{
    mbs_recompute_info info;
    mbs_plan_recompute(plan, &info);
    return info.macs_percent;
}

/* Within `most` bytes of DRAM; null if there is no such plan, and then *least is what would do. */
static mbs_plan *plan_within(const recomputing *s, mbs_recompute policy, double max_percent,
                             int64_t most, int64_t *least)
{
    const mbs_recompute_options recompute = {policy, max_percent, most, 1};
    mbs_plan *plan;
    mbs_error_clear(&error);
    const mbs_status status = mbs_plan_create_recompute(
        &plan, s->network, &s->program_options, &s->hardware, &s->options, &recompute, &error);
    if (status == MBS_ERR_NO_PLAN) {
        const char *found = strstr(error.message[0], "the least found is ");
        ck_assert_ptr_nonnull(found);
        *least = strtoll(found + strlen("the least found is "), NULL, 10);
        ck_assert_int_gt(*least, most);
        ck_assert_ptr_null(plan);
        return NULL;
    }
    must_succeed(status, &error, s->label);
    must_succeed(mbs_plan_verify(plan, NULL, &error), &error, s->label);
    ck_assert_msg(peak_of(plan) <= most, "%s: needs %" PRId64 " bytes, above %" PRId64, s->label,
                  peak_of(plan), most);
    ck_assert(macs_percent_of(plan) <= max_percent + 1e-9);
    return plan;
}

/* ---- All networks ---------------------------------------------------------------------------- */

/* No plan is above its limit, and what is said to be the least found is enough. */
START_TEST(no_plan_is_above_its_limit)
{
    static const mbs_planner planners[] = {MBS_PLANNER_BASELINE, MBS_PLANNER_MBS2, MBS_PLANNER_DP,
                                           MBS_PLANNER_ILP, MBS_PLANNER_BEST};
    uint64_t state = seed;
    int fitted = 0;
    int refused = 0;
    for (int round = 0; round < rounds; round++) {
        recomputing s;
        int64_t least = 0;
        recomputing_open_varied(&s, &state, (int)random_between(&state, 2, 16));
        s.options.planner = planners[random_between(&state, 0, 4)];
        s.options.no_strips = random_between(&state, 0, 1) == 0;
        s.options.work_limit = 0.01;
        if (s.options.planner == MBS_PLANNER_DP)
            s.options.objective = (mbs_objective)random_between(&state, 0, 2);
        const mbs_recompute policy = (mbs_recompute)random_between(&state, 0, 3);
        const double percent = random_between(&state, 0, 1) == 0 ? INFINITY : 20;
        mbs_plan *plain = plan_within(&s, MBS_RECOMPUTE_NONE, percent, INT64_MAX, &least);
        const int64_t most = peak_of(plain) * random_between(&state, 60, 110) / 100 + 1;
        mbs_plan *plan = plan_within(&s, policy, percent, most, &least);
        if (plan == NULL) {
            refused++;
            mbs_plan *again = plan_within(&s, policy, percent, least, &least);
            ck_assert_msg(again != NULL, "%s: the least found is not enough", s.label);
            mbs_plan_free(again);
        }
        fitted += plan != NULL;
        mbs_plan_free(plan);
        mbs_plan_free(plain);
        recomputing_close(&s);
    }
    printf("%d plans within their limits, %d without any\n", fitted, refused);
    ck_assert_int_gt(fitted, 0);
    ck_assert_int_gt(refused, 0);
}
END_TEST

/* ---- Small networks -------------------------------------------------------------------------- */

/* dp's plan of one set. */
typedef struct outcome {
    int64_t peak;
    int64_t traffic;
    double percent;
} outcome;

typedef struct outcomes {
    outcome of[1 << MOST_ALLOWED];
    int count;
} outcomes;

/* All sets of the layers that may be recomputed; none if these are too many. */
static void plan_all_sets(outcomes *all, const recomputing *s)
{
    const size_t layers = mbs_network_layer_count(s->network);
    size_t allowed[MOST_ALLOWED];
    size_t count = 0;
    all->count = 0;
    for (size_t l = 0; l < layers; l++) {
        if (!recomputing_allows(s, l))
            continue;
        if (count == MOST_ALLOWED)
            return;
        allowed[count++] = l;
    }
    unsigned char *set = calloc(layers, 1);
    ck_assert_ptr_nonnull(set);
    for (int mask = 0; mask < 1 << count; mask++) {
        mbs_plan *plan;
        for (size_t i = 0; i < count; i++)
            set[allowed[i]] = (mask >> i & 1) != 0 ? MBS_RECOMPUTE_OUTPUT : 0;
        mbs_program *program = recomputing_program(s, set);
        must_succeed(mbs_plan_create(&plan, program, &s->hardware, &s->options, &error), &error,
                     s->label);
        all->of[all->count++] = (outcome){peak_of(plan), plan_total(plan), macs_percent_of(plan)};
        mbs_plan_free(plan);
        mbs_program_free(program);
    }
    free(set);
}

/* The least traffic within the limits; INT64_MAX if there is none. */
static int64_t least_within(const outcomes *all, double percent, int64_t most)
{
    int64_t least = INT64_MAX;
    for (int i = 0; i < all->count; i++)
        if (all->of[i].peak <= most && all->of[i].percent <= percent && all->of[i].traffic < least)
            least = all->of[i].traffic;
    return least;
}

START_TEST(no_set_of_a_small_network_is_better)
{
    uint64_t state = seed + 1;
    int compared = 0;
    int impossible = 0;
    for (int round = 0; round < rounds * 4; round++) {
        recomputing s;
        outcomes all;
        int64_t least = 0;
        recomputing_open_varied(&s, &state, (int)random_between(&state, 2, 8));
        s.options.no_strips = 1;
        plan_all_sets(&all, &s);
        if (all.count > 1) {
            const double percent = (double)random_between(&state, 0, 60);
            const int64_t most = all.of[random_between(&state, 0, all.count - 1)].peak -
                                 random_between(&state, 0, 1);
            const int64_t expected = least_within(&all, percent, most);
            mbs_plan *plan = plan_within(&s, MBS_RECOMPUTE_AUTO, percent, most, &least);
            if (plan == NULL)
                ck_assert_msg(expected == INT64_MAX, "%s: %" PRId64 " bytes would do with %" PRId64,
                              s.label, most, expected);
            else
                ck_assert_msg(plan_total(plan) <= expected,
                              "%s: moves %" PRId64 " within %" PRId64 ", %" PRId64 " would do",
                              s.label, plan_total(plan), most, expected);
            compared++;
            impossible += plan == NULL;
            mbs_plan_free(plan);
        }
        recomputing_close(&s);
    }
    printf("%d small networks, %d of them impossible\n", compared, impossible);
    ck_assert_int_gt(impossible, 0);
    ck_assert_int_gt(compared - impossible, rounds / 2);
}
END_TEST

int main(void)
{
    run_settings(&seed, &rounds);
    Suite *suite = suite_create("limits of DRAM");
    TCase *tests = tcase_create("random networks");
    tcase_set_timeout(tests, 0);
    tcase_add_test(tests, no_plan_is_above_its_limit);
    tcase_add_test(tests, no_set_of_a_small_network_is_better);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
