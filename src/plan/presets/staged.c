#include "plan/presets/staged.h"

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "plan/presets/intervals.h"

mbs_status staged_open(staged *s, const plan_task *task, bool adjacent_only, mbs_error *error)
{
    const mbs_program *p = task->program;
    *s = (staged){.task = task};
    s->allowed = mem_calloc((size_t)p->touch_count + 1, sizeof *s->allowed);
    s->cut = mem_calloc((size_t)p->step_count, sizeof *s->cut);
    if (s->allowed == NULL || s->cut == NULL)
        return error_memory(error);
    for (int32_t k = 0; k < p->step_count; k++) {
        int64_t samples = p->steps[k].coupled ? task->batch : 1;
        s->cut[k] = samples * program_operand_bytes(p, k) > task->capacity;
    }
    mbs_status status = intervals_within_phases(s->allowed, p, adjacent_only, error);
    return status == MBS_OK ? intervals_avoid(s->allowed, p, s->cut, error) : status;
}

void staged_free(staged *s)
{
    mem_free(s->allowed);
    mem_free(s->cut);
}

/* Whether the interval that begins at touch t stays resident in a group that ends before `end`. */
static bool stays(const staged *s, int32_t t, int32_t end)
{
    const mbs_touch *touches = s->task->program->touches;
    return s->allowed[t] && touches[touches[t].next].step < end;
}

static bool was_resident(const staged *s, int32_t t, int32_t first)
{
    const mbs_touch *touches = s->task->program->touches;
    int32_t previous = touches[t].previous;
    return previous >= 0 && s->allowed[previous] && touches[previous].step >= first;
}

/* Whether some later touch must find the tensor that touch t produces in DRAM. */
static bool must_write(const staged *s, int32_t t, int32_t end)
{
    const mbs_program *p = s->task->program;
    if (p->tensors[p->touches[t].tensor].kept)
        return true;
    for (; p->touches[t].next >= 0; t = p->touches[t].next)
        if (!stays(s, t, end))
            return true;
    return false;
}

staged_group staged_evaluate(const staged *s, int32_t first, int32_t end)
{
    const mbs_program *p = s->task->program;
    staged_group group = {.first = first, .end = end};
    int64_t crossing = 0;
    int64_t moved = 0; /* activation bytes per sample */
    int64_t weights = 0;
    int64_t accumulators = 0;
    int64_t once = program_head_bytes(p, first);
    for (int32_t k = first; k < end; k++) {
        const mbs_step *step = &p->steps[k];
        int64_t operands = 0;
        for (int32_t t = step->touch_begin; t < step->touch_end; t++) {
            int64_t bytes = p->tensors[p->touches[t].tensor].bytes;
            operands += bytes;
            if (was_resident(s, t, first))
                crossing -= bytes;
            else if (t < step->write_begin)
                moved += bytes;
            if (t >= step->write_begin && must_write(s, t, end))
                moved += bytes;
        }
        group.unit_bytes = max_i64(group.unit_bytes, operands + crossing);
        for (int32_t t = step->touch_begin; t < step->touch_end; t++)
            if (stays(s, t, end))
                crossing += p->tensors[p->touches[t].tensor].bytes;
        weights += step->weight_bytes;
        accumulators += step->accumulator_bytes;
        once += program_once_bytes(p, k);
        group.coupled = group.coupled || step->coupled;
    }
    int64_t samples = group.unit_bytes == 0 ? s->task->batch : s->task->capacity / group.unit_bytes;
    if (samples >= (group.coupled ? s->task->batch : 1))
        group.iterations = smallest_iterations(s->task->batch, samples);
    group.traffic = s->task->batch * moved + group.iterations * weights +
                    (2 * group.iterations - 1) * accumulators + once;
    return group;
}

void staged_emit(const staged *s, mbs_plan *plan, const staged_group *group)
{
    const mbs_program *p = s->task->program;
    if (s->cut[group->first]) {
        plan_add_lone_step(plan, s->task, group->first);
        return;
    }
    plan_add_group(plan, group->first, group->end, group->iterations);
    int32_t last = group->end - 1;
    for (int32_t t = p->steps[group->first].touch_begin; t < p->steps[last].touch_end; t++)
        plan->resident[t] = stays(s, t, group->end);
}
