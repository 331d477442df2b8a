/*
 * The exact search of a group and the bounds it goes by, against brute force over all residencies:
 * whatever the prices, the width and the target, what it claims holds. MBS_SEED=N, MBS_ROUNDS=N.
 */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "brute_force_ilp.h"
#include "plan/exact/column.h"
#include "plan/exact/label_pool.h"
#include "plan/exact/labels.h"
#include "plan/exact/tight.h"
#include "random_network.h"
#include "random_program.h"
#include "run.h"

#define HIGHEST (INT64_MAX >> 22)

static uint64_t seed = 19690720;
static int rounds = 2000;

typedef struct setting {
    tight_window window; /* open if it has capacities */
    mbs_program *program;
    plan_task task;
    lagrange l;
    int32_t candidate;
    int32_t first;
    int32_t end;
    int64_t optimum;
    bool exists; /* a step may need more than the buffer at this sub-batch */
} setting;

/* Some groups go by the capacities of a window around them; a window elsewhere is not for them. */
static void random_window(setting *s, uint64_t *state)
{
    static mbs_error error;
    const int32_t steps = s->program->step_count;
    const bool around = random_between(state, 0, 1);
    const int32_t first = (int32_t)random_between(state, 0, around ? s->first : steps - 1);
    const int32_t end = (int32_t)random_between(state, around ? s->end : first + 1, steps);
    s->window.capacity = NULL;
    if (random_between(state, 0, 2))
        ck_assert_int_eq(tight_open(&s->window, &s->l, s->candidate, first, end, &error), MBS_OK);
}

static void open_setting(setting *s, uint64_t *state)
{
    static mbs_error error;
    s->program = random_program(state);
    while (brute_force_interval_count(s->program) > BRUTE_FORCE_INTERVALS) {
        mbs_program_free(s->program);
        s->program = random_program(state);
    }
    s->task = (plan_task){.program = s->program,
                          .batch = random_between(state, 1, 24),
                          .norm_passes = 2,
                          .pin = random_between(state, 0, 1) != 0,
                          .stream = random_between(state, 0, 2) != 0,
                          .in_place = random_between(state, 0, 1) != 0};
    s->task.capacity = random_buffer(state, s->program, s->task.batch);
    ck_assert_int_eq(lagrange_open(&s->l, &s->task, random_between(state, 0, 3) > 0, &error),
                     MBS_OK);
    s->candidate = (int32_t)random_between(state, 0, s->l.list.count - 1);
    s->first = (int32_t)random_between(state, 0, s->program->step_count - 1);
    s->end = (int32_t)random_between(state, s->first + 1, s->program->step_count);
    const oracle_task task = {
        s->program,     s->task.batch, s->task.capacity, s->task.norm_passes, s->task.pin,
        s->task.stream, false,         s->task.in_place};
    s->optimum =
        brute_force_group(&task, s->first, s->end, s->l.list.iterations[s->candidate], false);
    s->exists = s->optimum != INT64_MAX;
    random_window(s, state);
}

static void close_setting(setting *s)
{
    if (s->window.capacity != NULL)
        tight_close(&s->window, &s->l);
    lagrange_close(&s->l);
    mbs_program_free(s->program);
}

/* Any prices give bounds; those of the order of what a byte is worth give good ones. */
static void random_prices(setting *s, uint64_t *state)
{
    const int32_t steps = s->program->step_count;
    const int64_t highest = s->l.highest_price[s->candidate] << s->l.shift;
    for (int32_t k = 0; k < steps; k++)
        s->l.price[(int64_t)s->candidate * steps + k] =
            random_between(state, 0, 1)
                ? 0
                : random_between(state, 0, highest) >> random_between(state, 0, 12);
    lagrange_update(&s->l, s->candidate);
}

static label_result search(const setting *s, int32_t width, int64_t target, bool *resident)
{
    static mbs_error error;
    group_costs g;
    label_result result;
    const label_limits limits = {.width = width, .target = target};
    ck_assert_int_eq(group_costs_open(&g, &s->l, s->candidate, s->first, s->end, &error), MBS_OK);
    ck_assert_int_eq(labels_search(&g, &limits, &result, resident, &error), MBS_OK);
    group_costs_close(&g);
    return result;
}

static void check_claims(const setting *s, const label_result *result, int64_t target)
{
    ck_assert_msg(result->bound <= s->optimum || result->bound == target,
                  "bound %" PRId64 " above the optimum %" PRId64, result->bound, s->optimum);
    ck_assert_msg(result->bound <= target, "bound above the target");
    if (result->value != NO_VALUE)
        ck_assert_msg(result->value >= s->optimum && result->value < target,
                      "value %" PRId64 ", optimum %" PRId64 ", target %" PRId64, result->value,
                      s->optimum, target);
}

START_TEST(finds_the_optimum)
{
    uint64_t state = seed;
    int searched = 0;
    bool resident[256];
    for (int round = 0; round < rounds; round++) {
        setting s;
        open_setting(&s, &state);
        for (int i = 0; i < 3 && s.exists; i++) {
            if (i > 0)
                random_prices(&s, &state);
            label_result result = search(&s, INT32_MAX, HIGHEST, resident);
            ck_assert_int_eq(result.value, s.optimum);
            ck_assert_int_eq(result.bound, s.optimum);
            /* only less than the optimum is of interest: there is none, and that is proven */
            result = search(&s, INT32_MAX, s.optimum, resident);
            ck_assert(result.value == NO_VALUE && result.bound == s.optimum);
            result = search(&s, INT32_MAX, s.optimum + 1, resident);
            ck_assert(result.value == s.optimum && result.bound == s.optimum);
            searched++;
        }
        close_setting(&s);
    }
    ck_assert_int_gt(searched, rounds);
}
END_TEST

