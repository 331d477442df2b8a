#include "explain/story.h"

#include "base/checked.h"
#include "cost/footprint.h"
#include "cost/traffic.h"

const char *limit_kind_name(limit_kind kind)
{
    static const char *const names[LIMIT_KIND_COUNT] = {
        [LIMIT_NONE] = "whole_batch", [LIMIT_PASSES] = "passes", [LIMIT_COUPLED] = "coupled_batch",
        [LIMIT_BUFFER] = "buffer",    [LIMIT_CHOICE] = "choice",
    };
    return names[kind];
}

/* ---- What does not fit ----------------------------------------------------------------------- */

/* Lists the footprint of the largest step of what the scratch plan holds, then clears it. */
static mbs_status list_obstacle(obstacle *found, variants *of, const variant *tried,
                                mbs_error *error)
{
    const mbs_group *group = &of->scratch->groups[0];
    int32_t step;
    found->is_known = true;
    found->tried = *tried;
    mbs_status status = parts_find_peak(&step, of->scratch, group, error);
    if (status == MBS_OK)
        status = parts_of_step(&found->parts, of->scratch, group, step, error);
    variants_clear(of, tried->group.first, tried->group.end);
    return status;
}

/* ---- Neighbours ------------------------------------------------------------------------------ */

static mbs_status find_merger(merger *found, variants *of, int32_t left, mbs_error *error)
{
    const mbs_plan *plan = of->plan;
    found->obstacle.parts.step = -1;
    if (left < 0 || left + 1 >= plan->group_count)
        return MBS_OK;
    const mbs_group *groups = &plan->groups[left];
    const int32_t first = groups[0].first;
    const int32_t end = groups[1].end;
    found->exists = true;
    found->is_coupled = program_couples(of->plan->program, first, end);
    found->apart = plan_count_group(plan, &groups[0]);
    traffic_add(&found->apart, plan_count_group(plan, &groups[1]));
    mbs_status status = variants_best(&found->together, of, first, end, of->task.capacity, error);
    if (status != MBS_OK || found->together.fits)
        return status;
    const mbs_group *least = &found->together.group;
    variant tried;
    status = variants_try(&tried, of, first, end, least->iterations, least->strips, false,
                          of->task.capacity, error);
    return status == MBS_OK ? list_obstacle(&found->obstacle, of, &tried, error) : status;
}

/* ---- The sub-batch --------------------------------------------------------------------------- */

static mbs_status find_limit(limitation *found, variants *of, const mbs_group *group,
                             mbs_error *error)
{
    int64_t iterations;
    int64_t strips;
    found->obstacle.parts.step = -1;
    variants_coarser(of, group, &iterations, &strips);
    if (iterations == 0) {
        found->kind = of->plan->mode[group->first] == MBS_PASSES                     ? LIMIT_PASSES
                      : program_couples(of->plan->program, group->first, group->end) ? LIMIT_COUPLED
                                                                                     : LIMIT_NONE;
        return MBS_OK;
    }
    mbs_group at = *group;
    for (bool is_next = true; iterations > 0; is_next = false) {
        variant tried;
        mbs_status status = variants_try(&tried, of, group->first, group->end, iterations, strips,
                                         true, of->task.capacity, error);
        if (status != MBS_OK)
            return status;
        if (is_next) {
            found->kind = tried.fits ? LIMIT_CHOICE : LIMIT_BUFFER;
            found->next = tried;
        }
        if (!tried.fits)
            return list_obstacle(&found->obstacle, of, &tried, error);
        at = tried.group;
        variants_clear(of, group->first, group->end);
        variants_coarser(of, &at, &iterations, &strips);
    }
    return MBS_OK;
}

/* ---- More room ------------------------------------------------------------------------------- */

static void note_larger(larger_room *found, int64_t bytes, const variant *with, int64_t now)
{
    if (!with->fits || with->traffic.total >= now)
        return;
    *found = (larger_room){bytes, *with, now - with->traffic.total};
}

/*
 * The bytes to pin of a group that would move `excess` more than it may without pinned bytes: those
 * first that spare most. False if all of them are not enough.
 */
