#include "plan/groups.h"

#include "base/checked.h"
#include "cost/footprint.h"

void group_keep_all(mbs_plan *plan, const mbs_group *group)
{
    const mbs_program *p = plan->program;
    for (int32_t k = group->first; k < group->end; k++)
        for (int32_t t = p->steps[k].touch_begin; t < p->steps[k].touch_end; t++) {
            int32_t next = p->touches[t].next;
            plan->resident[t] = next >= 0 && p->touches[next].step < group->end;
        }
}

void group_choose_modes(mbs_plan *plan, const plan_task *task, const mbs_group *group)
{
    const mbs_program *p = plan->program;
    for (int32_t k = group->first; task->stream && k < group->end; k++) {
        const mbs_step *step = &p->steps[k];
        int64_t resident = 0;
        int64_t other = 0;
        for (int32_t t = step->touch_begin; t < step->touch_end; t++) {
            int32_t previous = p->touches[t].previous;
            bool stays = plan->resident[t] || (previous >= 0 && plan->resident[previous]);
            *(stays ? &resident : &other) += p->tensors[p->touches[t].tensor].bytes;
        }
        int64_t streamed = group->sub_batch * resident + step_parameter_bytes(step) +
                           (step->whole_sample ? other : 0);
        if (streamed < group->sub_batch * (resident + other))
            plan->mode[k] = MBS_STREAMED;
    }
}

void group_pin(mbs_plan *plan, const plan_task *task, const mbs_group *group)
{
    if (!task->pin || group->iterations == 1)
        return;
    const mbs_step *steps = task->program->steps;
    int64_t room = task->capacity - plan_group_peak(plan, group);
    for (int32_t k = group->first; k < group->end; k++) {
        plan->pinned_accumulator[k] = min_i64(room, steps[k].accumulator_bytes);
        room -= plan->pinned_accumulator[k];
    }
    for (int32_t k = group->first; k < group->end; k++) {
        plan->pinned_weight[k] = min_i64(room, steps[k].weight_bytes);
        room -= plan->pinned_weight[k];
    }
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
