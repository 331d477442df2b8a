/*
 * dp with strip groups, on random networks whose heights change: it finds what brute force finds,
 * and never more than without them. MBS_SEED=N repeats a run and MBS_ROUNDS=N makes it longer.
 */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>

#include "brute_force.h"
#include "mbsopt/mbsopt.h"
#include "planned.h"
#include "random_chain.h"
#include "run.h"

static uint64_t seed = 20230515;
static int rounds = 100;

typedef struct setting {
    mbs_network *network;
    mbs_program *program;
    mbs_hardware hardware;
    mbs_plan_options options;
    char label[RANDOM_LABEL_BYTES];
} setting;

/* A random network, buffer, batch and options. */
static void open_setting(setting *s, uint64_t *state, int layers, int scale)
{
    mbs_program_options program_options = MBS_PROGRAM_OPTIONS_INIT;
    do {
        const int64_t choice = random_between(state, 0, 7);
        s->network = choice == 0   ? random_volume(state, layers, s->label)
                     : choice <= 2 ? random_network(state, layers, s->label)
                                   : random_chain(state, layers, scale, s->label);
    } while (s->network == NULL);
    program_options.optimizer = random_optimizer(state);
    program_options.inference = random_between(state, 0, 3) == 0;
    program_options.keep_batch_norm = random_between(state, 0, 1) == 0;
    program_options.split_norms = 1;
    s->program = random_program_of(s->network, &program_options, state, s->label);
    mbs_hardware_wavecore(&s->hardware);
    s->hardware.norm_passes = random_between(state, 1, 3);
    s->options = (mbs_plan_options)MBS_PLAN_OPTIONS_INIT;
    s->options.batch = random_between(state, 1, 4);
    s->options.buffer_bytes = 4096 + random_between(state, 0, 1 << random_between(state, 5, 14));
    s->options.no_pin = random_between(state, 0, 3) == 0;
    s->options.no_stream = random_between(state, 0, 3) == 0;
    s->options.in_place = random_between(state, 0, 1) == 0;
}

static void close_setting(setting *s)
{
    mbs_program_free(s->program);
    mbs_network_free(s->network);
}

/* The plan's traffic, which is its bound; whether it has strips. */
static int64_t traffic_of(const setting *s, bool *has_strips)
{
    mbs_traffic traffic;
    mbs_plan *plan = replayed_plan(s->program, &s->hardware, &s->options, s->label);
    mbs_plan_traffic(plan, &traffic);
    ck_assert_msg(traffic.total == mbs_plan_bound_bytes(plan), "%s: dp %" PRId64 ", plan %" PRId64,
                  s->label, mbs_plan_bound_bytes(plan), traffic.total);
    *has_strips = false;
    for (size_t g = 0; g < mbs_plan_group_count(plan); g++) {
        mbs_group_info info;
        ck_assert_int_eq(mbs_plan_group(plan, g, &info), MBS_OK);
        *has_strips = *has_strips || info.iterations > s->options.batch;
    }
    mbs_plan_free(plan);
    return traffic.total;
}

START_TEST(dp_equals_brute_force)
{
    uint64_t state = seed;
    int compared = 0;
    int with_strips = 0;
    for (int round = 0; round < rounds * 4; round++) {
        setting s;
        open_setting(&s, &state, (int)random_between(&state, 1, 7), 1);
        if (mbs_program_step_count(s.program) <= 10) {
            bool strips;
            const oracle_task task = oracle_of(s.program, &s.hardware, &s.options);
            const int64_t found = traffic_of(&s, &strips);
            const int64_t expected = brute_force_dp(&task);
            ck_assert_msg(found == expected, "%s: dp %" PRId64 ", brute force %" PRId64, s.label,
                          found, expected);
            compared++;
            with_strips += strips;
        }
        close_setting(&s);
    }
    printf("dp equals brute force on %d networks, %d times with strips\n", compared, with_strips);
    ck_assert_int_gt(compared, rounds);
    ck_assert_int_gt(with_strips, rounds / 6);
}
END_TEST

