#include "plan/groups.h"

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "cost/footprint.h"
#include "cost/strips.h"
#include "cost/traffic.h"
#include "plan/pins.h"

void group_keep_all(mbs_plan *plan, const mbs_group *group)
{
    const mbs_program *p = plan->program;
    for (int32_t k = group->first; k < group->end; k++)
        for (int32_t t = p->steps[k].touch_begin; t < p->steps[k].touch_end; t++) {
            int32_t next = p->touches[t].next;
            plan->resident[t] = next >= 0 && p->touches[next].step < group->end;
        }
}

/*
 * Of the operands that the step may write over and that leave the buffer there the first that was
 * in it before, for then what is written adds nothing; else the first. -1: none.
 */
static int32_t choose_over(const mbs_plan *plan, int32_t k)
{
    const mbs_step *step = &plan->program->steps[k];
    int32_t over = -1;
    for (int32_t t = step->touch_begin; step->replaceable >= 0 && t < step->write_begin; t++) {
        if (plan->resident[t] || !program_may_replace(plan->program, t))
            continue;
        if (plan_arrives(plan, t))
            return t;
        if (over < 0)
            over = t;
    }
    return over;
}

static void choose_mode(mbs_plan *plan, const plan_task *task, const mbs_group *group, int32_t k)
{
    const mbs_step *step = &plan->program->steps[k];
    const int32_t over = task->in_place ? choose_over(plan, k) : -1;
    const step_operands operands = plan_step_operands(plan, k, over);
    const int64_t staged = step_staged_bytes(operands, group->sub_batch);
    plan->over[k] = over;
    if (!task->stream || step_streamed_bytes(step, operands, group->sub_batch) >= staged)
        return;
    plan->mode[k] = MBS_STREAMED;
    if (!step->whole_sample && over >= 0 && !plan_arrives(plan, over) &&
        !plan->resident[step->write_begin])
        plan->over[k] = -1; /* neither is in the buffer */
}

void group_choose_modes(mbs_plan *plan, const plan_task *task, const mbs_group *group)
{
    for (int32_t k = group->first; k < group->end; k++)
        choose_mode(plan, task, group, k);
}

static void pin_into(mbs_plan *plan, const mbs_group *group, int64_t room)
{
    pins_fill(plan->program, group->first, group->end, group->iterations, room, plan->pinned_weight,
              plan->pinned_accumulator);
}

void group_pin_beside(mbs_plan *plan, const plan_task *task, const mbs_group *group,
                      int64_t under_way)
{
    if (task->pin && (group->iterations > 1 || plan->program->shares))
        pin_into(plan, group, task->capacity - under_way * plan_group_peak(plan, group));
}

void group_pin(mbs_plan *plan, const plan_task *task, const mbs_group *group)
{
    group_pin_beside(plan, task, group, 1);
}

/* Modes, what is written over, and pinned bytes of a strip group; *fits: whether there is room for
 * it. */
static mbs_status fit_strips(mbs_plan *plan, const plan_task *task, const mbs_group *group,
                             bool *fits, mbs_error *error)
{
    const mbs_program *p = plan->program;
    strip_extent *extent = strips_find(p, group->first, group->end, (int32_t)group->strips);
    int64_t *bytes = mem_alloc((size_t)(group->end - group->first) * sizeof *bytes);
    const bool found = extent != NULL && bytes != NULL;
    if (found) {
        const strip_group strips = {
            p, group->first, group->end, extent, p->steps[group->first].touch_begin, plan->over};
        strips_choose(strips, task->stream, task->in_place, plan->mode, plan->over);
        const int64_t peak = strips_footprints(&strips, plan->mode, task->stream, bytes);
        *fits = peak <= task->capacity;
        if (task->pin)
            pin_into(plan, group, max_i64(0, task->capacity - peak));
    }
    mem_free(extent);
    mem_free(bytes);
    return found ? MBS_OK : error_memory(error);
}

mbs_status group_set_strips(mbs_plan *plan, const plan_task *task, mbs_group *group, int64_t strips,
                            bool *fits, mbs_error *error)
{
    group->strips = strips;
    group->iterations = task->batch * strips;
    group->sub_batch = 1;
    return fit_strips(plan, task, group, fits, error);
}

mbs_status plan_add_strips(mbs_plan *plan, const plan_task *task, int32_t first, int32_t end,
                           int32_t strips, mbs_error *error)
{
    mbs_group *group = plan_add_group(plan, first, end, task->batch);
    bool fits;
    group_keep_all(plan, group);
    mbs_status status = group_set_strips(plan, task, group, strips, &fits, error);
    if (status != MBS_OK)
        return status;
    const int64_t least = plan_count_group(plan, group).total;
    const int64_t height = strips_tallest(plan->program, first, end);
    for (int64_t t = strips_above(height, 1); t > 0 && t < strips; t = strips_above(height, t)) {
        status = group_set_strips(plan, task, group, t, &fits, error);
        if (status != MBS_OK || (fits && plan_count_group(plan, group).total <= least))
            return status;
    }
    return group_set_strips(plan, task, group, strips, &fits, error);
}

int64_t group_activation_change(const mbs_program *p, int32_t first, int32_t k)
{
    const mbs_step *step = &p->steps[k];
    int64_t change = 0;
    for (int32_t t = step->touch_begin; t < step->touch_end; t++) {
        const mbs_touch *touch = &p->touches[t];
        const mbs_tensor *tensor = &p->tensors[touch->tensor];
        bool reached = touch->previous >= 0 && p->touches[touch->previous].step >= first;
        bool reads = t < step->write_begin;
        if (!reached && (reads || tensor->kept || touch->next >= 0))
            change += tensor->bytes; /* a write counts until its last reader is in the group */
        if (reached && touch->next < 0 && !tensor->kept && tensor->producer >= first)
            change -= tensor->bytes;
    }
    return change;
}
