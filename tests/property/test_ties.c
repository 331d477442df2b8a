/*
 * Of the plans of least traffic dp takes the quickest: against all partitions of small random
 * networks into groups, in strips too, each costed as a plan of its own. And best moves no more
 * than dp, nor as much in more time. MBS_SEED=N repeats a run, MBS_ROUNDS=N makes it longer.
 */
#include <check.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "brute_force_strips.h"
#include "cost/footprint.h"
#include "cost/strips.h"
#include "cost/traffic.h"
#include "plan/groups.h"
#include "planned.h"
#include "random_chain.h"
#include "run.h"

#define MOST_STEPS 10
#define SAME       1e-9 /* times are sums of doubles */

static uint64_t seed = 2021;
static int rounds = 150;

typedef struct setting {
    mbs_network *network;
    mbs_program *program;
    mbs_hardware hardware;
    mbs_plan_options options;
    plan_task task;
    char label[RANDOM_LABEL_BYTES];
} setting;

static void open_setting(setting *s, uint64_t *state, int layers, mbs_overlap overlap)
{
    mbs_program_options program_options = MBS_PROGRAM_OPTIONS_INIT;
    do
        s->network = random_between(state, 0, 2) == 0 ? random_network(state, layers, s->label)
                                                      : random_chain(state, layers, 1, s->label);
    while (s->network == NULL);
    program_options.optimizer = random_optimizer(state);
    program_options.inference = random_between(state, 0, 3) == 0;
    program_options.split_norms = random_between(state, 0, 2) > 0;
    ck_assert_int_eq(mbs_program_create(&s->program, s->network, &program_options, NULL), MBS_OK);
    random_machine(&s->hardware, state);
    s->hardware.overlap = overlap;
    s->options = (mbs_plan_options)MBS_PLAN_OPTIONS_INIT;
    s->options.batch = random_between(state, 1, 9);
    s->options.buffer_bytes = 4096 + random_between(state, 0, 1 << random_between(state, 5, 15));
    s->options.no_pin = random_between(state, 0, 3) == 0;
    s->options.no_stream = random_between(state, 0, 3) == 0;
    s->options.in_place = random_between(state, 0, 1) == 0;
    s->task = (plan_task){.program = s->program,
                          .batch = s->options.batch,
                          .capacity = s->options.buffer_bytes,
                          .norm_passes = s->hardware.norm_passes,
                          .pin = !s->options.no_pin,
                          .stream = !s->options.no_stream,
                          .in_place = s->options.in_place != 0};
}

static void close_setting(setting *s)
{
    mbs_program_free(s->program);
    mbs_network_free(s->network);
}

/* What a plan, or a group, moves and takes; and how long at most what moves as little. */
typedef struct worth {
    int64_t bytes;
    double time_s;
    double slowest_s;
} worth;

static const worth none = {INT64_MAX, INFINITY, 0};

static worth better(worth a, worth b)
{
    if (a.bytes != b.bytes)
        return a.bytes < b.bytes ? a : b;
    return (worth){a.bytes, fmin(a.time_s, b.time_s), fmax(a.slowest_s, b.slowest_s)};
}

static worth together(worth a, worth b)
{
    if (a.bytes == INT64_MAX || b.bytes == INT64_MAX)
        return none;
    return (worth){a.bytes + b.bytes, a.time_s + b.time_s, a.slowest_s + b.slowest_s};
}

static mbs_plan *empty_plan(const setting *s)
{
    mbs_plan *plan = plan_allocate(s->program, "oracle");
    plan->batch = s->task.batch;
    plan->buffer_bytes = s->task.capacity;
    return plan;
}

static worth worth_of_group(const setting *s, const mbs_plan *plan)
{
    mbs_cost cost;
    ck_assert_int_eq(mbs_plan_group_cost(plan, &s->hardware, 0, &cost), MBS_OK);
    return (worth){plan_count_group(plan, plan->groups).total, cost.time_s, cost.time_s};
}

static worth of_samples(const setting *s, int32_t first, int32_t end, int64_t b)
{
    mbs_plan *plan = empty_plan(s);
    const mbs_group *group = plan_add_group(plan, first, end, (s->task.batch + b - 1) / b);
    worth found = none;
    bool coupled = false;
    for (int32_t k = first; k < end; k++)
        coupled =
            coupled || s->program->steps[k].coupled || s->program->steps[k].coupled_to >= first;
    group_keep_all(plan, group);
    group_choose_modes(plan, &s->task, group);
    if (plan_group_peak(plan, group) <= s->task.capacity && (!coupled || group->iterations == 1)) {
        group_pin(plan, &s->task, group);
        found = worth_of_group(s, plan);
    }
    mbs_plan_free(plan);
    return found;
}

static worth in_passes(const setting *s, int32_t k)
{
    mbs_plan *plan = empty_plan(s);
    plan_add_passes(plan, &s->task, k);
    const worth found = worth_of_group(s, plan);
    mbs_plan_free(plan);
    return found;
}