START_TEST(claims_no_more_than_it_knows)
{
    uint64_t state = seed + 2;
    int short_of = 0;
    bool resident[256];
    for (int round = 0; round < rounds; round++) {
        setting s;
        open_setting(&s, &state);
        for (int i = 0; i < 4 && s.exists; i++) {
            random_prices(&s, &state);
            int64_t target = i == 0 ? HIGHEST : s.optimum + random_between(&state, -99, 9999);
            target = target < 1 ? 1 : target;
            label_result result =
                search(&s, (int32_t)random_between(&state, 1, 6), target, resident);
            check_claims(&s, &result, target);
            short_of += result.bound < s.optimum && result.bound < target;
            /* every label can be brought to the end: something is found if anything is sought */
            ck_assert(i > 0 || result.value != NO_VALUE);
        }
        close_setting(&s);
    }
    ck_assert_int_gt(short_of, rounds / 100);
}
END_TEST

START_TEST(solves_columns)
{
    static mbs_error error;
    uint64_t state = seed + 4;
    for (int round = 0; round < rounds; round++) {
        setting s;
        open_setting(&s, &state);
        random_prices(&s, &state);
        mbs_plan *scratch = plan_allocate(s.program, "");
        scratch->batch = s.task.batch;
        scratch->buffer_bytes = s.task.capacity;
        const pricing with = {.l = &s.l,
                              .scratch = scratch,
                              .width = round % 2 == 0 ? 4 : INT32_MAX,
                              .cutoff = COLUMN_FAR};
        column priced = {
            .first = s.first, .end = s.end, .candidate = s.candidate, .value = NO_VALUE};
        if (s.exists) {
            ck_assert_int_eq(column_price(&with, &priced, &error), MBS_OK);
            ck_assert_int_le(lagrange_bytes(&s.l, priced.bound), s.optimum);
            ck_assert_int_ge(priced.value, s.optimum);
            if (with.width == INT32_MAX)
                ck_assert(priced.value == s.optimum &&
                          lagrange_bytes(&s.l, priced.bound) == s.optimum);
        }
        mbs_free(priced.resident);
        mbs_plan_free(scratch);
        close_setting(&s);
    }
}
END_TEST

/* ---- What labels lead back to ---------------------------------------------------------------- */

#define TRAILS 300

/* The choices behind number `at`, the last first, as bits of a sum that depends on their order. */
static uint64_t read_trail(const label_trail *trail, int32_t at, int32_t *length)
{
    uint64_t sum = 0;
    for (*length = 0; at != LABEL_TRAIL_START; at = label_trail_before(trail, at), ++*length)
        sum = 31 * sum + (label_trail_stays(trail, at) ? 2 : 1);
    return sum;
}

/* So many choices that those that nothing leads back to are forgotten: the others stay. */
START_TEST(trails_outlive_tidying)
{
    uint64_t state = seed;
    label_trail trail = {0};
    label_pool pool = {0};
    int32_t ends[TRAILS] = {LABEL_TRAIL_START};
    uint64_t before[TRAILS];
    int32_t length[TRAILS];
    ck_assert(label_pool_open(&pool, 9));
    int32_t most = 0;
    bool tidied = false;
    while (!tidied) { /* trails grow, and some begin anew or where another is */
        const int64_t i = random_between(&state, 0, TRAILS - 1);
        const int64_t kind = random_between(&state, 0, 999);
        const int32_t from = kind == 0   ? LABEL_TRAIL_START
                             : kind == 1 ? ends[random_between(&state, 0, TRAILS - 1)]
                                         : ends[i];
        ends[i] = label_trail_add(&trail, from, random_between(&state, 0, 1) != 0);
        ck_assert_int_gt(ends[i], LABEL_TRAIL_START);
        if (trail.count < most + 100000)
            continue;
        most = trail.count;
        label_pool_clear(&pool);
        for (int32_t t = 0; t < TRAILS; t++) {
            uint64_t *key = label_pool_copy_key(&pool, -1);
            for (int32_t slot = 0; slot < 9; slot++) /* no two alike, so that all are kept */
                label_key_set(key, slot, (tensor_place)(t >> slot & 1));
            before[t] = read_trail(&trail, ends[t], &length[t]);
            ck_assert(label_pool_insert(&pool, &(label){.trail = ends[t]}, key));
        }
        ck_assert(label_trail_tidy(&trail, &pool));
        tidied = trail.count < most;
    }
    ck_assert_int_eq(pool.count, TRAILS);
    for (int32_t t = 0; t < TRAILS; t++) {
        int32_t now;
        ck_assert(read_trail(&trail, pool.labels[t].trail, &now) == before[t]);
        ck_assert_int_eq(now, length[t]);
    }
    label_pool_close(&pool);
    label_trail_close(&trail);
}
END_TEST

int main(void)
{
    run_settings(&seed, &rounds);
    Suite *suite = suite_create("labels");
    TCase *tests = tcase_create("labels");
    tcase_set_timeout(tests, 0);
    tcase_add_test(tests, finds_the_optimum);
    tcase_add_test(tests, claims_no_more_than_it_knows);
    tcase_add_test(tests, solves_columns);
    tcase_add_test(tests, trails_outlive_tidying);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
