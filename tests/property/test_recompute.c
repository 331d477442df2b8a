/*
 * What auto chooses to recompute (section 10), on random and on known networks. The seed is
 * printed; MBS_SEED=N repeats a run and MBS_ROUNDS=N makes it longer.
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "mbsopt/mbsopt.h"
#include "plan/recompute/state.h"
#include "random_network.h"
#include "random_set.h"
#include "recomputing.h"
#include "run.h"

#define MIB 1048576

static uint64_t seed = 20240229;
static int rounds = 30;
static mbs_error error;

static double objective_of(const recomputing *s, const mbs_plan *plan)
{
    mbs_traffic traffic;
    mbs_cost cost;
    mbs_plan_traffic(plan, &traffic);
    ck_assert_int_eq(mbs_plan_cost(plan, &s->hardware, &cost), MBS_OK);
    if (s->options.objective == MBS_TRAFFIC)
        return (double)traffic.total;
    return s->options.objective == MBS_TIME ? cost.time_s : cost.energy_j;
}

static mbs_plan *plan_with_effort(const recomputing *s, mbs_recompute policy, double max_percent,
                                  int effort)
{
    const mbs_recompute_options recompute = {policy, max_percent, 0, effort};
    mbs_plan *plan;
    must_succeed(mbs_plan_create_recompute(&plan, s->network, &s->program_options, &s->hardware,
                                           &s->options, &recompute, &error),
                 &error, s->label);
    must_succeed(mbs_plan_verify(plan, NULL, &error), &error, s->label);
    return plan;
}

static mbs_plan *recompute_plan(const recomputing *s, mbs_recompute policy, double max_percent)
{
    return plan_with_effort(s, policy, max_percent, 1);
}

/* auto is within its limit, not above any other policy that is, and the same each time. Returns
 * what it comes to. */
static double check_auto(const recomputing *s, double max_percent)
{
    mbs_recompute_info info;
    mbs_plan *chosen = recompute_plan(s, MBS_RECOMPUTE_AUTO, max_percent);
    mbs_plan *again = recompute_plan(s, MBS_RECOMPUTE_AUTO, max_percent);
    char *text[2];
    const double found = objective_of(s, chosen);
    mbs_plan_recompute(chosen, &info);
    ck_assert(info.macs_percent <= max_percent + 1e-9);
    must_succeed(mbs_plan_to_json(&text[0], chosen, &error), &error, s->label);
    must_succeed(mbs_plan_to_json(&text[1], again, &error), &error, s->label);
    size_t same = 0; /* documents are longer than Check's messages may be */
    while (text[0][same] != '\0' && text[0][same] == text[1][same])
        same++;
    if (s->options.planner == MBS_PLANNER_DP || s->options.planner == MBS_PLANNER_MBS2)
        ck_assert_msg(text[0][same] == text[1][same], "%s: differ at \"%.40s\" and \"%.40s\"",
                      s->label, text[0] + same, text[1] + same); /* others end by the clock */
    for (int policy = 0; policy < MBS_RECOMPUTE_AUTO; policy++) {
        mbs_plan *fixed = recompute_plan(s, (mbs_recompute)policy, 0);
        mbs_plan_recompute(fixed, &info);
        if (info.macs_percent <= max_percent)
            ck_assert_msg(found <= objective_of(s, fixed) * (1 + 1e-9), "%s: auto above %s",
                          s->label, mbs_recompute_name((mbs_recompute)policy));
        mbs_plan_free(fixed);
    }
    mbs_free(text[0]);
    mbs_free(text[1]);
    mbs_plan_free(chosen);
    mbs_plan_free(again);
    return found;
}

/* The highest limit up to max_percent at which one objective begins with the outcome of another. */
static double common_limit(double max_percent)
{
    static const double limits[] = {35, 25, 15, 10, 5, 2, 0};
    size_t i = 0;
    while (limits[i] > max_percent)
        i++;
    return limits[i];
}

/* dp's auto, which comes to `found`: the outcomes for traffic and within 10 % are starts of it. */
static void check_starts(recomputing *s, double max_percent, double found)
{
    const mbs_objective objective = s->options.objective;
    mbs_plan *less = recompute_plan(s, MBS_RECOMPUTE_AUTO, 10);
    s->options.objective = MBS_TRAFFIC;
    mbs_plan *traffic = recompute_plan(s, MBS_RECOMPUTE_AUTO, common_limit(max_percent));
    s->options.objective = objective;
    const double most = found * (1 - 1e-9);
    ck_assert_msg(most <= objective_of(s, traffic), "%s: worse than for traffic", s->label);
    if (max_percent > 10)
        ck_assert_msg(most <= objective_of(s, less), "%s: worse within %g %% than within 10 %%",
                      s->label, max_percent);
    mbs_plan_free(less);
    mbs_plan_free(traffic);
}

