/*
 * Strip groups of random networks: what cost says they take and move is what the replay finds, for
 * dp's plans and for any groups and any T. The seed is printed; MBS_SEED=N repeats a run and
 * MBS_ROUNDS=N makes it longer.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "cost/footprint.h"
#include "cost/strips.h"
#include "mbsopt/mbsopt.h"
#include "planned.h"
#include "random_network.h"
#include "random_strips.h"
#include "run.h"

static uint64_t seed = 20190331;
static int rounds = 240;
static mbs_error error;

typedef struct setting {
    mbs_network *network;
    mbs_program *program;
    mbs_hardware hardware;
    mbs_plan_options options;
    char label[RANDOM_LABEL_BYTES];
} setting;

/* A random network as a split program, training or inference, its batch norms kept or not. */
static void open_setting(setting *s, uint64_t *state)
{
    mbs_program_options options = MBS_PROGRAM_OPTIONS_INIT;
    s->network = random_network_of_rows(state, (int)random_between(state, 1, 14), s->label);
    options.split_norms = 1;
    options.optimizer = random_optimizer(state);
    options.inference = random_between(state, 0, 3) == 0;
    options.keep_batch_norm = random_between(state, 0, 1) == 0;
    options.recompute = (mbs_recompute)random_between(state, 0, MBS_RECOMPUTE_AUTO - 1);
    mbs_hardware_wavecore(&s->hardware);
    /* long words, so that small networks are large for the smallest buffer */
    s->hardware.bits.activation = 64 << random_between(state, 0, 6);
    options.bits = s->hardware.bits;
    mbs_error_clear(&error);
    must_succeed(mbs_program_create(&s->program, s->network, &options, &error), &error, s->label);
    s->options = (mbs_plan_options)MBS_PLAN_OPTIONS_INIT;
    s->options.batch = random_between(state, 1, 5);
}

static void close_setting(setting *s)
{
    mbs_program_free(s->program);
    mbs_network_free(s->network);
}

/* ---- dp's plans ------------------------------------------------------------------------------ */

static int count_strip_groups(const mbs_plan *plan)
{
    int count = 0;
    for (int32_t g = 0; g < plan->group_count; g++)
        count += plan->groups[g].strips > 1;
    return count;
}

/* Steps of strip groups that write over an operand. */
static int count_in_place(const mbs_plan *plan)
{
    int count = 0;
    for (int32_t g = 0; g < plan->group_count; g++)
        for (int32_t k = plan->groups[g].first; k < plan->groups[g].end; k++)
            count += plan->groups[g].strips > 1 && plan->over[k] >= 0;
    return count;
}

/* What a file tells of a plan is enough to replay it. */
static void replay_from_file(const mbs_plan *plan, const char *label)
{
    char *text;
    mbs_plan *loaded;
    mbs_traffic counted;
    must_succeed(mbs_plan_to_json(&text, plan, &error), &error, label);
    must_succeed(mbs_plan_load_text(&loaded, text, strlen(text), "plan", &error), &error, label);
    must_succeed(mbs_plan_verify(loaded, &counted, &error), &error, label);
    ck_assert_int_eq(memcmp(&counted, &plan->traffic, sizeof counted), 0);
    mbs_plan_free(loaded);
    mbs_free(text);
}

START_TEST(dp_plans_are_replayed)
{
    uint64_t state = seed;
    int groups = 0;
    int in_place = 0;
    for (int round = 0; round < rounds; round++) {
        setting s;
        open_setting(&s, &state);
        s.options.planner = MBS_PLANNER_DP;
        s.options.buffer_bytes =
            4096 + random_between(&state, 0, 1 << random_between(&state, 5, 14));
        s.options.no_pin = random_between(&state, 0, 2) == 0;
        s.options.no_stream = random_between(&state, 0, 2) == 0;
        s.options.in_place = random_between(&state, 0, 1) == 0;
        mbs_plan *plan = replayed_plan(s.program, &s.hardware, &s.options, s.label);
        groups += count_strip_groups(plan);
        in_place += count_in_place(plan);
        replay_from_file(plan, s.label);
        s.options.no_strips = 1;
        ck_assert_int_le(plan->traffic.total, replayed_traffic(s.program, &s.hardware, &s.options,
                                                               MBS_PLANNER_DP, s.label));
        mbs_plan_free(plan);
        close_setting(&s);
    }
    printf("%d strip groups of dp in %d plans, %d steps in place\n", groups, rounds, in_place);
    ck_assert_int_gt(groups, rounds);
    ck_assert_int_gt(in_place, rounds / 8);
}
END_TEST

/* ---- Any plans ------------------------------------------------------------------------------- */

