/*
 * dp for time, for energy and for both traffic and time against all partitions of small random
 * networks, each costed as a whole plan. MBS_SEED=N repeats a run, MBS_ROUNDS=N makes it longer.
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cost/footprint.h"
#include "mbsopt/mbsopt.h"
#include "plan/groups.h"
#include "random_network.h"
#include "run.h"

static uint64_t seed = 1810;
static int rounds = 150;

typedef struct setting {
    mbs_network *network;
    mbs_program *program;
    mbs_hardware hardware;
    mbs_plan_options options;
    char label[RANDOM_LABEL_BYTES];
} setting;

/* Test _i is of an objective and of what overlaps. */
#define FIRST_TEST (MBS_TIME * MBS_OVERLAP_COUNT)
#define TESTS_END  (MBS_OBJECTIVE_COUNT * MBS_OVERLAP_COUNT)

static void open_setting(setting *s, uint64_t *state, int layers, mbs_overlap overlap)
{
    mbs_program_options program_options = MBS_PROGRAM_OPTIONS_INIT;
    s->network = random_network(state, layers, s->label);
    program_options.optimizer = random_optimizer(state);
    program_options.inference = random_between(state, 0, 3) == 0;
    ck_assert_int_eq(mbs_program_create(&s->program, s->network, &program_options, NULL), MBS_OK);
    random_machine(&s->hardware, state);
    s->hardware.overlap = overlap;
    s->options = (mbs_plan_options)MBS_PLAN_OPTIONS_INIT;
    s->options.batch = random_between(state, 1, 12);
    s->options.buffer_bytes = 4096 + random_between(state, 0, 1 << random_between(state, 5, 15));
    s->options.no_pin = random_between(state, 0, 1) == 0;
    s->options.no_stream = random_between(state, 0, 1) == 0;
    s->options.in_place = random_between(state, 0, 1) == 0;
    s->options.weight = ldexp(1, (int)random_between(state, 10, 40));
}

static void close_setting(setting *s)
{
    mbs_program_free(s->program);
    mbs_network_free(s->network);
}

static double of(const setting *s, const mbs_cost *cost, mbs_objective objective)
{
    if (objective == MBS_WEIGHTED)
        return cost->dram_bytes + s->options.weight * cost->time_s;
    return objective == MBS_TIME ? cost->time_s : cost->energy_j;
}

static double planned(setting *s, mbs_planner planner, mbs_objective minimised,
                      mbs_objective measured)
{
    mbs_plan *plan;
    mbs_cost cost;
    s->options.planner = planner;
    s->options.objective = minimised;
    ck_assert_int_eq(mbs_plan_create(&plan, s->program, &s->hardware, &s->options, NULL), MBS_OK);
    ck_assert_int_eq(mbs_plan_cost(plan, &s->hardware, &cost), MBS_OK);
    mbs_plan_free(plan);
    return of(s, &cost, measured);
}

static double objective_of_group(const setting *s, const mbs_plan *plan, mbs_objective objective)
{
    mbs_cost cost;
    ck_assert_int_eq(mbs_plan_group_cost(plan, &s->hardware, 0, &cost), MBS_OK);
    return of(s, &cost, objective);
}

static mbs_plan *empty_plan(const setting *s, const plan_task *task)
{
    mbs_plan *plan = plan_allocate(s->program, "oracle");
    plan->batch = task->batch;
    plan->buffer_bytes = task->capacity;
    return plan;
}

/* That of steps [first, end) on b samples at a time, what is pinned leaving room for so many
 * iterations under way; infinite if there is none. */
static double of_samples(const setting *s, const plan_task *task, int32_t first, int32_t end,
                         int64_t b, int64_t under_way, mbs_objective objective)
{
    mbs_plan *plan = empty_plan(s, task);
    const mbs_group *group = plan_add_group(plan, first, end, (task->batch + b - 1) / b);
    double found = INFINITY;
    group_keep_all(plan, group);
    group_choose_modes(plan, task, group);
    if (under_way * plan_group_peak(plan, group) <= task->capacity) {
        group_pin_beside(plan, task, group, under_way);
        found = objective_of_group(s, plan, objective);
    }
    mbs_plan_free(plan);
    return found;
}

