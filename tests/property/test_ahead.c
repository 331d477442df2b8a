/*
 * How early what comes from DRAM may come, on placed plans of random networks: against a walk back
 * over all executions of the plan, one by one.
 */
#include <check.h>
#include <stdio.h>

#include "cost/footprint.h"
#include "emit/placed.h"
#include "mbsopt/mbsopt.h"
#include "place/ahead.h"
#include "random_network.h"
#include "run.h"

#define FAR 1000

static int64_t looked_at; /* places */
static int64_t far;       /* those that are free before their step in a later iteration */

/* The execution before step *k of iteration *i of group *g; false: there is none. */
static bool go_back(const mbs_plan *plan, int32_t *g, int64_t *i, int32_t *k)
{
    if (*k > plan->groups[*g].first) {
        --*k;
        return true;
    }
    if (*i == 0 && --*g < 0)
        return false;
    *i = *k == plan->groups[*g].first && *i > 0 ? *i - 1 : plan->groups[*g].iterations - 1;
    *k = plan->groups[*g].end - 1;
    return true;
}

/* Whether step k of group g has something where region `own`, of group `own_group`, is. */
static bool uses(const buffer_regions *list, int32_t own, int32_t own_group, int32_t g, int32_t k)
{
    const buffer_region *place = &list->regions[own];
    for (int32_t r = list->group_begin[g]; r < list->group_begin[g + 1]; r++) {
        const buffer_region *other = &list->regions[r];
        const bool during = other->first <= k && k <= other->last;
        const bool is_there = r == own && g == own_group ? during : during || other->throughout;
        if (is_there && other->offset < place->end && place->offset < other->end)
            return true;
    }
    return false;
}

static int64_t count_back(const buffer_regions *list, int32_t own, int32_t g, int64_t iteration)
{
    const int32_t own_group = g;
    int32_t k = list->regions[own].first;
    int64_t count = 0;
    while (count < FAR && go_back(list->plan, &g, &iteration, &k) &&
           !uses(list, own, own_group, g, k))
        count++;
    return count;
}

static void check_layout(const mbs_plan *plan, const buffer_layout *layout)
{
    mbs_error error;
    buffer_regions list;
    mbs_error_clear(&error);
    ck_assert_int_eq(regions_create(&list, plan, layout, &error), MBS_OK);
    for (int32_t g = 0; g < plan->group_count; g++)
        for (int32_t r = list.group_begin[g]; r < list.group_begin[g + 1]; r++) {
            const int64_t first = count_back(&list, r, g, 0);
            ck_assert_int_eq(regions_free_before(&list, r, g, true, FAR), first);
            looked_at++;
            if (plan->groups[g].iterations == 1)
                continue;
            const int64_t later = count_back(&list, r, g, 1);
            ck_assert_int_eq(regions_free_before(&list, r, g, false, FAR), later);
            far += later > 0;
        }
    regions_free(&list);
}

static void check_network(uint64_t *state, int round)
{
    char label[RANDOM_LABEL_BYTES];
    mbs_network *network =
        round % 2 == 0 ? random_network(state, (int)random_between(state, 3, 12), label)
                       : random_network_of_rows(state, (int)random_between(state, 3, 12), label);
    mbs_hardware hardware;
    mbs_error error;
    mbs_options options = MBS_OPTIONS_INIT;
    mbs_hardware_wavecore(&hardware);
    options.batch = random_between(state, 1, 9);
    options.optimizer = random_optimizer(state);
    options.in_place = (int)random_between(state, 0, 1);
    options.buffer_bytes = 4096 + random_between(state, 0, 1 << random_between(state, 5, 15));
    for (int planner = 0; planner < MBS_PLANNER_ILP; planner++) {
        mbs_plan *plan;
        placed_plan placed;
        options.planner = (mbs_planner)planner;
        mbs_error_clear(&error);
        must_succeed(mbs_plan_network(&plan, network, &hardware, &options, &error), &error, label);
        const int64_t alignment = INT64_C(1) << random_between(state, 0, 8);
        must_succeed(plan_place(&placed, plan, alignment, NULL, &error), &error, label);
        check_layout(placed.plan, &placed.layout);
        placed_plan_free(&placed);
        mbs_plan_free(plan);
    }
    mbs_network_free(network);
}

START_TEST(executions_back_are_those_of_a_walk)
{
    uint64_t state = 22;
    for (int round = 0; round < 60; round++)
        check_network(&state, round);
    printf("%lld places, %lld free before in a later iteration\n", (long long)looked_at,
           (long long)far);
    ck_assert_int_gt(looked_at, 1000);
    ck_assert_int_gt(far, 100);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ahead");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 0);
    tcase_add_test(all, executions_back_are_those_of_a_walk);
    suite_add_tcase(suite, all);
    return run_suite(suite);
}