START_TEST(any_plan_is_replayed)
{
    uint64_t state = seed + 1;
    int groups = 0;
    int in_place = 0;
    for (int round = 0; round < rounds * 4; round++) {
        setting s;
        open_setting(&s, &state);
        mbs_plan *plan = random_strip_plan(s.program, s.options.batch, &state);
        groups += count_strip_groups(plan);
        in_place += count_in_place(plan);
        must_succeed(mbs_plan_verify(plan, NULL, &error), &error, s.label);
        replay_from_file(plan, s.label);
        mbs_plan_free(plan);
        close_setting(&s);
    }
    printf("%d strip groups in %d plans, %d steps in place\n", groups, rounds * 4, in_place);
    ck_assert_int_gt(groups, rounds * 4);
    ck_assert_int_gt(in_place, rounds);
}
END_TEST

/* ---- Corrupted plans ------------------------------------------------------------------------- */

/* A strip group of a plan, and a step and a read touch of it. */
typedef struct victim {
    mbs_program *program;
    mbs_plan *plan;
    mbs_group *group;
    int32_t step;
    int32_t read;
} victim;

/* Each changes the victim; false if there is nothing to change so. */
typedef bool corrupt(const victim *v);

static bool drops_rows(const victim *v)
{
    const mbs_touch *touch = &v->program->touches[v->read];
    if (touch->previous < 0 || v->program->touches[touch->previous].step < v->group->first)
        return false;
    v->plan->resident[touch->previous] = false;
    return true;
}

static bool keeps_beyond(const victim *v)
{
    const mbs_touch *touch = &v->program->touches[v->read];
    if (touch->next >= 0 && v->program->touches[touch->next].step < v->group->end)
        return false;
    v->plan->resident[v->read] = true;
    return true;
}

static bool changes_mode(const victim *v)
{
    int streamed = 0;
    for (int32_t k = 0; k < v->program->step_count; k++)
        streamed += v->plan->mode[k] == MBS_STREAMED;
    if (streamed < 2) /* if none is left the plan was made without streaming */
        return false;
    mbs_mode *mode = &v->plan->mode[v->step];
    *mode = *mode == MBS_STREAMED ? MBS_STAGED : MBS_STREAMED;
    return true;
}

static bool runs_in_passes(const victim *v)
{
    v->plan->mode[v->step] = MBS_PASSES;
    return true;
}

static bool needs_more(const victim *v)
{
    v->group->peak_bytes++;
    return true;
}

static bool has_less(const victim *v)
{
    v->plan->buffer_bytes = v->group->peak_bytes - 1;
    return v->plan->buffer_bytes >= MBS_MIN_BUFFER_BYTES;
}

static bool repeats_less(const victim *v)
{
    v->group->iterations--;
    return true;
}

static bool has_too_many_strips(const victim *v)
{
    v->group->strips = strips_tallest(v->program, v->group->first, v->group->end) + 1;
    return true;
}

static bool has_whole_samples(const victim *v)
{
    v->group->strips = 1;
    return true;
}

static bool pins_more(const victim *v)
{
    v->plan->pinned_weight[v->step] = v->program->steps[v->step].weight_bytes + 1;
    return true;
}

static bool couples(const victim *v)
{
    v->program->steps[v->step].coupled = true;
    return true;
}

static bool has_no_rows(const victim *v)
{
    v->program->tensors[v->program->touches[v->read].tensor].rows = 0;
    return true;
}

static bool works_on_more_rows(const victim *v)
{
    v->program->steps[v->step].rows += 1000;
    return true;
}

static bool has_no_map(const victim *v)
{
    v->program->touches[v->read].map = v->program->map_count;
    return true;
}

static bool moves_less(const victim *v)
{
    v->plan->traffic.activation_read--;
    return true;
}

/* ---- In place -------------------------------------------------------------------------------- */

static bool is_last(const victim *v, int32_t t)
{
    const int32_t next = v->program->touches[t].next;
    return next < 0 || v->program->touches[next].step >= v->group->end;
}

static bool keeps_rows(const victim *v, int32_t t)
{
    const int32_t begin = v->program->steps[v->group->first].touch_begin;
    while (v->program->touches[t].previous >= begin)
        t = v->program->touches[t].previous;
    strip_extent *extent =
        strips_find(v->program, v->group->first, v->group->end, (int32_t)v->group->strips);
    ck_assert_ptr_nonnull(extent);
    const int64_t kept = extent[t - begin].kept;
    mem_free(extent);
    return kept > 0;
}

static bool stays(const victim *v, int32_t t)
{
    return v->program->touches[t].elementwise && !is_last(v, t);
}

static bool is_of_other_elements(const victim *v, int32_t t)
{
    return !v->program->touches[t].elementwise;
}

static bool has_rows_of_earlier_strips(const victim *v, int32_t t)
{
    return strips_may_replace(v->program, t) && is_last(v, t) && keeps_rows(v, t);
}

