/*
 * Explanations of plans of random networks: footprints are the sum of their parts, classes of
 * traffic the sum of what moves, and every other way to run a group that is told of makes, put into
 * the plan, a plan that the replay passes and that moves what was said. The seed is printed;
 * MBS_SEED=N repeats a run and MBS_ROUNDS=N makes it longer.
 */
#include <check.h>
#include <inttypes.h>
#include <string.h>

#include "cost/footprint.h"
#include "cost/strips.h"
#include "explain/moves.h"
#include "explain/story.h"
#include "mbsopt/mbsopt.h"
#include "planned.h"
#include "random_network.h"
#include "run.h"

static uint64_t seed = 20190331;
static int rounds = 120;
static mbs_error error;

typedef struct setting {
    mbs_network *network;
    mbs_program *program;
    mbs_hardware hardware;
    mbs_plan_options options;
    mbs_plan *plan;
    char label[RANDOM_LABEL_BYTES];
} setting;

static void open_setting(setting *s, uint64_t *state)
{
    static const mbs_planner planners[] = {MBS_PLANNER_DP, MBS_PLANNER_DP,   MBS_PLANNER_DP,
                                           MBS_PLANNER_IL, MBS_PLANNER_MBS1, MBS_PLANNER_ILP};
    mbs_program_options options = MBS_PROGRAM_OPTIONS_INIT;
    s->network = random_network_of_rows(state, (int)random_between(state, 1, 14), s->label);
    s->options = (mbs_plan_options)MBS_PLAN_OPTIONS_INIT;
    s->options.planner = planners[random_between(state, 0, 5)];
    options.split_norms =
        random_between(state, 0, 1) == 0 && s->options.planner != MBS_PLANNER_MBS1;
    options.optimizer = random_optimizer(state);
    options.inference = random_between(state, 0, 3) == 0;
    options.keep_batch_norm = random_between(state, 0, 2) == 0;
    options.recompute = (mbs_recompute)random_between(state, 0, MBS_RECOMPUTE_AUTO - 1);
    mbs_hardware_wavecore(&s->hardware);
    /* long words, so that small networks are large for the smallest buffer */
    s->hardware.bits.activation = 64 << random_between(state, 0, 6);
    options.bits = s->hardware.bits;
    s->options.batch = random_between(state, 1, 6);
    s->options.buffer_bytes = MBS_MIN_BUFFER_BYTES << random_between(state, 0, 6);
    s->options.no_pin = random_between(state, 0, 3) == 0;
    mbs_error_clear(&error);
    must_succeed(mbs_program_create(&s->program, s->network, &options, &error), &error, s->label);
    s->plan = replayed_plan(s->program, &s->hardware, &s->options, s->label);
}

static void close_setting(setting *s)
{
    mbs_plan_free(s->plan);
    mbs_program_free(s->program);
    mbs_network_free(s->network);
}

/* ---- Footprints ------------------------------------------------------------------------------ */

static int64_t sum_of_parts(const part_list *list)
{
    int64_t sum = 0;
    for (int32_t i = 0; i < list->count; i++) {
        ck_assert_int_gt(list->parts[i].bytes, 0);
        ck_assert(i == 0 || list->parts[i].bytes <= list->parts[i - 1].bytes);
        sum += list->parts[i].bytes;
    }
    ck_assert_int_eq(sum, list->bytes);
    return sum;
}

START_TEST(footprints_are_the_sum_of_their_parts)
{
    uint64_t state = seed;
    int strip_groups = 0;
    for (int i = 0; i < rounds; i++) {
        setting s;
        open_setting(&s, &state);
        for (int32_t g = 0; g < s.plan->group_count; g++) {
            const mbs_group *group = &s.plan->groups[g];
            const int64_t pinned = plan_pinned_bytes(s.plan, group->first, group->end);
            int64_t *strips = group->strips > 1 ? strips_group_footprints(s.plan, group) : NULL;
            footprint_walk walk = footprint_walk_begin(s.plan, group, group->sub_batch);
            int64_t peak = 0;
            strip_groups += strips != NULL;
            for (int32_t k = group->first; k < group->end; k++) {
                part_list list;
                const int64_t bytes = strips != NULL ? strips[k - group->first] + pinned
                                                     : footprint_walk_step(&walk, k);
                must_succeed(parts_of_step(&list, s.plan, group, k, &error), &error, s.label);
                ck_assert_int_eq(sum_of_parts(&list), bytes);
                peak = bytes > peak ? bytes : peak;
                part_list_free(&list);
            }
            ck_assert_int_eq(peak, group->peak_bytes);
            mbs_free(strips);
        }
        close_setting(&s);
    }
    ck_assert_int_gt(strip_groups, 5);
}
END_TEST