START_TEST(strips_never_cost_traffic)
{
    uint64_t state = seed + 1;
    int gained = 0;
    for (int round = 0; round < rounds; round++) {
        setting s;
        bool strips;
        open_setting(&s, &state, (int)random_between(&state, 5, 20), 4);
        const int64_t with = traffic_of(&s, &strips);
        s.options.no_strips = 1;
        bool none;
        const int64_t without = traffic_of(&s, &none);
        ck_assert(!none);
        ck_assert_msg(strips ? with <= without : with == without,
                      "%s: %" PRId64 " with strips, %" PRId64 " without", s.label, with, without);
        gained += with < without;
        close_setting(&s);
    }
    printf("strips gain on %d networks of %d\n", gained, rounds);
    ck_assert_int_gt(gained, rounds / 8);
}
END_TEST

static double objective_of(const setting *s, const mbs_plan *plan, mbs_objective objective)
{
    mbs_cost cost;
    ck_assert_int_eq(mbs_plan_cost(plan, &s->hardware, &cost), MBS_OK);
    return objective == MBS_TIME ? cost.time_s : cost.energy_j;
}

/* What the network's plan comes to; replayed before it is returned. */
static double of_network(const setting *s, bool strips, bool keep, bool inference, bool *split)
{
    mbs_plan *plan;
    mbs_error error;
    mbs_options options = MBS_OPTIONS_INIT;
    mbs_error_clear(&error);
    options.objective = s->options.objective;
    options.batch = s->options.batch;
    options.buffer_bytes = s->options.buffer_bytes;
    options.no_pin = s->options.no_pin;
    options.no_stream = s->options.no_stream;
    options.in_place = s->options.in_place;
    options.keep_batch_norm = keep;
    options.inference = inference;
    options.no_strips = !strips;
    must_succeed(mbs_plan_network(&plan, s->network, &s->hardware, &options, &error), &error,
                 s->label);
    const double value = objective_of(s, plan, options.objective);
    *split = false;
    for (size_t g = 0; g < mbs_plan_group_count(plan); g++) {
        mbs_group_info info;
        ck_assert_int_eq(mbs_plan_group(plan, g, &info), MBS_OK);
        *split = *split || info.strips > 1;
    }
    ck_assert_int_eq(mbs_plan_outcome(plan), strips ? MBS_HEURISTIC : MBS_OPTIMAL);
    mbs_plan_free(plan);
    return value;
}

/* Less time, or energy, than without strips, and than the plan of least traffic with them. */
START_TEST(strips_for_time_and_energy)
{
    uint64_t state = seed + 2;
    int gained = 0;
    for (int round = 0; round < rounds; round++) {
        setting s;
        bool strips;
        open_setting(&s, &state, (int)random_between(&state, 3, 16), 4);
        mbs_plan *traffic = replayed_plan(s.program, &s.hardware, &s.options, s.label);
        s.options.objective = round % 2 == 0 ? MBS_TIME : MBS_ENERGY;
        mbs_plan *plan = replayed_plan(s.program, &s.hardware, &s.options, s.label);
        const double of_traffic = objective_of(&s, traffic, s.options.objective);
        const double found = objective_of(&s, plan, s.options.objective);
        ck_assert_msg(found <= of_traffic * (1 + 1e-9), "%s: %.17g, for traffic %.17g", s.label,
                      found, of_traffic);
        mbs_plan_free(traffic);
        mbs_plan_free(plan);
        const bool keep = random_between(&state, 0, 1) == 0;
        const bool inference = random_between(&state, 0, 3) == 0;
        const double without = of_network(&s, false, keep, inference, &strips);
        const double with = of_network(&s, true, keep, inference, &strips);
        ck_assert_msg(with <= without, "%s: %.17g, without strips %.17g", s.label, with, without);
        gained += strips && with < without;
        close_setting(&s);
    }
    printf("strips gain time or energy on %d networks of %d\n", gained, rounds);
    ck_assert_int_gt(gained, rounds / 20);
}
END_TEST

int main(void)
{
    run_settings(&seed, &rounds);
    Suite *suite = suite_create("strips_dp");
    TCase *tests = tcase_create("strips_dp");
    tcase_set_timeout(tests, 0);
    tcase_add_test(tests, dp_equals_brute_force);
    tcase_add_test(tests, strips_never_cost_traffic);
    tcase_add_test(tests, strips_for_time_and_energy);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