static double in_passes(const setting *s, const plan_task *task, int32_t k, mbs_objective objective)
{
    mbs_plan *plan = empty_plan(s, task);
    plan_add_passes(plan, task, k);
    const double found = objective_of_group(s, plan, objective);
    mbs_plan_free(plan);
    return found;
}

/* The least objective of group [first, end) over all I that fit, over how many iterations the rest
 * leaves room for and, for a lone step, in passes. */
static double best_group(const setting *s, const plan_task *task, int32_t first, int32_t end,
                         mbs_objective objective)
{
    double best = end - first == 1 ? in_passes(s, task, first, objective) : INFINITY;
    for (int64_t b = 1; b <= task->batch; b++)
        for (int64_t under_way = 1; under_way <= 4; under_way++)
            best = fmin(best, of_samples(s, task, first, end, b, under_way, objective));
    return best;
}

static double brute_force(const setting *s, mbs_objective objective)
{
    const plan_task task = {.program = s->program,
                            .batch = s->options.batch,
                            .capacity = s->options.buffer_bytes,
                            .norm_passes = s->hardware.norm_passes,
                            .pin = !s->options.no_pin,
                            .stream = !s->options.no_stream,
                            .in_place = s->options.in_place != 0};
    const int32_t steps = s->program->step_count;
    double best = INFINITY;
    for (uint32_t cuts = 0; cuts < UINT32_C(1) << (steps - 1); cuts++) {
        double sum = 0;
        int32_t first = 0;
        for (int32_t end = 1; end <= steps; end++) {
            if (end < steps && (cuts >> (end - 1) & 1) == 0)
                continue;
            sum += best_group(s, &task, first, end, objective);
            first = end;
        }
        best = fmin(best, sum);
    }
    return best;
}

START_TEST(dp_finds_the_least)
{
    const mbs_objective objective = (mbs_objective)(_i / MBS_OVERLAP_COUNT);
    const mbs_overlap overlap = (mbs_overlap)(_i % MBS_OVERLAP_COUNT);
    uint64_t state = seed + (uint64_t)objective; /* the same networks whatever overlaps */
    int compared = 0;
    for (int round = 0; round < rounds; round++) {
        setting s;
        open_setting(&s, &state, (int)random_between(&state, 1, 2), overlap);
        if (mbs_program_step_count(s.program) <= 7) {
            double found = planned(&s, MBS_PLANNER_DP, objective, objective);
            double expected = brute_force(&s, objective);
            ck_assert_msg(fabs(found - expected) <= 1e-9 * expected, "%s: dp %g, brute force %g",
                          s.label, found, expected);
            compared++;
        }
        close_setting(&s);
    }
    printf("dp for %s, overlap %s, equals brute force on %d networks\n",
           mbs_objective_name(objective), mbs_overlap_name(overlap), compared);
    ck_assert_int_gt(compared, rounds / 4);
}
END_TEST

START_TEST(no_planner_of_its_space_does_better)
{
    const mbs_objective objective = (mbs_objective)(_i / MBS_OVERLAP_COUNT);
    const mbs_overlap overlap = (mbs_overlap)(_i % MBS_OVERLAP_COUNT);
    uint64_t state = seed + 10 + (uint64_t)objective;
    for (int round = 0; round < rounds; round++) {
        setting s;
        open_setting(&s, &state, (int)random_between(&state, 3, 30), overlap);
        double found = planned(&s, MBS_PLANNER_DP, objective, objective) * (1 - 1e-9);
        ck_assert(found <= planned(&s, MBS_PLANNER_DP, MBS_TRAFFIC, objective));
        ck_assert(found <= planned(&s, MBS_PLANNER_ARCHOPT, MBS_TRAFFIC, objective));
        ck_assert(found <= planned(&s, MBS_PLANNER_MBS2, MBS_TRAFFIC, objective));
        close_setting(&s);
    }
}
END_TEST

int main(void)
{
    run_settings(&seed, &rounds);
    Suite *suite = suite_create("objective");
    TCase *tests = tcase_create("random networks");
    tcase_set_timeout(tests, 0);
    tcase_add_loop_test(tests, dp_finds_the_least, FIRST_TEST, TESTS_END);
    tcase_add_loop_test(tests, no_planner_of_its_space_does_better, FIRST_TEST, TESTS_END);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
