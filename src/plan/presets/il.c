/* il: inter-layer reuse without sub-batches (model, section 5). */
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "cost/footprint.h"
#include "plan/presets/intervals.h"
#include "plan/presets/presets.h"

/* Footprints at b=N while intervals are made resident one by one. */
typedef struct reuse {
    const plan_task *task;
    const bool *allowed;
    bool *resident;
    int64_t *footprint; /* per step */
} reuse;

static int64_t tensor_bytes(const reuse *r, int32_t touch)
{
    return r->task->program->tensors[r->task->program->touches[touch].tensor].bytes;
}

/* What a step streamed needs with none of its operands resident. */
static int64_t streamed_bytes(const mbs_program *p, int32_t k)
{
    const mbs_step *step = &p->steps[k];
    return step_parameter_bytes(step) + (step->whole_sample ? program_operand_bytes(p, k) : 0);
}

/* What the footprint of the touch's step grows by if the touched operand becomes resident. */
static int64_t operand_growth(const reuse *r, int32_t touch)
{
    const mbs_program *p = r->task->program;
    int32_t previous = p->touches[touch].previous;
    if (r->resident[touch] || (previous >= 0 && r->resident[previous]))
        return 0;
    int64_t samples = r->task->batch - p->steps[p->touches[touch].step].whole_sample;
    return samples * tensor_bytes(r, touch);
}

static void try_interval(reuse *r, int32_t begin)
{
    const mbs_program *p = r->task->program;
    int32_t end = p->touches[begin].next;
    int32_t u = p->touches[begin].step;
    int32_t v = p->touches[end].step;
    int64_t crossing = r->task->batch * tensor_bytes(r, begin);
    int64_t at_u = operand_growth(r, begin);
    int64_t at_v = operand_growth(r, end);
    bool fits =
        r->footprint[u] + at_u <= r->task->capacity && r->footprint[v] + at_v <= r->task->capacity;
    for (int32_t k = u + 1; k < v && fits; k++)
        fits = r->footprint[k] + crossing <= r->task->capacity;
    if (!fits)
        return;
    r->resident[begin] = true;
    r->footprint[u] += at_u;
    r->footprint[v] += at_v;
    for (int32_t k = u + 1; k < v; k++)
        r->footprint[k] += crossing;
}

typedef struct ordered_touch {
    int32_t end_step;
    int32_t tensor;
    int32_t touch;
} ordered_touch;

static int by_end_then_tensor(const void *left, const void *right)
{
    const ordered_touch *a = left;
    const ordered_touch *b = right;
    if (a->end_step != b->end_step)
        return a->end_step < b->end_step ? -1 : 1;
    return (a->tensor > b->tensor) - (a->tensor < b->tensor);
}

/* Tries the allowed intervals in the order of (u, v, tensor). `room` holds one step's touches. */
static void try_intervals(reuse *r, ordered_touch *room)
{
    const mbs_program *p = r->task->program;
    for (int32_t k = 0; k < p->step_count; k++) {
        size_t count = 0;
        for (int32_t t = p->steps[k].touch_begin; t < p->steps[k].touch_end; t++)
            if (r->allowed[t])
                room[count++] =
                    (ordered_touch){p->touches[p->touches[t].next].step, p->touches[t].tensor, t};
        qsort(room, count, sizeof *room, by_end_then_tensor);
        for (size_t i = 0; i < count; i++)
            try_interval(r, room[i].touch);
    }
}

/* Groups are the phases, split at the cut-outs. */
static void add_groups(mbs_plan *plan, const plan_task *task, const bool *cut)
{
    const mbs_program *p = task->program;
    for (int32_t k = 0; k < p->step_count;) {
        if (cut[k]) {
            plan_add_lone_step(plan, task, k++);
            continue;
        }
        int32_t first = k;
        for (; k < p->step_count && !cut[k] && p->steps[k].phase == p->steps[first].phase; k++)
            plan->mode[k] = MBS_STREAMED;
        plan_add_group(plan, first, k, 1);
    }
}

mbs_status plan_il(mbs_plan *plan, const plan_task *task, mbs_error *error)
{
    const mbs_program *p = task->program;
    size_t steps = (size_t)p->step_count;
    size_t touches = (size_t)p->touch_count + 1;
    bool *cut = mem_calloc(steps, sizeof *cut);
    bool *allowed = mem_calloc(touches, sizeof *allowed);
    int64_t *footprint = mem_calloc(steps, sizeof *footprint);
    ordered_touch *room = mem_alloc(touches * sizeof *room);
    mbs_status status = MBS_OK;
    if (cut == NULL || allowed == NULL || footprint == NULL || room == NULL) {
        status = error_memory(error);
        goto done;
    }
    for (int32_t k = 0; k < p->step_count; k++) {
        footprint[k] = streamed_bytes(p, k);
        cut[k] = footprint[k] > task->capacity;
    }
    status = intervals_within_phases(allowed, p, true, error);
    if (status == MBS_OK)
        status = intervals_avoid(allowed, p, cut, error);
    if (status != MBS_OK)
        goto done;
    try_intervals(&(reuse){task, allowed, plan->resident, footprint}, room);
    add_groups(plan, task, cut);
    plan->outcome = MBS_HEURISTIC;
done:
    mem_free(cut);
    mem_free(allowed);
    mem_free(footprint);
    mem_free(room);
    return status;
}
