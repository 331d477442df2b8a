/* The commands of one iteration of a group (docs/schedule.md). */
#include "cost/traffic.h"
#include "emit/schedule_writer.h"

/* ---- Operands -------------------------------------------------------------------------------- */

static bool move_operand(schedule_writer *w, const char *name, int32_t t)
{
    const mbs_touch *touch = &w->program->touches[t];
    const int64_t bytes = w->group->sub_batch * w->program->tensors[touch->tensor].bytes;
    const int64_t room = w->layout->bytes[t];
    schedule_begin(w, name, touch->step);
    schedule_figure(w, "tensor", touch->tensor);
    schedule_figure(w, "samples", w->group->sub_batch);
    schedule_figure(w, "bytes", bytes);
    schedule_figure(w, "address", w->dram->tensors[touch->tensor]);
    schedule_offset(w, w->layout->touch[t]);
    if (room > 0 && room < bytes)
        schedule_figure(w, "window_bytes", room);
    if (t < w->program->steps[touch->step].write_begin && w->group->passes > 1)
        schedule_figure(w, "passes", w->group->passes);
    return schedule_end(w);
}

/* ---- Parameters ------------------------------------------------------------------------------ */

/* Some bytes of a step's parameters on their way; nothing if there are none. */
static bool move_parameters(schedule_writer *w, const char *name, int32_t k, int64_t bytes,
                            int64_t address, int64_t offset, const char *when)
{
    if (bytes == 0)
        return true;
    schedule_begin(w, name, k);
    schedule_figure(w, "bytes", bytes);
    schedule_figure(w, "address", address);
    schedule_offset(w, offset);
    if (when != NULL)
        schedule_string(w, "when", when);
    return schedule_end(w);
}

static bool accumulators(schedule_writer *w, const char *name, int32_t k, const char *when)
{
    const int64_t pinned = w->plan->pinned_accumulator[k];
    return move_parameters(w, name, k, w->program->steps[k].accumulator_bytes - pinned,
                           w->dram->accumulators[k] + pinned, w->layout->accumulator[k], when);
}

static bool weights_in(schedule_writer *w, int32_t k)
{
    const int64_t pinned = w->plan->pinned_weight[k];
    return move_parameters(w, "weights_in", k, w->program->steps[k].weight_bytes - pinned,
                           w->dram->weights[k] + pinned, w->layout->weight[k], NULL);
}

/* ---- Freeing --------------------------------------------------------------------------------- */

/* A list of [offset, bytes] in a command that is begun with the first of them. */
typedef struct free_list {
    const char *when;
    int32_t step;
    bool begun;
} free_list;

static void free_region(schedule_writer *w, free_list *list, int64_t offset, int64_t bytes)
{
    if (offset < 0 || bytes == 0)
        return;
    if (!list->begun) {
        schedule_begin(w, "free", list->step);
        if (list->when != NULL)
            schedule_string(w, "when", list->when);
    }
    text_string(w->text, list->begun ? ",[" : ",\"regions\":[[");
    text_integer(w->text, offset);
    text_string(w->text, ",");
    text_integer(w->text, bytes);
    text_string(w->text, "]");
    list->begun = true;
}

static bool end_free(schedule_writer *w, const free_list *list)
{
    if (!list->begun)
        return true;
    text_string(w->text, "]");
    return schedule_end(w);
}

bool schedule_free_after(schedule_writer *w, int32_t k)
{
    const mbs_step *step = &w->program->steps[k];
    free_list list = {.step = k};
    for (int32_t t = step->touch_begin; t < step->touch_end; t++)
        if (!w->plan->resident[t] && !w->layout->ring[t] && plan_overwriter(w->plan, t) < 0)
            free_region(w, &list, w->layout->touch[t], w->layout->bytes[t]);
    free_region(w, &list, w->layout->weight[k], step->weight_bytes - w->plan->pinned_weight[k]);
    free_region(w, &list, w->layout->accumulator[k],
                step->accumulator_bytes - w->plan->pinned_accumulator[k]);
    return end_free(w, &list);
}

/* ---- Steps ----------------------------------------------------------------------------------- */

bool schedule_parameters_in(schedule_writer *w, int32_t k)
{
    const bool begun = w->program->steps[k].accumulator_use.previous >= 0;
    return weights_in(w, k) && ((w->group->iterations == 1 && !begun) ||
                                accumulators(w, "accumulators_in", k, begun ? NULL : "not_first"));
}