/* ---- Moves ----------------------------------------------------------------------------------- */

START_TEST(classes_are_the_sum_of_what_moves)
{
    uint64_t state = seed;
    for (int i = 0; i < rounds; i++) {
        setting s;
        moves found;
        mbs_traffic counted;
        int64_t read = 0, written = 0, tensors_read = 0, tensors_written = 0, all = 0;
        open_setting(&s, &state);
        must_succeed(mbs_plan_verify(s.plan, &counted, &error), &error, s.label);
        must_succeed(moves_find(&found, s.plan, 0, s.plan->group_count, &error), &error, s.label);
        for (int reason = 0; reason < MOVE_REASON_COUNT; reason++) {
            read += found.read[reason];
            written += found.written[reason];
        }
        for (int32_t m = 0; m < found.count; m++) {
            all += mover_bytes(&found.movers[m]);
            if (found.movers[m].kind == MOVER_TENSOR) {
                tensors_read += found.movers[m].read;
                tensors_written += found.movers[m].written;
            }
        }
        ck_assert_int_eq(read, counted.activation_read);
        ck_assert_int_eq(tensors_read, counted.activation_read);
        ck_assert_int_eq(written, counted.activation_write);
        ck_assert_int_eq(tensors_written, counted.activation_write);
        ck_assert_int_eq(found.weight_once + found.weight_again, counted.weight_read);
        ck_assert_int_eq(found.gradient_once + found.gradient_again, counted.weight_gradient);
        ck_assert_int_eq(found.state_read + found.state_written, counted.optimizer);
        ck_assert_int_eq(all, counted.total);
        moves_free(&found);
        close_setting(&s);
    }
}
END_TEST

/* ---- Other groups ---------------------------------------------------------------------------- */

static mbs_plan *copy_of(const mbs_plan *plan)
{
    const mbs_program *p = plan->program;
    mbs_plan *copy = plan_allocate_like(plan, "other");
    ck_assert_ptr_nonnull(copy);
    copy->outcome = MBS_HEURISTIC;
    memcpy(copy->resident, plan->resident, (size_t)p->touch_count * sizeof *copy->resident);
    memcpy(copy->mode, plan->mode, (size_t)p->step_count * sizeof *copy->mode);
    memcpy(copy->pinned_weight, plan->pinned_weight,
           (size_t)p->step_count * sizeof *copy->pinned_weight);
    memcpy(copy->pinned_accumulator, plan->pinned_accumulator,
           (size_t)p->step_count * sizeof *copy->pinned_accumulator);
    return copy;
}

/* Takes over what the scratch plan holds of the variant's steps. */
static void take_steps(mbs_plan *copy, const variants *of, const variant *with)
{
    const mbs_program *p = copy->program;
    for (int32_t k = with->group.first; k < with->group.end; k++) {
        copy->mode[k] = of->scratch->mode[k];
        copy->pinned_weight[k] = of->scratch->pinned_weight[k];
        copy->pinned_accumulator[k] = of->scratch->pinned_accumulator[k];
        for (int32_t t = p->steps[k].touch_begin; t < p->steps[k].touch_end; t++)
            copy->resident[t] = of->scratch->resident[t];
    }
    copy->groups[copy->group_count++] = with->group;
}

/* Makes the variant in the scratch plan again, and takes it over. */
static void take(mbs_plan *copy, variants *of, const variant *with, int64_t capacity)
{
    variant again;
    const int32_t first = with->group.first;
    const int32_t end = with->group.end;
    if (end - first == 1 && with->group.iterations == 1 && with->group.peak_bytes == 0) {
        variants_clear(of, first, end); /* in passes */
        copy->groups[copy->group_count++] = with->group;
        copy->mode[first] = MBS_PASSES;
        copy->pinned_weight[first] = copy->pinned_accumulator[first] = 0;
        for (int32_t t = copy->program->steps[first].touch_begin;
             t < copy->program->steps[first].touch_end; t++)
            copy->resident[t] = false;
        return;
    }
    must_succeed(variants_try(&again, of, first, end, with->group.iterations, with->group.strips,
                              false, capacity, &error),
                 &error, "again");
    ck_assert(again.fits);
    take_steps(copy, of, &again);
    variants_clear(of, first, end);
}