START_TEST(auto_is_never_worse)
{
    static const mbs_planner planners[] = {MBS_PLANNER_DP, MBS_PLANNER_MBS2, MBS_PLANNER_ILP,
                                           MBS_PLANNER_BEST};
    uint64_t state = seed + 2;
    for (int round = 0; round < rounds / 3; round++) {
        setting s;
        open_setting(&s, &state, (int)random_between(&state, 2, 20));
        s.base.options.planner = planners[random_between(&state, 0, 3)];
        if (s.base.options.planner == MBS_PLANNER_DP)
            s.base.options.objective = (mbs_objective)random_between(&state, 0, 2);
        const double max_percent = (double)random_between(&state, 0, 40);
        const double found = check_auto(&s.base, max_percent);
        if (s.base.options.planner == MBS_PLANNER_DP)
            check_starts(&s.base, max_percent, found);
        close_setting(&s);
    }
}
END_TEST

/* Planned for least traffic, whatever the objective says, so what to recompute is chosen for that.
 */
START_TEST(mbs2_heeds_no_objective)
{
    uint64_t state = seed + 5;
    for (int round = 0; round < rounds / 3; round++) {
        setting s;
        mbs_traffic traffic[MBS_ENERGY + 1];
        open_setting(&s, &state, (int)random_between(&state, 4, 24));
        s.base.options.planner = MBS_PLANNER_MBS2;
        for (int objective = MBS_TRAFFIC; objective <= MBS_ENERGY; objective++) {
            s.base.options.objective = (mbs_objective)objective;
            mbs_plan *plan = recompute_plan(&s.base, MBS_RECOMPUTE_AUTO, 10);
            mbs_plan_traffic(plan, &traffic[objective]);
            ck_assert_msg(traffic[objective].total == traffic[MBS_TRAFFIC].total,
                          "%s: %lld bytes for %s, %lld for traffic", s.base.label,
                          (long long)traffic[objective].total,
                          mbs_objective_name((mbs_objective)objective),
                          (long long)traffic[MBS_TRAFFIC].total);
            mbs_plan_free(plan);
        }
        close_setting(&s);
    }
}
END_TEST

/* What auto comes to; it is within its limit. */
static double auto_objective(const recomputing *s, double max_percent, int effort)
{
    mbs_recompute_info info;
    mbs_plan *plan = plan_with_effort(s, MBS_RECOMPUTE_AUTO, max_percent, effort);
    const double found = objective_of(s, plan);
    mbs_plan_recompute(plan, &info);
    ck_assert_msg(info.macs_percent <= max_percent + 1e-9, "%s: %g %% within %g %%", s->label,
                  info.macs_percent, max_percent);
    mbs_plan_free(plan);
    return found;
}

/* Each in a call of its own: more is never worse than less, nor more effort. */
static void check_monotone(const recomputing *s, uint64_t *state, int count)
{
    double least = INFINITY;
    double percent = 0;
    double found = INFINITY;
    for (int i = 0; i < count; i++) {
        percent += (double)random_between(state, 0, 1000) * (i % 2 == 0 ? 0.001 : 0.03);
        found = auto_objective(s, percent, 1);
        ck_assert_msg(found <= least * (1 + 1e-12), "%s: %.17g within %.17g %%, but %.17g in less",
                      s->label, found, percent, least);
        least = found;
    }
    const double more = auto_objective(s, percent, 2);
    ck_assert_msg(more <= found * (1 + 1e-12),
                  "%s: effort 2 is worse within %.17g %%: %.17g, %.17g", s->label, percent, more,
                  found);
    ck_assert_msg(auto_objective(s, percent, 3) <= more * (1 + 1e-12),
                  "%s: effort 3 is worse within %.17g %%", s->label, percent);
}

START_TEST(more_is_never_worse)
{
    uint64_t state = seed + 3;
    for (int round = 0; round < rounds; round++) {
        setting s;
        open_setting(&s, &state, (int)random_between(&state, 3, 24));
        s.base.options.planner = round % 5 == 4 ? MBS_PLANNER_MBS2 : MBS_PLANNER_DP;
        if (round % 5 == 3)
            s.base.options.objective = (mbs_objective)random_between(&state, 1, 2);
        s.base.options.no_strips = round % 3 == 0;
        check_monotone(&s.base, &state, 6);
        close_setting(&s);
    }
}
END_TEST

START_TEST(more_is_never_worse_on_resnet18)
{
    uint64_t state = seed + 4;
    recomputing s;
    recomputing_open_zoo(&s, "resnet18");
    s.options.no_strips = 1;
    s.options.buffer_bytes = random_between(&state, MIB, 8 * MIB);
    check_monotone(&s, &state, 4);
    recomputing_close(&s);
}
END_TEST

/* ---- auto against all sets ------------------------------------------------------------------- */

#define MOST_ALLOWED 4

/* The layers that may be recomputed, if they are few; else 0. */
static size_t few_allowed(const recomputing *s, size_t few[MOST_ALLOWED])
{
    size_t count = 0;
    for (size_t l = 0; l < mbs_network_layer_count(s->network); l++) {
        if (!recomputing_allows(s, l))
            continue;
        if (count == MOST_ALLOWED)
            return 0;
        few[count++] = l;
    }
    return count;
}

