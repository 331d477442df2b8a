/* Why a group is as it is, in words. */
#include <inttypes.h>
#include <string.h>

#include "base/checked.h"
#include "cost/footprint.h"
#include "explain/words.h"

#define PARTS_SHOWN 4

/* ---- Pieces ---------------------------------------------------------------------------------- */

static const char *const part_words[PART_ROLE_COUNT] = {
    [PART_CROSSING] = "crosses it",   [PART_RESIDENT] = "stays",
    [PART_STAGED] = "staged",         [PART_SAMPLE] = "one sample",
    [PART_BLOCK] = "rows of a strip", [PART_PARAMETERS] = "",
    [PART_RING] = "rows used again",  [PART_PINNED] = "",
};

void words_of_parts(text *out, const mbs_plan *plan, const part_list *list, int32_t most)
{
    int64_t rest = 0;
    for (int32_t i = most; i < list->count; i++)
        rest += list->parts[i].bytes;
    for (int32_t i = 0; i < list->count && i < most; i++) {
        const part *each = &list->parts[i];
        text_string(out, i > 0 ? ", " : "");
        if (each->role == PART_PARAMETERS)
            text_string(out, "its parameters");
        else if (each->role == PART_PINNED)
            text_string(out, "pinned parameters");
        else
            text_safe(out, plan->program->tensors[each->tensor].name);
        text_string(out, " ");
        prose_space(out, each->bytes);
        if (part_words[each->role][0] != '\0')
            text_format(out, " (%s)", part_words[each->role]);
    }
    if (list->count > most) {
        text_format(out, " and %" PRId32 " more ", list->count - most);
        prose_space(out, rest);
    }
}

void words_of_pace(text *out, const mbs_plan *plan, const mbs_group *group)
{
    if (group->strips > 1) {
        prose_count(out, group->strips, "strip", "strips");
        text_string(out, " of rows per sample, in ");
        prose_count(out, group->iterations, "iteration", "iterations");
    } else if (group->passes > 1) {
        text_string(out, "all samples, in ");
        prose_count(out, group->passes, "pass", "passes");
    } else if (group->iterations == 1) {
        text_format(out, "%s",
                    plan->batch == 1 ? "its only sample at once"
                                     : "all samples at once, in 1 iteration");
    } else {
        prose_count(out, group->sub_batch, "sample", "samples");
        text_string(out, " at a time, in ");
        prose_count(out, group->iterations, "iteration", "iterations");
    }
}

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

/* ---- The group itself ------------------------------------------------------------------------ */

void words_of_title(text *out, const mbs_plan *plan, int32_t index)
{
    const mbs_group *group = &plan->groups[index];
    const mbs_step *first = &plan->program->steps[group->first];
    const mbs_step *last = &plan->program->steps[group->end - 1];
    text_format(out, "Group %" PRId32 " of %" PRId32 ": ", index + 1, plan->group_count);
    text_safe(out, first->name);
    if (group->end - group->first > 1) {
        text_string(out, " to ");
        text_safe(out, last->name);
    }
    text_string(out, first->phase != last->phase   ? ", both phases, "
                     : first->phase == MBS_FORWARD ? ", forward, "
                                                   : ", backward, ");
    prose_count(out, group->end - group->first, "step", "steps");
    text_string(out, "\n");
}

static void put_traffic(text *out, const group_story *story)
{
    const mbs_traffic *moved = &story->traffic;
    const struct {
        const char *name;
        int64_t bytes;
    } classes[] = {{"activations read", moved->activation_read},
                   {"written", moved->activation_write},
                   {"parameters read", moved->weight_read},
                   {"their gradients", moved->weight_gradient}};
    text_string(out, ", and moves ");
    prose_traffic(out, moved->total);
    const char *separator = ": ";
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        if (classes[i].bytes == 0)
            continue;
        text_format(out, "%s%s ", separator, classes[i].name);
        prose_traffic(out, classes[i].bytes);
        separator = ", ";
    }
    text_string(out, ".");
}

/* Why a step reads its operands more than once. */
static void put_passes(text *out, const mbs_plan *plan, const mbs_group *group)
{
    const mbs_step *step = &plan->program->steps[group->first];
    const int64_t parameters = step_parameter_bytes(step);
    text_string(out, " It is one step in passes: it needs no room beyond its tiles");
    if (group->passes > 1) {
        text_string(out, ", but reads every operand ");
        prose_count(out, group->passes, "time", "times");
        if (ceil_div(parameters, plan_capacity(plan)) == group->passes) {
            text_string(out, ", once for each buffer's fill of its parameters, ");
            prose_space(out, parameters);
        } else {
            text_string(out, ", for its statistics first and then to apply them");
        }
    }
    text_string(out, ".");
}

static void put_strips(text *out, const mbs_plan *plan, const mbs_group *group)
{
    if (group->strips == 1)
        return;
    text_string(out, " A strip is some rows of one sample; rows that the windows of the next one "
                     "need again stay in the buffer, so that nothing is read or computed twice. ");
    prose_count(out, plan->batch, "sample", "samples");
    text_string(out, " of ");
    prose_count(out, group->strips, "strip", "strips");
    text_format(out, " are %" PRId64 " iterations.", group->iterations);
}

