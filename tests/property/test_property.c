/*
 * Random networks, each with every planner and option. The seed is printed; MBS_SEED=N repeats a
 * run and MBS_ROUNDS=N makes it longer.
 */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "brute_force.h"
#include "mbsopt/mbsopt.h"
#include "planned.h"
#include "random_network.h"
#include "run.h"

static uint64_t seed = 20190331;
static int rounds = 240;

typedef struct setting {
    mbs_network *network;
    mbs_program *program;
    mbs_hardware hardware;
    mbs_plan_options options;
    char label[RANDOM_LABEL_BYTES];
} setting;

/* A random network, buffer, batch and options. */
static void open_setting(setting *s, uint64_t *state, int layers)
{
    mbs_program_options program_options = MBS_PROGRAM_OPTIONS_INIT;
    s->network = random_network(state, layers, s->label);
    program_options.optimizer = random_optimizer(state);
    program_options.inference = random_between(state, 0, 4) == 0;
    program_options.keep_batch_norm = random_between(state, 0, 1) == 0;
    s->program = random_program_of(s->network, &program_options, state, s->label);
    mbs_hardware_wavecore(&s->hardware);
    s->hardware.norm_passes = random_between(state, 1, 3);
    s->hardware.reserved_bytes = random_between(state, 0, 2) == 0 ? 1000 : 0;
    s->options = (mbs_plan_options)MBS_PLAN_OPTIONS_INIT;
    s->options.batch = random_between(state, 1, 20);
    s->options.buffer_bytes = 5096 + random_between(state, 0, 1 << random_between(state, 5, 16));
    s->options.no_pin = random_between(state, 0, 1) == 0;
    s->options.no_stream = random_between(state, 0, 1) == 0;
    s->options.in_place = random_between(state, 0, 1) == 0;
}

static void close_setting(setting *s)
{
    mbs_program_free(s->program);
    mbs_network_free(s->network);
}

static int64_t traffic_of(const setting *s, mbs_planner planner)
{
    return replayed_traffic(s->program, &s->hardware, &s->options, planner, s->label);
}

START_TEST(dp_equals_brute_force)
{
    uint64_t state = seed;
    int compared = 0;
    for (int round = 0; round < rounds * 8; round++) {
        setting s;
        open_setting(&s, &state, (int)random_between(&state, 1, 3));
        size_t steps = mbs_program_step_count(s.program);
        if (steps <= 9) {
            const oracle_task task = oracle_of(s.program, &s.hardware, &s.options);
            int64_t found = traffic_of(&s, MBS_PLANNER_DP);
            int64_t expected = brute_force_dp(&task);
            ck_assert_msg(found == expected, "%s: dp %" PRId64 ", brute force %" PRId64, s.label,
                          found, expected);
            compared++;
        }
        close_setting(&s);
    }
    printf("dp equals brute force on %d networks\n", compared);
    ck_assert_int_gt(compared, rounds);
}
END_TEST

START_TEST(planners_keep_their_order)
{
    uint64_t state = seed ^ UINT64_C(0x9E3779B97F4A7C15);
    for (int round = 0; round < rounds; round++) {
        setting s;
        open_setting(&s, &state, (int)random_between(&state, 3, 40));
        int64_t baseline = traffic_of(&s, MBS_PLANNER_BASELINE);
        int64_t dp = traffic_of(&s, MBS_PLANNER_DP);
        ck_assert_int_eq(traffic_of(&s, MBS_PLANNER_ARCHOPT), baseline);
        ck_assert_msg(dp <= baseline, "%s: dp above baseline", s.label);
        for (int planner = MBS_PLANNER_IL; planner < MBS_PLANNER_DP; planner++)
            traffic_of(&s, (mbs_planner)planner);
        int64_t mbs2 = traffic_of(&s, MBS_PLANNER_MBS2);
        ck_assert_msg(dp <= mbs2, "%s: dp %" PRId64 " above mbs2 %" PRId64, s.label, dp, mbs2);
        close_setting(&s);
    }
}
END_TEST

