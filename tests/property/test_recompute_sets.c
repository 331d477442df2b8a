/*
 * Random networks with random sets of recomputed layers (section 10): any is planned, by dp as by
 * brute force. MBS_SEED=N repeats a run and MBS_ROUNDS=N makes it longer.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "brute_force.h"
#include "mbsopt/mbsopt.h"
#include "random_network.h"
#include "random_set.h"
#include "recomputing.h"
#include "run.h"

static uint64_t seed = 20240229;
static int rounds = 30;

/* No step reads what no earlier step has written, and each layer is recomputed only if it is in the
 * set, at most once but for the layers that read nothing recomputed before. */
static void check_program(const setting *s, const mbs_program *program)
{
    const size_t layers = mbs_network_layer_count(s->base.network);
    size_t *again = calloc(layers, sizeof *again);
    size_t most = 1;
    ck_assert_ptr_nonnull(again);
    for (size_t l = 0; l < layers; l++)
        most += (s->set[l] & MBS_RECOMPUTE_ANEW) != 0;
    for (size_t k = 0; k < mbs_program_step_count(program); k++) {
        mbs_step_info step;
        mbs_layer_info layer;
        mbs_tensor_info tensor;
        ck_assert_int_eq(mbs_program_step(program, k, &step), MBS_OK);
        for (size_t r = 0; r < step.read_count; r++) {
            const int64_t read = mbs_program_step_read(program, k, r);
            ck_assert_int_eq(mbs_program_tensor(program, (size_t)read, &tensor), MBS_OK);
            ck_assert_msg(tensor.producer < (int64_t)k, "%s: %s reads %s too early", s->base.label,
                          step.name, tensor.name);
        }
        if (strstr(step.kind, ".remat") == NULL)
            continue;
        ck_assert_int_eq(step.phase, MBS_BACKWARD);
        ck_assert_uint_eq(step.write_count, 1);
        ck_assert_int_eq(step.accumulator_bytes, 0);
        for (size_t l = 0; l < layers; l++)
            if (mbs_network_layer(s->base.network, l, &layer) == MBS_OK &&
                strcmp(layer.name, step.layer) == 0) {
                ck_assert(s->set[l] & MBS_RECOMPUTE_OUTPUT);
                ck_assert_uint_le(++again[l], most);
            }
    }
    free(again);
}

START_TEST(any_set_is_planned)
{
    uint64_t state = seed;
    size_t remats = 0;
    for (int round = 0; round < rounds; round++) {
        setting s;
        open_setting(&s, &state, (int)random_between(&state, 3, 30));
        mbs_program *program = recomputing_program(&s.base, s.set);
        mbs_program *plain = recomputing_program(&s.base, NULL);
        check_program(&s, program);
        remats += mbs_program_step_count(program) - mbs_program_step_count(plain);
        const int64_t baseline = recomputing_traffic(&s.base, program, MBS_PLANNER_BASELINE);
        const int64_t dp = recomputing_traffic(&s.base, program, MBS_PLANNER_DP);
        ck_assert_int_le(dp, baseline);
        for (int planner = MBS_PLANNER_IL; planner < MBS_PLANNER_MBS2; planner++)
            recomputing_traffic(&s.base, program, (mbs_planner)planner);
        ck_assert_int_le(dp, recomputing_traffic(&s.base, program, MBS_PLANNER_MBS2));
        if (round % 10 == 0)
            ck_assert_int_le(recomputing_traffic(&s.base, program, MBS_PLANNER_ILP), dp);
        mbs_program_free(plain);
        mbs_program_free(program);
        close_setting(&s);
    }
    ck_assert_uint_gt(remats, (size_t)rounds);
}
END_TEST

START_TEST(dp_equals_brute_force)
{
    uint64_t state = seed + 1;
    int compared = 0;
    for (int round = 0; round < rounds * 8; round++) {
        setting s;
        open_setting(&s, &state, (int)random_between(&state, 1, 4));
        mbs_program *program = recomputing_program(&s.base, s.set);
        mbs_program *plain = recomputing_program(&s.base, NULL);
        const size_t steps = mbs_program_step_count(program);
        if (steps > mbs_program_step_count(plain) && steps <= 12) {
            const oracle_task task = recomputing_oracle(&s.base, program);
            ck_assert_msg(recomputing_traffic(&s.base, program, MBS_PLANNER_DP) ==
                              brute_force_dp(&task),
                          "%s: dp is not the least", s.base.label);
            compared++;
        }
        mbs_program_free(plain);
        mbs_program_free(program);
        close_setting(&s);
    }
    printf("dp equals brute force on %d networks that recompute\n", compared);
    ck_assert_int_gt(compared, rounds / 5);
}
END_TEST

int main(void)
{
    run_settings(&seed, &rounds);
    Suite *suite = suite_create("recompute_sets");
    TCase *tests = tcase_create("sets");
    tcase_set_timeout(tests, 0);
    tcase_add_test(tests, any_set_is_planned);
    tcase_add_test(tests, dp_equals_brute_force);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
