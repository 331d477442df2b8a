/* Why a group is as it is, in words. */
#include <inttypes.h>

#include "cost/traffic.h"
#include "explain/words.h"

#define PARTS_SHOWN 4

/* ---- Pieces ---------------------------------------------------------------------------------- */

/* "12.3 MB more (activations 3 MB less, parameters 15 MB more)"; `now` to `then`. */
static void put_change(text *out, const mbs_traffic *now, const mbs_traffic *then)
{
    const struct {
        const char *name;
        int64_t change;
    } classes[] = {
        {"activations", then->activation_read + then->activation_write - now->activation_read -
                            now->activation_write},
        {"parameters", then->weight_read - now->weight_read},
        {"gradients of parameters", then->weight_gradient - now->weight_gradient},
        {"the optimizer", then->optimizer - now->optimizer},
    };
    const int64_t change = then->total - now->total;
    if (change == 0)
        text_string(out, "as much as now");
    else {
        prose_traffic(out, change < 0 ? -change : change);
        text_string(out, change < 0 ? " less" : " more");
    }
    const char *separator = " (";
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        const int64_t bytes = classes[i].change;
        if (bytes == 0 || bytes == change)
            continue;
        text_format(out, "%s%s ", separator, classes[i].name);
        prose_traffic(out, bytes < 0 ? -bytes : bytes);
        text_string(out, bytes < 0 ? " less" : " more");
        separator = ", ";
    }
    text_string(out, separator[0] == ',' ? ")" : "");
}

/* "step S would need 12.1 MiB of the 10 MiB there are: ..." */
static void put_obstacle(text *out, const variants *of, const obstacle *what)
{
    const mbs_plan *plan = of->plan;
    text_string(out, "there ");
    text_safe(out, plan->program->steps[what->parts.step].name);
    text_string(out, " would need ");
    prose_space(out, what->parts.bytes);
    text_string(out, ", ");
    prose_space(out, what->parts.bytes - of->task.capacity);
    text_string(out, " more than there is: ");
    words_of_parts(out, plan, &what->parts, PARTS_SHOWN);
}

/* ---- Begin and end --------------------------------------------------------------------------- */

/* Of the group at `index` and the one at `neighbour`: what the least that was tried is. */
static const char *least_tried(const variants *of, const merger *with, int32_t index,
                               int32_t neighbour)
{
    const mbs_group *groups = of->plan->groups;
    if (with->is_coupled)
        return "and all samples must go through at once, for a batch norm is kept: ";
    if (with->together.group.strips > 1)
        return "not even one row at a time: ";
    if (groups[index].strips > 1 || groups[neighbour].strips > 1)
        return "for strips of rows cannot go through both, and of whole samples not even one: ";
    return "not even one sample at a time: ";
}

static void put_merger(text *out, const variants *of, const merger *with, int32_t index,
                       int32_t neighbour)
{
    text_format(out, "as one group with group %" PRId32 " it would ", neighbour + 1);
    if (with->obstacle.is_known) {
        text_string(out, "not fit, ");
        text_string(out, least_tried(of, with, index, neighbour));
        put_obstacle(out, of, &with->obstacle);
    } else {
        text_string(out, "run ");
        words_of_pace(out, of->plan, &with->together.group);
        text_string(out, ", and move ");
        put_change(out, &with->apart, &with->together.traffic);
    }
    text_string(out, ".\n");
}

static void put_ends(text *out, const variants *of, const group_story *story)
{
    const mbs_step *steps = of->plan->program->steps;
    text_string(out, "It begins with ");
    text_safe(out, steps[story->group->first].name);
    if (story->before.exists) {
        text_string(out, ": ");
        put_merger(out, of, &story->before, story->index, story->index - 1);
    } else {
        text_string(out, ", the first step of all.\n");
    }
    text_string(out, "It ends with ");
    text_safe(out, steps[story->group->end - 1].name);
    if (story->after.exists) {
        text_string(out, ": ");
        put_merger(out, of, &story->after, story->index, story->index + 1);
    } else {
        text_string(out, ", the last step of all.\n");
    }
}

