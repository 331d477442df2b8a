/*
 * What the search for what to recompute goes by, on random networks with random sets: dp on a part
 * of a program, within limits and from given starts; programs of a family; the least that a set
 * adds. MBS_SEED=N, MBS_ROUNDS=N.
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cost/array.h"
#include "mbsopt/mbsopt.h"
#include "plan/dp/dp_range.h"
#include "plan/recompute/moves.h"
#include "plan/recompute/state.h"
#include "random_network.h"
#include "recomputing.h"
#include "run.h"

/* Sums of seconds or joules in another order. */
#define ROUNDING 1e-9

static uint64_t seed = 20261126;
static int rounds = 60;
static mbs_error error;

typedef struct setting {
    recomputing base;
    unsigned char *set;
    mbs_program *program;
    mbs_plan *plan; /* empty */
    plan_task task;
    candidates list;
} setting;

static void open_setting(setting *s, uint64_t *state)
{
    recomputing_open_varied(&s->base, state, (int)random_between(state, 3, 20));
    s->base.hardware.overlap = (mbs_overlap)random_between(state, 0, MBS_OVERLAP_COUNT - 1);
    s->set = recomputing_random_set(&s->base, state);
    s->program = recomputing_program(&s->base, s->set);
    must_succeed(plan_open(&s->plan, &s->task, s->program, &s->base.hardware, &s->base.options,
                           "dp", &error),
                 &error, s->base.label);
    must_succeed(candidates_create(&s->list, s->base.options.batch, &error), &error, s->base.label);
}

static void close_setting(setting *s)
{
    candidates_free(&s->list);
    mbs_plan_free(s->plan);
    mbs_program_free(s->program);
    free(s->set);
    recomputing_close(&s->base);
}

static double least_of(const setting *s, int32_t first, int32_t end, const bool *starts)
{
    dp_range range;
    ck_assert(dp_range_open(&range, &s->task, &s->list, first, end));
    ck_assert(dp_range_solve(&range, starts, INFINITY));
    const double least = dp_range_least(&range);
    dp_range_close(&range);
    return least;
}

static void check_near(const setting *s, double a, double b)
{
    ck_assert_msg(fabs(a - b) <= ROUNDING * fabs(b), "%s: %.17g, expected %.17g", s->base.label, a,
                  b);
}

/* What is less than the limit is found, and nothing else. */
static void check_limit(const setting *s, dp_range *range, const bool *starts, double least,
                        double limit)
{
    ck_assert(dp_range_solve(range, starts, limit));
    const double found = dp_range_least(range);
    ck_assert_msg(isfinite(found) == (least < limit), "%s: %.17g of %.17g within %.17g",
                  s->base.label, found, least, limit);
    if (isfinite(found))
        ck_assert_double_eq(found, least);
}

static void check_range(const setting *s, uint64_t *state, int32_t first, int32_t end)
{
    dp_range range;
    bool *starts = calloc((size_t)(end - first) + 1, sizeof *starts);
    ck_assert_ptr_nonnull(starts);
    const double least = least_of(s, first, end, NULL);
    for (int32_t cut = first; cut < end; cut++)
        starts[cut - first] = cut == first || random_between(state, 0, 2) == 0;
    const double from_starts = least_of(s, first, end, starts);
    ck_assert_double_ge(from_starts, least);
    ck_assert(dp_range_open(&range, &s->task, &s->list, first, end));
    ck_assert(dp_range_solve_all(&range));
    ck_assert_double_eq(dp_range_least(&range), least);
    for (int i = 0; i < 6; i++) {
        const double limit = least * (double)random_between(state, 800, 1200) / 1000;
        check_limit(s, &range, NULL, least, limit);
        check_limit(s, &range, starts, from_starts, limit);
    }
    check_limit(s, &range, NULL, least, least);
    check_limit(s, &range, NULL, least, dp_range_above(least));
    for (int32_t cut = first; cut < end; cut++)
        ck_assert_double_le(range.rest[cut - first], least_of(s, cut, end, NULL));
    dp_range_close(&range);
    free(starts);
}

/* Has random settings checked, one for each round. */
static void check_all(void (*check)(setting *s, uint64_t *state))
{
    for (int round = 0; round < rounds; round++) {
        uint64_t state = seed + (uint64_t)round;
        setting s;
        open_setting(&s, &state);
        check(&s, &state);
        close_setting(&s);
    }
}

static void check_limits(setting *s, uint64_t *state)
{
    for (int objective = MBS_TRAFFIC; objective <= MBS_ENERGY; objective++) {
        s->task.objective = (mbs_objective)objective;
        const int32_t steps = s->program->step_count;
        const int32_t first = (int32_t)random_between(state, 0, steps - 1);
        check_range(s, state, 0, steps);
        check_range(s, state, first, (int32_t)random_between(state, first + 1, steps));
    }
}

START_TEST(a_limit_loses_nothing_below)
{
    check_all(check_limits);
}
END_TEST

static void check_whole(setting *s, uint64_t *state)
{
    (void)state;
    check_near(s, least_of(s, 0, s->program->step_count, NULL),
               (double)recomputing_traffic(&s->base, s->program, MBS_PLANNER_DP));
}