START_TEST(options_only_help)
{
    uint64_t state = seed + 1;
    for (int round = 0; round < rounds; round++) {
        setting s;
        int64_t traffic[4];
        open_setting(&s, &state, (int)random_between(&state, 3, 30));
        for (int i = 0; i < 4; i++) {
            s.options.no_pin = i & 1;
            s.options.no_stream = i >> 1;
            traffic[i] = traffic_of(&s, MBS_PLANNER_DP);
        }
        ck_assert_int_le(traffic[0], traffic[1]);
        ck_assert_int_le(traffic[0], traffic[2]);
        ck_assert_int_le(traffic[1], traffic[3]);
        ck_assert_int_le(traffic[2], traffic[3]);
        close_setting(&s);
    }
}
END_TEST

START_TEST(dp_is_monotone_in_the_buffer)
{
    uint64_t state = seed + 2;
    for (int round = 0; round < rounds; round++) {
        setting s;
        int64_t before = INT64_MAX;
        open_setting(&s, &state, (int)random_between(&state, 3, 30));
        for (int i = 0; i < 12; i++) {
            int64_t traffic = traffic_of(&s, MBS_PLANNER_DP);
            ck_assert_msg(traffic <= before, "%s: more traffic at %" PRId64 " bytes", s.label,
                          s.options.buffer_bytes);
            before = traffic;
            s.options.buffer_bytes += random_between(&state, 1, s.options.buffer_bytes / 2);
        }
        close_setting(&s);
    }
}
END_TEST

/* What the steps of a plan move, each by itself, is what the plan moves. */
static void check_steps(const mbs_plan *plan, const char *label)
{
    mbs_traffic all;
    mbs_traffic sum = {0};
    mbs_plan_traffic(plan, &all);
    for (size_t k = 0; k < mbs_program_step_count(mbs_plan_program(plan)); k++) {
        mbs_traffic part;
        ck_assert_int_eq(mbs_plan_step_traffic(plan, k, &part), MBS_OK);
        sum.activation_read += part.activation_read;
        sum.activation_write += part.activation_write;
        sum.weight_read += part.weight_read;
        sum.weight_gradient += part.weight_gradient;
        sum.optimizer += part.optimizer;
        sum.total += part.total;
    }
    ck_assert_msg(memcmp(&sum, &all, sizeof sum) == 0,
                  "%s: the steps move %" PRId64 " bytes, the plan %" PRId64, label, sum.total,
                  all.total);
}

START_TEST(plans_are_repeatable)
{
    static mbs_error error;
    uint64_t state = seed + 3;
    for (int round = 0; round < rounds / 8; round++) {
        setting s;
        open_setting(&s, &state, (int)random_between(&state, 3, 30));
        for (int planner = 0; planner <= MBS_PLANNER_DP; planner++) { /* ilp: test_exact */
            char *text[2];
            for (int i = 0; i < 2; i++) {
                mbs_plan *plan = NULL;
                s.options.planner = (mbs_planner)planner;
                mbs_error_clear(&error);
                must_succeed(mbs_plan_create(&plan, s.program, &s.hardware, &s.options, &error),
                             &error, s.label);
                must_succeed(mbs_plan_to_json(&text[i], plan, &error), &error, s.label);
                mbs_plan_free(plan);
            }
            ck_assert_str_eq(text[0], text[1]);
            mbs_plan *loaded = NULL;
            must_succeed(mbs_plan_load_text(&loaded, text[0], strlen(text[0]), "plan", &error),
                         &error, s.label);
            must_succeed(mbs_plan_verify(loaded, NULL, &error), &error, s.label);
            check_steps(loaded, s.label);
            mbs_plan_free(loaded);
            mbs_free(text[0]);
            mbs_free(text[1]);
        }
        close_setting(&s);
    }
}
END_TEST

int main(void)
{
    run_settings(&seed, &rounds);
    Suite *suite = suite_create("property");
    TCase *tests = tcase_create("random networks");
    tcase_set_timeout(tests, 0);
    tcase_add_test(tests, dp_equals_brute_force);
    tcase_add_test(tests, planners_keep_their_order);
    tcase_add_test(tests, options_only_help);
    tcase_add_test(tests, dp_is_monotone_in_the_buffer);
    tcase_add_test(tests, plans_are_repeatable);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
