/*
 * How early what comes from DRAM may come, on placed plans of random networks: against a walk back
 * over all executions of the plan, one by one.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "cost/footprint.h"
#include "emit/placed.h"
#include "mbsopt/mbsopt.h"
#include "place/ahead.h"
#include "place/regions.h"
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
    const int32_t end = list->begin[list->plan->groups[g].end];
    for (int32_t r = list->begin[list->plan->groups[g].first]; r < end; r++) {
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
        for (int32_t r = list.begin[plan->groups[g].first]; r < list.begin[plan->groups[g].end];
             r++) {
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

#define CHAIN 300

/* A chain of products, whose weights one group of several iterations has pinned. */
static mbs_plan *plan_chain(mbs_network **network)
{
    static char text[CHAIN * 100];
    mbs_hardware hardware;
    mbs_error error;
    mbs_options options = MBS_OPTIONS_INIT;
    mbs_plan *plan;
    mbs_error_clear(&error);
    mbs_hardware_wavecore(&hardware);
    options.planner = MBS_PLANNER_DP;
    options.inference = 1;
    options.batch = 64;
    options.buffer_bytes = CHAIN * 128 + 80 * 1024;
    int length = snprintf(text, sizeof text,
                          "{\"format\":\"mbsopt-network/1\",\"name\":\"chain\",\"inputs\":"
                          "[{\"name\":\"c0\",\"shape\":[8,32,32]}],\"layers\":[");
    for (int i = 1; i <= CHAIN; i++)
        length += snprintf(text + length, sizeof text - (size_t)length,
                           "%s{\"name\":\"c%d\",\"op\":\"conv\",\"inputs\":[\"c%d\"],"
                           "\"out_channels\":8,\"kernel\":1}",
                           i > 1 ? "," : "", i, i - 1);
    strcat(text, "]}");
    must_succeed(mbs_network_load_text(network, text, strlen(text), "chain", &error), &error,
                 "chain");
    must_succeed(mbs_plan_network(&plan, *network, &hardware, &options, &error), &error, "chain");
    return plan;
}

/* What is there throughout is listed once, not once for each step. */
START_TEST(pinned_parameters_of_a_long_group)
{
    mbs_network *network;
    mbs_plan *plan = plan_chain(&network);
    placed_plan placed;
    buffer_regions list;
    mbs_error error;
    mbs_error_clear(&error);
    must_succeed(plan_place(&placed, plan, 64, NULL, &error), &error, "chain");
    ck_assert_int_eq(placed.plan->group_count, 1);
    ck_assert_int_gt(placed.plan->groups[0].iterations, 1);
    must_succeed(regions_create(&list, placed.plan, &placed.layout, &error), &error, "chain");
    ck_assert_int_eq(list.throughout_begin[1], CHAIN);
    ck_assert_int_le(list.live_begin[CHAIN], 4 * CHAIN);
    for (int32_t r = 0; r < list.count; r += 97)
        ck_assert_int_eq(regions_free_before(&list, r, 0, false, FAR), count_back(&list, r, 0, 1));
    regions_free(&list);
    placed_plan_free(&placed);
    mbs_plan_free(plan);
    mbs_network_free(network);
}
END_TEST

START_TEST(bringing_forward_can_be_stopped)
{
    mbs_network *network;
    mbs_plan *plan = plan_chain(&network);
    placed_plan placed;
    plan_watch watch;
    mbs_error error;
    mbs_error_clear(&error);
    must_succeed(plan_place(&placed, plan, 64, NULL, &error), &error, "chain");
    plan_watch_open_for(&watch, end_at_once, NULL);
    ck_assert(plan_watch_ask(&watch));
    ck_assert_int_eq(layout_bring_forward(&placed.layout, placed.plan, NULL, &watch, &error),
                     MBS_ERR_STOPPED);
    placed_plan_free(&placed);
    mbs_plan_free(plan);
    mbs_network_free(network);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ahead");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 0);
    tcase_add_test(all, executions_back_are_those_of_a_walk);
    tcase_add_test(all, pinned_parameters_of_a_long_group);
    tcase_add_test(all, bringing_forward_can_be_stopped);
    suite_add_tcase(suite, all);
    return run_suite(suite);
}