START_TEST(whole_programs_cost_what_dp_plans)
{
    check_all(check_whole);
}
END_TEST

static void check_step(const mbs_step *a, const mbs_step *b)
{
    ck_assert_int_eq(a->layer_id, b->layer_id);
    ck_assert_int_eq(a->phase, b->phase);
    ck_assert_int_eq(a->pass, b->pass);
    ck_assert_int_eq(a->copy, b->copy);
    ck_assert_int_eq(a->whole_sample, b->whole_sample);
    ck_assert_int_eq(a->coupled, b->coupled);
    ck_assert_int_eq(a->touch_begin, b->touch_begin);
    ck_assert_int_eq(a->write_begin, b->write_begin);
    ck_assert_int_eq(a->touch_end, b->touch_end);
    ck_assert_int_eq(a->replaceable, b->replaceable);
    ck_assert_int_eq(a->update.is_update, b->update.is_update);
    ck_assert_int_eq(a->update.state_bytes, b->update.state_bytes);
    ck_assert_int_eq(a->weight_bytes, b->weight_bytes);
    ck_assert_int_eq(a->accumulator_bytes, b->accumulator_bytes);
    ck_assert_double_eq(array_macs(&a->gemm, 1), array_macs(&b->gemm, 1));
}

/* By member: there is padding. */
static void check_touch(const mbs_touch *a, const mbs_touch *b)
{
    ck_assert_int_eq(a->tensor, b->tensor);
    ck_assert_int_eq(a->step, b->step);
    ck_assert_int_eq(a->previous, b->previous);
    ck_assert_int_eq(a->next, b->next);
    ck_assert_int_eq(a->map, b->map);
    ck_assert_int_eq(a->elementwise, b->elementwise);
}

static void check_same(const mbs_program *a, const mbs_program *b)
{
    ck_assert_int_eq(a->step_count, b->step_count);
    ck_assert_int_eq(a->tensor_count, b->tensor_count);
    ck_assert_int_eq(a->touch_count, b->touch_count);
    for (int32_t t = 0; t < a->touch_count; t++)
        check_touch(&a->touches[t], &b->touches[t]);
    for (int32_t k = 0; k < a->step_count; k++)
        check_step(&a->steps[k], &b->steps[k]);
    for (int32_t t = 0; t < a->tensor_count; t++) {
        ck_assert_int_eq(a->tensors[t].bytes, b->tensors[t].bytes);
        ck_assert_int_eq(a->tensors[t].elements, b->tensors[t].elements);
        ck_assert_int_eq(a->tensors[t].producer, b->tensors[t].producer);
        ck_assert_int_eq(a->tensors[t].last_touch, b->tensors[t].last_touch);
    }
}

static void check_family(setting *s, uint64_t *state)
{
    program_family *family;
    must_succeed(program_family_create(&family, s->base.network, &s->base.program_options, &error),
                 &error, s->base.label);
    for (int i = 0; i < 3; i++) {
        mbs_program *built;
        unsigned char *set = recomputing_random_set(&s->base, state);
        mbs_program *expected = recomputing_program(&s->base, set);
        must_succeed(program_family_build(&built, family, MBS_RECOMPUTE_NONE, set, &error), &error,
                     s->base.label);
        check_same(built, expected);
        mbs_program_free(built);
        mbs_program_free(expected);
        free(set);
    }
    program_family_free(family);
}

/* Whichever programs a family has built before. */
START_TEST(a_family_builds_the_same)
{
    check_all(check_family);
}
END_TEST

static void check_least_macs(setting *s, uint64_t *state)
{
    mbs_program *plain = recomputing_program(&s->base, NULL);
    const size_t count = mbs_network_layer_count(s->base.network);
    recompute_layer *layers = calloc(count, sizeof *layers);
    bool *again = calloc(count, sizeof *again);
    bool anew = false;
    (void)state;
    ck_assert(layers != NULL && again != NULL);
    ck_assert(recompute_layers(layers, s->base.network, plain));
    for (size_t l = 0; l < count; l++)
        anew = anew || (s->set[l] & MBS_RECOMPUTE_ANEW) != 0;
    const double least = recompute_least_macs(s->set, layers, plain, again);
    const double added = recompute_macs(s->program, true);
    if (anew)
        ck_assert_double_le(least, added);
    else
        ck_assert_double_eq(least, added);
    free(layers);
    free(again);
    mbs_program_free(plain);
}

START_TEST(the_least_that_is_added)
{
    check_all(check_least_macs);
}
END_TEST

int main(void)
{
    run_settings(&seed, &rounds);
    Suite *suite = suite_create("dp range");
    TCase *tests = tcase_create("dp range");
    tcase_set_timeout(tests, 600);
    tcase_add_test(tests, a_limit_loses_nothing_below);
    tcase_add_test(tests, whole_programs_cost_what_dp_plans);
    tcase_add_test(tests, a_family_builds_the_same);
    tcase_add_test(tests, the_least_that_is_added);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