bool schedule_parameters_out(schedule_writer *w, int32_t k)
{
    const bool hands_on = program_hands_on(w->program, k, w->group->end);
    return (hands_on && w->group->iterations == 1) ||
           accumulators(w, "accumulators_out", k, hands_on ? "not_last" : NULL);
}

bool schedule_write_update(schedule_writer *w, int32_t k)
{
    if (program_hands_on(w->program, k, w->group->end))
        return schedule_update_of(w, k + 1);
    return !w->program->steps[k].update.is_update || k > w->group->first ||
           schedule_update_of(w, k);
}

static bool write_step(schedule_writer *w, int32_t k)
{
    const mbs_step *step = &w->program->steps[k];
    bool going = true;
    if (step->update.is_update)
        return schedule_write_update(w, k);
    for (int32_t t = step->touch_begin; t < step->write_begin && going; t++)
        if (!schedule_arrives(w, t) && schedule_moves(w, t))
            going = move_operand(w, "load", t);
    going = going && schedule_parameters_in(w, k) && schedule_write_compute(w, k) &&
            schedule_parameters_out(w, k) && schedule_write_update(w, k);
    for (int32_t t = step->write_begin; t < step->touch_end && going; t++)
        if (plan_writes(w->plan, t) && schedule_moves(w, t))
            going = move_operand(w, "store", t);
    return going && schedule_free_after(w, k);
}

/* ---- The group ------------------------------------------------------------------------------- */

/* Whether the group's step k is the one for which its pinned parameters come in and go out. */
static bool brings_weights(const schedule_writer *w, int32_t k)
{
    return use_is_first(&w->program->steps[k].weight_use, w->group->first);
}

static bool brings_accumulators(const schedule_writer *w, int32_t k)
{
    return use_is_first(&w->program->steps[k].accumulator_use, w->group->first);
}

/* Whether the group's last step that uses the same accumulators as step k hands them on. */
static bool are_handed_on(const schedule_writer *w, int32_t k)
{
    const mbs_step *steps = w->program->steps;
    while (!use_is_last(&steps[k].accumulator_use, w->group->end))
        k = steps[k].accumulator_use.next;
    return program_hands_on(w->program, k, w->group->end);
}

bool schedule_bring_pinned(schedule_writer *w)
{
    const mbs_plan *plan = w->plan;
    bool going = true;
    for (int32_t k = w->group->first; k < w->group->end && going; k++)
        if (brings_weights(w, k))
            going = move_parameters(w, "weights_in", k, plan->pinned_weight[k], w->dram->weights[k],
                                    w->layout->pinned_weight[k], "first");
    for (int32_t k = w->group->first; k < w->group->end && going; k++)
        if (brings_accumulators(w, k) && w->program->steps[k].accumulator_use.previous >= 0)
            going = move_parameters(w, "accumulators_in", k, plan->pinned_accumulator[k],
                                    w->dram->accumulators[k], w->layout->pinned_accumulator[k],
                                    "first");
    return going;
}

bool schedule_release_pinned(schedule_writer *w)
{
    const mbs_plan *plan = w->plan;
    free_list list = {.when = "last", .step = w->group->end - 1};
    bool going = true;
    for (int32_t k = w->group->first; k < w->group->end && going; k++)
        if (brings_accumulators(w, k) && !are_handed_on(w, k))
            going =
                move_parameters(w, "accumulators_out", k, plan->pinned_accumulator[k],
                                w->dram->accumulators[k], w->layout->pinned_accumulator[k], "last");
    for (int32_t k = w->group->first; k < w->group->end && going; k++) {
        if (brings_weights(w, k))
            free_region(w, &list, w->layout->pinned_weight[k], plan->pinned_weight[k]);
        if (brings_accumulators(w, k))
            free_region(w, &list, w->layout->pinned_accumulator[k], plan->pinned_accumulator[k]);
    }
    return going && end_free(w, &list);
}

bool schedule_write_group(schedule_writer *w)
{
    bool going = schedule_bring_pinned(w);
    for (int32_t k = w->group->first; k < w->group->end && going; k++)
        going = write_step(w, k);
    return going && schedule_release_pinned(w);
}