/*
 * Replaces groups [first, end) of the plan by the variants, in a buffer of so many bytes more, and
 * replays that; it must move as much as the plan with `change`.
 */
static void check_replaced(variants *of, int32_t first, int32_t end, const variant *with, int count,
                           int64_t more, int64_t change, const char *label)
{
    const mbs_plan *plan = of->plan;
    mbs_plan *copy = copy_of(plan);
    mbs_traffic counted;
    copy->buffer_bytes += more;
    for (int32_t g = 0; g < first; g++)
        copy->groups[copy->group_count++] = plan->groups[g];
    for (int i = 0; i < count; i++)
        take(copy, of, &with[i], of->task.capacity + more);
    for (int32_t g = end; g < plan->group_count; g++)
        copy->groups[copy->group_count++] = plan->groups[g];
    /* a step in passes counts on the buffer as it was */
    bool passes = false;
    for (int32_t k = 0; k < plan->program->step_count; k++)
        passes = passes || plan->mode[k] == MBS_PASSES;
    if (more == 0 || !passes) {
        must_succeed(plan_sum_up(copy, &error), &error, label);
        must_succeed(mbs_plan_verify(copy, &counted, &error), &error, label);
        ck_assert_msg(counted.total == plan->traffic.total + change,
                      "%s: moves %" PRId64 ", said was %" PRId64, label, counted.total,
                      plan->traffic.total + change);
    }
    mbs_plan_free(copy);
}

static void check_merger(variants *of, const merger *with, int32_t left, bool is_best,
                         const char *label)
{
    if (!with->exists)
        return;
    ck_assert_int_eq(with->obstacle.is_known, !with->together.fits);
    if (!with->together.fits) {
        ck_assert_int_gt(sum_of_parts(&with->obstacle.parts), of->task.capacity);
        return;
    }
    const int64_t change = with->together.traffic.total - with->apart.total;
    ck_assert(!is_best || change >= 0);
    check_replaced(of, left, left + 2, &with->together, 1, 0, change, label);
}

/* The least of all cuts, each looked at. */
static int64_t least_cut(variants *of, const mbs_group *group)
{
    int64_t least = INT64_MAX;
    for (int32_t at = group->first + 1; at < group->end; at++) {
        variant parts[2];
        must_succeed(variants_best(&parts[0], of, group->first, at, of->task.capacity, &error),
                     &error, "left");
        must_succeed(variants_best(&parts[1], of, at, group->end, of->task.capacity, &error),
                     &error, "right");
        const int64_t bytes = parts[0].traffic.total + parts[1].traffic.total;
        if (parts[0].fits && parts[1].fits && bytes < least)
            least = bytes;
    }
    return least;
}

static void check_division(variants *of, const group_story *story, bool is_best, const char *label)
{
    const division *cut = &story->division;
    const int64_t least = least_cut(of, story->group);
    if (cut->at < 0) {
        ck_assert_int_eq(least, INT64_MAX);
        return;
    }
    const int64_t bytes = cut->parts[0].traffic.total + cut->parts[1].traffic.total;
    ck_assert_int_eq(cut->tried, cut->cuts);
    ck_assert_int_eq(bytes, least);
    ck_assert(!is_best || bytes >= story->traffic.total);
    check_replaced(of, story->index, story->index + 1, cut->parts, 2, 0,
                   bytes - story->traffic.total, label);
}

static void check_limit(variants *of, const group_story *story, const char *label)
{
    const limitation *limit = &story->limit;
    if (limit->obstacle.is_known)
        ck_assert_msg(sum_of_parts(&limit->obstacle.parts) > of->task.capacity, "%s", label);
    ck_assert(limit->kind != LIMIT_BUFFER || limit->obstacle.is_known);
    if (limit->kind == LIMIT_BUFFER || limit->kind == LIMIT_CHOICE)
        ck_assert_int_lt(limit->next.group.iterations, story->group->iterations);
    else
        ck_assert_int_eq(story->group->iterations, 1);
}

static void check_larger(variants *of, const group_story *story, const larger_room *with,
                         const char *label)
{
    if (with->bytes == 0)
        return;
    ck_assert_int_gt(with->saved, 0);
    check_replaced(of, story->index, story->index + 1, &with->variant, 1, with->bytes, -with->saved,
                   label);
}