/* Lets a step of the group write over an operand that is like that; false if there is none. */
static bool write_over(const victim *v, bool (*is_like_that)(const victim *, int32_t))
{
    for (int32_t k = v->group->first; k < v->group->end; k++) {
        const mbs_step *step = &v->program->steps[k];
        for (int32_t t = step->touch_begin; t < step->write_begin; t++)
            if (step->write_begin < step->touch_end && is_like_that(v, t)) {
                v->plan->over[k] = t;
                return true;
            }
    }
    return false;
}

static bool writes_over_what_stays(const victim *v)
{
    return write_over(v, stays);
}

static bool writes_over_other_elements(const victim *v)
{
    return write_over(v, is_of_other_elements);
}

static bool writes_over_other_rows(const victim *v)
{
    return write_over(v, has_rows_of_earlier_strips);
}

/* An operand that is written over has room of its own all the same. */
static bool needs_both(const victim *v)
{
    const int64_t pinned = plan_pinned_bytes(v->plan, v->group->first, v->group->end);
    for (int32_t k = v->group->first; k < v->group->end; k++) {
        if (v->plan->over[k] < 0)
            continue;
        v->plan->over[k] = -1;
        int64_t *bytes = strips_group_footprints(v->plan, v->group);
        ck_assert_ptr_nonnull(bytes);
        const bool is_more = bytes[k - v->group->first] + pinned > v->group->peak_bytes;
        mem_free(bytes);
        if (is_more)
            return true;
    }
    return false;
}

static const struct {
    corrupt *apply;
    const char *rule;
} corruptions[] = {
    {drops_rows, "[residency]"},
    {keeps_beyond, "[residency]"},
    {changes_mode, "[mode]"},
    {runs_in_passes, "[mode]"},
    {needs_more, "[peak]"},
    {has_less, "[capacity]"},
    {repeats_less, "[iterations]"},
    {has_too_many_strips, "[strips]"},
    {has_whole_samples, "[iterations]"},
    {pins_more, "[pinned]"},
    {couples, "[coupled]"},
    {has_no_rows, "[rows]"},
    {works_on_more_rows, "[rows]"},
    {has_no_map, "[rows]"},
    {moves_less, "[traffic]"},
    {writes_over_what_stays, "[in-place]"},
    {writes_over_other_elements, "[in-place]"},
    {writes_over_other_rows, "["}, /* in-place, or who needs the rows later: buffer-use */
    {needs_both, "[peak]"},
};

#define CORRUPTIONS (sizeof corruptions / sizeof corruptions[0])

/* A strip group by chance, and in it a step that reads something. */
static bool find_victim(victim *v, uint64_t *state)
{
    const int32_t count = v->plan->group_count;
    const int32_t from = (int32_t)random_between(state, 0, count - 1);
    for (int32_t i = 0; i < count; i++) {
        v->group = &v->plan->groups[(from + i) % count];
        if (v->group->strips == 1)
            continue;
        v->step = (int32_t)random_between(state, v->group->first, v->group->end - 1);
        const mbs_step *step = &v->program->steps[v->step];
        if (step->write_begin == step->touch_begin)
            return false;
        v->read = (int32_t)random_between(state, step->touch_begin, step->write_begin - 1);
        return true;
    }
    return false;
}

static bool is_named(const char *rule)
{
    for (size_t i = 0; i < error.count && i < MBS_ERROR_MESSAGES; i++)
        if (strstr(error.message[i], rule) != NULL)
            return true;
    return false;
}

START_TEST(corrupted_plans_are_refused)
{
    uint64_t state = seed + 2;
    int refused[CORRUPTIONS] = {0};
    for (int round = 0; round < rounds * 4; round++) {
        setting s;
        open_setting(&s, &state);
        mbs_plan *plan = random_strip_plan(s.program, s.options.batch, &state);
        victim v = {.program = s.program, .plan = plan};
        const size_t which = (size_t)random_between(&state, 0, (int64_t)CORRUPTIONS - 1);
        if (find_victim(&v, &state) && corruptions[which].apply(&v)) {
            mbs_error_clear(&error);
            ck_assert_int_eq(mbs_plan_verify(plan, NULL, &error), MBS_ERR_VERIFY);
            ck_assert_msg(is_named(corruptions[which].rule), "%s: expected %s, first: %s", s.label,
                          corruptions[which].rule, error.message[0]);
            refused[which]++;
        }
        mbs_plan_free(plan);
        close_setting(&s);
    }
    for (size_t i = 0; i < CORRUPTIONS; i++)
        ck_assert_msg(rounds < 200 || refused[i] > 0, "corruption %d never applied", (int)i);
}
END_TEST

int main(void)
{
    run_settings(&seed, &rounds);
    Suite *suite = suite_create("strip replay");
    TCase *tests = tcase_create("random networks");
    tcase_set_timeout(tests, 0);
    tcase_add_test(tests, dp_plans_are_replayed);
    tcase_add_test(tests, any_plan_is_replayed);
    tcase_add_test(tests, corrupted_plans_are_refused);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