/* The least that dp moves of all sets within the limit, each also with any of its layers anew. */
static int64_t least_of_sets(const recomputing *s, const size_t *few, size_t count, double percent)
{
    unsigned char *set = calloc(mbs_network_layer_count(s->network), 1);
    ck_assert_ptr_nonnull(set);
    mbs_program *plain = recomputing_program(s, set);
    const double most = percent / 100 * recompute_macs(plain, false);
    int64_t least = INT64_MAX;
    for (unsigned choice = 0; choice < 1U << 2 * count; choice++) {
        for (size_t i = 0; i < count; i++)
            set[few[i]] = (unsigned char)((choice >> 2 * i & 1 ? MBS_RECOMPUTE_OUTPUT : 0) |
                                          (choice >> 2 * i & 2 ? MBS_RECOMPUTE_ANEW : 0));
        mbs_program *program = recomputing_program(s, set);
        if (recompute_macs(program, true) <= most) {
            const int64_t bytes = recomputing_traffic(s, program, MBS_PLANNER_DP);
            least = bytes < least ? bytes : least;
        }
        mbs_program_free(program);
    }
    mbs_program_free(plain);
    free(set);
    return least;
}

/* auto is a heuristic, so it need not come to the least; but not below it, and nearly always there.
 */
START_TEST(auto_beside_all_sets)
{
    uint64_t state = seed + 5;
    int compared = 0;
    int met = 0;
    while (compared < rounds) {
        setting s;
        size_t few[MOST_ALLOWED];
        open_setting(&s, &state, (int)random_between(&state, 4, 9));
        s.base.options.no_strips = 1;
        const size_t count = few_allowed(&s.base, few);
        const double percent = (double)random_between(&state, 0, 100);
        if (count > 1) {
            const int64_t least = least_of_sets(&s.base, few, count, percent);
            s.base.options.planner = MBS_PLANNER_DP;
            const double found = auto_objective(&s.base, percent, 1);
            ck_assert_msg(found >= (double)least, "%s: auto is below all sets", s.base.label);
            met += found == (double)least;
            compared++;
        }
        close_setting(&s);
    }
    printf("auto comes to the least of all sets in %d of %d networks\n", met, compared);
    ck_assert_int_ge(met * 10, compared * 8);
}
END_TEST

/* In small and large buffers, auto moves no more than the fixed policies within its limit. */
START_TEST(auto_on_networks)
{
    static const char *const names[] = {"alexnet", "vgg16", "resnet18", "mobilenet_v2"};
    static const int64_t buffers[] = {MIB / 4, MIB, 8 * MIB, 64 * MIB};
    recomputing s;
    recomputing_open_zoo(&s, names[_i % 4]);
    s.options.buffer_bytes = buffers[_i / 4];
    mbs_plan *chosen = recompute_plan(&s, MBS_RECOMPUTE_AUTO, 10);
    for (int policy = 0; policy < MBS_RECOMPUTE_AUTO; policy++) {
        mbs_recompute_info info;
        mbs_plan *fixed = recompute_plan(&s, (mbs_recompute)policy, 0);
        mbs_plan_recompute(fixed, &info);
        if (info.macs_percent <= 10)
            ck_assert_msg(objective_of(&s, chosen) <= objective_of(&s, fixed), "%s: auto above %s",
                          s.label, mbs_recompute_name((mbs_recompute)policy));
        mbs_plan_free(fixed);
    }
    mbs_plan_free(chosen);
    recomputing_close(&s);
}
END_TEST

/* Where a copy is read far behind the step that it is made for, a second one pays: without such
 * copies the search comes to 1720602480 bytes. */
START_TEST(auto_recomputes_anew)
{
    recomputing s;
    mbs_recompute_info info;
    recomputing_open_zoo(&s, "resnet50");
    mbs_plan *plan = recompute_plan(&s, MBS_RECOMPUTE_AUTO, 10);
    mbs_plan_recompute(plan, &info);
    ck_assert_uint_gt(info.anew, 0);
    ck_assert(info.macs_percent <= 10);
    ck_assert(objective_of(&s, plan) < 1720602480);
    mbs_plan_free(plan);
    recomputing_close(&s);
}
END_TEST

int main(void)
{
    run_settings(&seed, &rounds);
    Suite *suite = suite_create("recompute");
    TCase *tests = tcase_create("random networks");
    tcase_set_timeout(tests, 0);
    tcase_add_test(tests, auto_is_never_worse);
    tcase_add_test(tests, mbs2_heeds_no_objective);
    tcase_add_test(tests, more_is_never_worse);
    tcase_add_test(tests, more_is_never_worse_on_resnet18);
    tcase_add_test(tests, auto_beside_all_sets);
    tcase_add_loop_test(tests, auto_on_networks, 0, run_part(16));
    tcase_add_test(tests, auto_recomputes_anew);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