/* A group that may push strips, with so many of them. */
static worth in_strips(const setting *s, int32_t first, int32_t end, int64_t strips)
{
    mbs_plan *plan = empty_plan(s);
    mbs_group *group = plan_add_group(plan, first, end, s->task.batch);
    bool fits;
    group_keep_all(plan, group);
    ck_assert_int_eq(group_set_strips(plan, &s->task, group, strips, &fits, NULL), MBS_OK);
    const worth found = fits ? worth_of_group(s, plan) : none;
    mbs_plan_free(plan);
    return found;
}

static worth best_group(const setting *s, int32_t first, int32_t end)
{
    const oracle_task task = oracle_of(s->program, &s->hardware, &s->options);
    worth best = end - first == 1 ? in_passes(s, first) : none;
    for (int64_t b = 1; b <= s->task.batch; b++)
        best = better(best, of_samples(s, first, end, b));
    if (!s->program->split || brute_force_strips(&task, first, end) == INT64_MAX)
        return best;
    const int64_t rows = strips_tallest(s->program, first, end);
    for (int64_t power = 1, strips; (strips = (rows + power - 1) / power) > 1; power *= 2)
        best = better(best, in_strips(s, first, end, strips));
    return best;
}

static worth brute_force(const setting *s)
{
    const int32_t steps = s->program->step_count;
    worth group[MOST_STEPS][MOST_STEPS + 1];
    worth best = none;
    for (int32_t first = 0; first < steps; first++)
        for (int32_t end = first + 1; end <= steps; end++)
            group[first][end] = best_group(s, first, end);
    for (uint32_t cuts = 0; cuts < UINT32_C(1) << (steps - 1); cuts++) {
        worth sum = {0, 0, 0};
        int32_t first = 0;
        for (int32_t end = 1; end <= steps; end++) {
            if (end < steps && (cuts >> (end - 1) & 1) == 0)
                continue;
            sum = together(sum, group[first][end]);
            first = end;
        }
        best = better(best, sum);
    }
    return best;
}

static worth planned(setting *s, mbs_planner planner)
{
    mbs_traffic traffic;
    mbs_cost cost;
    s->options.planner = planner;
    mbs_plan *plan = replayed_plan(s->program, &s->hardware, &s->options, s->label);
    mbs_plan_traffic(plan, &traffic);
    ck_assert_int_eq(mbs_plan_cost(plan, &s->hardware, &cost), MBS_OK);
    mbs_plan_free(plan);
    return (worth){traffic.total, cost.time_s, cost.time_s};
}

START_TEST(dp_takes_the_quickest_of_the_least)
{
    uint64_t state = seed;
    int compared = 0;
    int decided = 0; /* where there was a choice */
    for (int round = 0; round < 4 * rounds; round++) {
        setting s;
        open_setting(&s, &state, (int)random_between(&state, 1, 6), (mbs_overlap)_i);
        if (mbs_program_step_count(s.program) <= MOST_STEPS) {
            const worth found = planned(&s, MBS_PLANNER_DP);
            const worth expected = brute_force(&s);
            ck_assert_msg(found.bytes == expected.bytes &&
                              fabs(found.time_s - expected.time_s) <= SAME * expected.time_s,
                          "%s: dp %" PRId64 " bytes in %.12g s, brute force %" PRId64
                          " in %.12g (to %.12g)",
                          s.label, found.bytes, found.time_s, expected.bytes, expected.time_s,
                          expected.slowest_s);
            compared++;
            decided += expected.slowest_s > (1 + SAME) * expected.time_s;
        }
        close_setting(&s);
    }
    printf("overlap %s: dp is the quickest of the least on %d networks, on %d of them others are "
           "slower\n",
           mbs_overlap_name((mbs_overlap)_i), compared, decided);
    ck_assert_int_gt(compared, rounds);
    ck_assert_int_gt(decided, rounds / 2);
}
END_TEST

START_TEST(best_is_no_slower_for_as_much)
{
    uint64_t state = seed + 1;
    for (int round = 0; round < rounds; round++) {
        setting s;
        open_setting(&s, &state, (int)random_between(&state, 2, 12), (mbs_overlap)_i);
        const worth dp = planned(&s, MBS_PLANNER_DP);
        const worth best = planned(&s, MBS_PLANNER_BEST);
        ck_assert(best.bytes < dp.bytes ||
                  (best.bytes == dp.bytes && best.time_s <= (1 + SAME) * dp.time_s));
        close_setting(&s);
    }
}
END_TEST

int main(void)
{
    run_settings(&seed, &rounds);
    Suite *suite = suite_create("ties");
    TCase *tests = tcase_create("random networks");
    tcase_set_timeout(tests, 0);
    tcase_add_loop_test(tests, dp_takes_the_quickest_of_the_least, 0, MBS_OVERLAP_COUNT);
    tcase_add_loop_test(tests, best_is_no_slower_for_as_much, 0, MBS_OVERLAP_COUNT);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