static void put_modes(text *out, const mbs_plan *plan, const mbs_group *group)
{
    int64_t streamed = 0;
    const int64_t steps = group->end - group->first;
    for (int32_t k = group->first; k < group->end; k++)
        streamed += plan->mode[k] == MBS_STREAMED;
    if (streamed == 0 || plan->mode[group->first] == MBS_PASSES)
        return;
    text_string(out, " ");
    if (steps == 1)
        text_string(out, "It is");
    else if (streamed == steps)
        text_string(out, "All its steps are");
    else
        text_format(out, "%" PRId64 " of its steps %s", streamed, streamed == 1 ? "is" : "are");
    text_format(out,
                " streamed: %s parameters are in the buffer whole, and operands that do not "
                "stay there pass through.",
                streamed == 1 ? "its" : "their");
}

static void put_pinned(text *out, const mbs_plan *plan, const mbs_group *group)
{
    int64_t weights = 0;
    int64_t accumulators = 0;
    int64_t saved = 0;
    for (int32_t k = group->first; k < group->end; k++) {
        const mbs_step *step = &plan->program->steps[k];
        const bool brings = use_is_first(&step->weight_use, group->first);
        const bool begins = use_is_first(&step->accumulator_use, group->first);
        weights += brings ? plan->pinned_weight[k] : 0;
        accumulators += begins ? plan->pinned_accumulator[k] : 0;
        saved += (group->iterations - brings) * plan->pinned_weight[k] +
                 2 * (group->iterations - begins) * plan->pinned_accumulator[k];
    }
    if (weights + accumulators == 0)
        return;
    text_string(out, " Pinned, that is kept in the buffer through all iterations, are ");
    if (accumulators > 0) {
        prose_space(out, accumulators);
        text_string(out, " of accumulators");
    }
    if (weights > 0) {
        text_string(out, accumulators > 0 ? " and " : "");
        prose_space(out, weights);
        text_string(out, " of parameters");
    }
    text_string(out, ", which saves ");
    prose_traffic(out, saved);
    text_string(out, ".");
}

/* Steps that compute again what was not stored, and kept batch norms. */
static void put_special_steps(text *out, const mbs_plan *plan, const mbs_group *group)
{
    const mbs_step *steps = plan->program->steps;
    int64_t again = 0;
    int64_t norms = 0;
    for (int32_t k = group->first; k < group->end; k++) {
        const char *end = strrchr(steps[k].kind, '.');
        again += end != NULL && strcmp(end, ".remat") == 0;
        norms += steps[k].coupled || steps[k].coupled_to >= 0;
    }
    if (again > 0) {
        text_string(out, " ");
        prose_count(out, again, "step computes", "steps compute");
        text_string(out, " again what the forward phase did not store (recomputation).");
    }
    if (norms > 0) {
        text_string(out, " ");
        prose_count(out, norms, "step is of a batch norm that is kept",
                    "steps are of batch norms that are kept");
        text_string(out, ", whose statistics are of the whole mini-batch.");
    }
}

static void put_itself(text *out, const variants *of, const group_story *story)
{
    const mbs_plan *plan = of->plan;
    text_string(out, "It runs ");
    words_of_pace(out, plan, story->group);
    put_traffic(out, story);
    if (plan->mode[story->group->first] == MBS_PASSES)
        put_passes(out, plan, story->group);
    put_strips(out, plan, story->group);
    put_modes(out, plan, story->group);
    put_pinned(out, plan, story->group);
    put_special_steps(out, plan, story->group);
    text_string(out, "\n");
}

/* ---- Begin and end --------------------------------------------------------------------------- */

static void put_merger(text *out, const variants *of, const merger *with, int32_t neighbour)
{
    text_format(out, "as one group with group %" PRId32 " it would ", neighbour + 1);
    if (with->obstacle.is_known) {
        text_string(out, "not fit, ");
        text_string(out, with->is_coupled ? "and all samples must go through at once, for a batch "
                                            "norm is kept: "
                         : with->together.group.strips > 1 ? "not even one row at a time: "
                                                           : "not even one sample at a time: ");
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
        put_merger(out, of, &story->before, story->index - 1);
    } else {
        text_string(out, ", the first step of all.\n");
    }
    text_string(out, "It ends with ");
    text_safe(out, steps[story->group->end - 1].name);
    if (story->after.exists) {
        text_string(out, ": ");
        put_merger(out, of, &story->after, story->index + 1);
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
    both.activation_read += cut->parts[1].traffic.activation_read;
    both.activation_write += cut->parts[1].traffic.activation_write;
    both.weight_read += cut->parts[1].traffic.weight_read;
    both.weight_gradient += cut->parts[1].traffic.weight_gradient;
    both.total += cut->parts[1].traffic.total;
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
    put_itself(out, of, story);
    put_ends(out, of, story);
    put_division(out, of, story);
    put_peak(out, of, story);
    put_limit(out, of, story);
    put_more(out, of, story);
}
