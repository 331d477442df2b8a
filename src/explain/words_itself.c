/* What a group is and does, in words. */
#include <inttypes.h>
#include <string.h>

#include "base/checked.h"
#include "cost/footprint.h"
#include "explain/words.h"

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
                   {"their gradients", moved->weight_gradient},
                   {"by the optimizer", moved->optimizer}};
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

void words_of_itself(text *out, const variants *of, const group_story *story)
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