static bool find_pinned(int64_t *bytes, variants *of, const mbs_group *group, int64_t excess)
{
    *bytes = 0;
    if (excess <= 0)
        return true;
    if (!of->task.pin)
        return false;
    pins_move(&of->pins, group->first, group->end);
    pin_walk walk = pins_begin(&of->pins, group->iterations);
    for (pin_share share; (share = pins_next(&walk)).saves > 0 && excess > 0;) {
        const int64_t pinned = min_i64(share.bytes, ceil_div(excess, share.saves));
        *bytes += pinned;
        excess -= pinned * share.saves;
    }
    return excess <= 0;
}

/* The least capacity at which [first, end), run in this way, moves less than `now`; 0: none. */
static mbs_status find_capacity(int64_t *capacity, variants *of, const mbs_group *group,
                                int64_t iterations, int64_t strips, int64_t now, mbs_error *error)
{
    variant tried;
    int64_t pinned;
    mbs_status status =
        variants_try(&tried, of, group->first, group->end, iterations, strips, false, 0, error);
    *capacity = 0;
    if (status == MBS_OK && find_pinned(&pinned, of, &tried.group, tried.traffic.total - now + 1))
        *capacity = tried.group.peak_bytes + pinned;
    return status;
}

/* The same of a lone step in passes: one pass less, if that is a matter of its parameters. */
static int64_t passes_capacity(const variants *of, const mbs_group *group)
{
    const mbs_step *step = &of->plan->program->steps[group->first];
    const int64_t fewer = group->passes - 1;
    if (group->end - group->first > 1 || fewer == 0 ||
        step_passes(step, INT64_MAX, of->task.norm_passes) > fewer)
        return 0;
    return ceil_div(step_parameter_bytes(step), fewer);
}

/* The least room more with which the steps, in whatever way, move less. */
static mbs_status find_least(larger_room *found, variants *of, const group_story *story,
                             mbs_error *error)
{
    const mbs_group *group = story->group;
    int64_t least = passes_capacity(of, group);
    int64_t iterations = 0;
    int64_t strips = 1;
    mbs_status status = MBS_OK;
    while (status == MBS_OK && variants_next(of, group->first, group->end, &iterations, &strips)) {
        int64_t capacity;
        status =
            find_capacity(&capacity, of, group, iterations, strips, story->traffic.total, error);
        if (status == MBS_OK && capacity > 0 && (least == 0 || capacity < least))
            least = capacity;
    }
    variant with;
    if (status == MBS_OK && least > of->task.capacity) {
        status = variants_best(&with, of, group->first, group->end, least, error);
        if (status == MBS_OK)
            note_larger(found, least - of->task.capacity, &with, story->traffic.total);
    }
    return status;
}

static mbs_status find_more(group_story *story, variants *of, mbs_error *error)
{
    variant with;
    int64_t capacity;
    if (!checked_add(of->task.capacity, STORY_MORE_BYTES, &capacity))
        return MBS_OK;
    mbs_status status =
        variants_best(&with, of, story->group->first, story->group->end, capacity, error);
    if (status != MBS_OK)
        return status;
    note_larger(&story->more, STORY_MORE_BYTES, &with, story->traffic.total);
    return story->more.bytes == 0 ? find_least(&story->least, of, story, error) : MBS_OK;
}

/* ---- All of it ------------------------------------------------------------------------------- */

mbs_status story_find(group_story *story, variants *of, int32_t index, mbs_error *error)
{
    const mbs_plan *plan = of->plan;
    const mbs_group *group = &plan->groups[index];
    int32_t peak;
    *story = (group_story){.index = index, .group = group};
    story->peak.step = story->division.at = -1;
    story->traffic = plan_count_group(plan, group);
    mbs_status status = parts_find_peak(&peak, plan, group, error);
    if (status == MBS_OK)
        status = parts_of_step(&story->peak, plan, group, peak, error);
    if (status == MBS_OK)
        status = find_merger(&story->before, of, index - 1, error);
    if (status == MBS_OK)
        status = find_merger(&story->after, of, index, error);
    if (status == MBS_OK)
        status = division_find(&story->division, of, group, error);
    if (status == MBS_OK)
        status = find_limit(&story->limit, of, group, error);
    return status == MBS_OK ? find_more(story, of, error) : status;
}

void story_free(group_story *story)
{
    part_list_free(&story->peak);
    part_list_free(&story->before.obstacle.parts);
    part_list_free(&story->after.obstacle.parts);
    part_list_free(&story->limit.obstacle.parts);
}