/* With a byte less of the least that changes anything nothing changes. */
static void check_least(variants *of, const group_story *story)
{
    variant best;
    if (story->least.bytes == 0)
        return;
    ck_assert_int_gt(story->least.bytes, STORY_MORE_BYTES);
    must_succeed(variants_best(&best, of, story->group->first, story->group->end,
                               of->task.capacity + story->least.bytes - 1, &error),
                 &error, "least");
    ck_assert(!best.fits || best.traffic.total >= story->traffic.total);
}

START_TEST(other_groups_move_what_is_said)
{
    uint64_t state = seed;
    int mergers = 0, cuts = 0, limits = 0, more = 0;
    for (int i = 0; i < rounds; i++) {
        setting s;
        variants of;
        open_setting(&s, &state);
        must_succeed(variants_open(&of, s.plan, &error), &error, s.label);
        /* strip groups of one kind are left out of dp's search (section 11) */
        const bool is_best = s.options.planner == MBS_PLANNER_DP && !of.task.strips;
        for (int32_t g = 0; g < s.plan->group_count; g++) {
            group_story story;
            must_succeed(story_find(&story, &of, g, &error), &error, s.label);
            ck_assert_int_eq(sum_of_parts(&story.peak), story.group->peak_bytes);
            check_merger(&of, &story.before, g - 1, is_best, s.label);
            check_merger(&of, &story.after, g, is_best, s.label);
            check_division(&of, &story, is_best, s.label);
            check_limit(&of, &story, s.label);
            check_larger(&of, &story, &story.more, s.label);
            check_larger(&of, &story, &story.least, s.label);
            check_least(&of, &story);
            mergers += story.after.exists && story.after.together.fits;
            cuts += story.division.at >= 0;
            limits += story.limit.kind == LIMIT_BUFFER;
            more += story.more.bytes > 0;
            story_free(&story);
        }
        variants_close(&of);
        close_setting(&s);
    }
    const int least = rounds / 6;
    ck_assert_msg(mergers > least && cuts > least && limits > least && more > least, "%d %d %d %d",
                  mergers, cuts, limits, more);
}
END_TEST

/* ---- Both forms ------------------------------------------------------------------------------ */

static size_t characters(const char *line, size_t length)
{
    size_t count = 0;
    for (size_t i = 0; i < length; i++)
        count += ((unsigned char)line[i] & 0xC0) != 0x80;
    return count;
}

START_TEST(lines_are_no_longer_than_a_terminal)
{
    uint64_t state = seed;
    for (int i = 0; i < rounds / 4; i++) {
        setting s;
        char *text;
        open_setting(&s, &state);
        must_succeed(mbs_explain_text(&text, s.plan, NULL, &error), &error, s.label);
        for (const char *at = text; *at != '\0';) {
            const size_t length = strcspn(at, "\n");
            ck_assert_msg(characters(at, length) <= 80, "%.*s", (int)length, at);
            at += length + 1;
        }
        mbs_free(text);
        must_succeed(mbs_explain_json(&text, s.plan, NULL, &error), &error, s.label);
        mbs_free(text);
        close_setting(&s);
    }
}
END_TEST

START_TEST(what_is_not_there_is_refused)
{
    uint64_t state = seed;
    setting s;
    char *text;
    open_setting(&s, &state);
    mbs_explain_options options = MBS_EXPLAIN_OPTIONS_INIT;
    options.group = (size_t)s.plan->group_count + 1;
    ck_assert_int_eq(mbs_explain_text(&text, s.plan, &options, &error), MBS_ERR_INPUT);
    ck_assert_ptr_null(text);
    options.step = "";
    ck_assert_int_eq(mbs_explain_text(&text, s.plan, &options, &error), MBS_ERR_ARGUMENT);
    options.group = 0;
    ck_assert_int_eq(mbs_explain_json(&text, s.plan, &options, &error), MBS_ERR_INPUT);
    s.plan->traffic.total++;
    ck_assert_int_eq(mbs_explain_json(&text, s.plan, NULL, &error), MBS_ERR_VERIFY);
    close_setting(&s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("explain");
    TCase *cases = tcase_create("random");
    run_settings(&seed, &rounds);
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, footprints_are_the_sum_of_their_parts);
    tcase_add_test(cases, classes_are_the_sum_of_what_moves);
    tcase_add_test(cases, other_groups_move_what_is_said);
    tcase_add_test(cases, lines_are_no_longer_than_a_terminal);
    tcase_add_test(cases, what_is_not_there_is_refused);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