static void put_division(text *out, const variants *of, const group_story *story)
{
    const division *cut = &story->division;
    if (cut->cuts == 0 || cut->at < 0)
        return;
    mbs_traffic both = cut->parts[0].traffic;
    traffic_add(&both, cut->parts[1].traffic);
    text_string(out, "Cut in two where that costs least");
    if (cut->tried < cut->cuts)
        text_format(out, " (of %" PRId32 " places looked at, of %" PRId32 ")", cut->tried,
                    cut->cuts);
    text_string(out, ", behind ");
    text_safe(out, of->plan->program->steps[cut->at - 1].name);
    text_string(out, ", it would move ");
    put_change(out, &story->traffic, &both);
    text_string(out, ": ");
    words_of_pace(out, of->plan, &cut->parts[0].group);
    text_string(out, " before, ");
    words_of_pace(out, of->plan, &cut->parts[1].group);
    text_string(out, " behind.\n");
}

/* ---- Sub-batch and buffer -------------------------------------------------------------------- */

static void put_peak(text *out, const variants *of, const group_story *story)
{
    if (story->peak.count == 0)
        return;
    text_string(out, "It needs most of the buffer in ");
    text_safe(out, of->plan->program->steps[story->peak.step].name);
    text_string(out, ", ");
    prose_space(out, story->peak.bytes);
    text_string(out, " of ");
    prose_space(out, of->task.capacity);
    text_string(out, ": ");
    words_of_parts(out, of->plan, &story->peak, PARTS_SHOWN);
    text_string(out, ".\n");
}

static void put_too_large(text *out, const variants *of, const limitation *limit)
{
    text_string(out, "The buffer is too small for ");
    words_of_pace(out, of->plan, &limit->obstacle.tried.group);
    text_string(out, ": ");
    put_obstacle(out, of, &limit->obstacle);
    text_string(out, ".\n");
}

static void put_limit(text *out, const variants *of, const group_story *story)
{
    const limitation *limit = &story->limit;
    switch (limit->kind) {
    case LIMIT_COUPLED:
        text_string(out, "Its samples must go through all at once: a batch norm that is kept takes "
                         "its statistics of all.\n");
        return;
    case LIMIT_NONE:
    case LIMIT_PASSES:
    case LIMIT_KIND_COUNT:
        return;
    case LIMIT_BUFFER:
        put_too_large(out, of, limit);
        return;
    case LIMIT_CHOICE:
        words_of_pace(out, of->plan, &limit->next.group);
        text_string(out, " would fit too, but move ");
        put_change(out, &story->traffic, &limit->next.traffic);
        if (limit->next.traffic.total > story->traffic.total)
            text_string(out, ": there would be less room to pin parameters");
        text_string(out, ".\n");
        if (limit->obstacle.is_known)
            put_too_large(out, of, limit);
        return;
    }
}

static void put_larger(text *out, const variants *of, const larger_room *with)
{
    words_of_pace(out, of->plan, &with->variant.group);
    if (with->variant.pinned_bytes > 0) {
        text_string(out, ", with ");
        prose_space(out, with->variant.pinned_bytes);
        text_string(out, " pinned");
    }
    text_string(out, ", and move ");
    prose_traffic(out, with->saved);
    text_string(out, " less.\n");
}

static void put_more(text *out, const variants *of, const group_story *story)
{
    if (story->more.bytes > 0) {
        text_string(out, "With 1 MiB more these steps would run ");
        put_larger(out, of, &story->more);
    } else if (story->least.bytes > 0) {
        text_string(out, "1 MiB more changes nothing in it; with ");
        prose_space(out, story->least.bytes);
        text_string(out, " more, the least that does, these steps would run ");
        put_larger(out, of, &story->least);
    } else {
        text_string(out, "No larger buffer would make these steps, as one group, move less.\n");
    }
}

void words_of_story(text *out, const variants *of, const group_story *story)
{
    words_of_itself(out, of, story);
    put_ends(out, of, story);
    put_division(out, of, story);
    put_peak(out, of, story);
    put_limit(out, of, story);
    put_more(out, of, story);
}
