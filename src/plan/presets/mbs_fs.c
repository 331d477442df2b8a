/* mbs-fs: full serialization, one sub-batch size for everything (model, section 5). */

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "plan/presets/intervals.h"
#include "plan/presets/presets.h"
#include "plan/presets/staged.h"

/* The resident tensors at the step at hand: touches that begin intervals not yet at their end. */
typedef struct active_set {
    int32_t *touches;
    int32_t count;
    int64_t bytes; /* per sample */
} active_set;

/* Drops from the active set what ends at step k. */
static void end_intervals(const staged *s, active_set *active, int32_t k)
{
    const mbs_program *p = s->task->program;
    int32_t kept = 0;
    for (int32_t i = 0; i < active->count; i++) {
        int32_t t = active->touches[i];
        if (p->touches[p->touches[t].next].step == k)
            active->bytes -= p->tensors[p->touches[t].tensor].bytes;
        else
            active->touches[kept++] = t;
    }
    active->count = kept;
}

static void forbid_intervals_at(staged *s, active_set *active, int32_t k)
{
    const mbs_program *p = s->task->program;
    for (int32_t i = 0; i < active->count; i++)
        s->allowed[active->touches[i]] = false;
    active->count = 0;
    active->bytes = 0;
    for (int32_t t = p->steps[k].touch_begin; t < p->steps[k].touch_end; t++) {
        s->allowed[t] = false;
        if (p->touches[t].previous >= 0)
            s->allowed[p->touches[t].previous] = false;
    }
}

/*
 * Cuts out, first to last, the steps that do not fit at b=1 together with what crosses them.
 * Cutting a step only takes load off the others, so one pass finds the same steps as starting over.
 */
static void cut_crowded_steps(staged *s, active_set *active)
{
    const mbs_program *p = s->task->program;
    active->count = 0;
    active->bytes = 0;
    for (int32_t k = 0; k < p->step_count; k++) {
        end_intervals(s, active, k);
        if (!s->cut[k] && program_operand_bytes(p, k) + active->bytes > s->task->capacity)
            s->cut[k] = true;
        if (s->cut[k]) {
            forbid_intervals_at(s, active, k);
            continue;
        }
        for (int32_t t = p->steps[k].touch_begin; t < p->steps[k].touch_end; t++) {
            if (!s->allowed[t])
                continue;
            active->touches[active->count++] = t;
            active->bytes += p->tensors[p->touches[t].tensor].bytes;
        }
    }
}

/* The group that begins at step k: a cut-out, or the phase up to its end or the next cut-out. */
static int32_t group_end(const staged *s, int32_t k)
{
    const mbs_program *p = s->task->program;
    int32_t end = k + 1;
    if (!s->cut[k])
        while (end < p->step_count && !s->cut[end] && p->steps[end].phase == p->steps[k].phase)
            end++;
    return end;
}

/* The one I that fits all groups; *coupled is set if one of them has a kept batch norm. */
static int64_t common_iterations(const staged *s, bool *coupled)
{
    const mbs_program *p = s->task->program;
    int64_t unit = 0;
    *coupled = false;
    for (int32_t k = 0; k < p->step_count; k = group_end(s, k)) {
        if (s->cut[k])
            continue;
        staged_group group = staged_evaluate(s, k, group_end(s, k));
        unit = max_i64(unit, group.unit_bytes);
        *coupled = *coupled || group.coupled;
    }
    return unit == 0 ? 1 : smallest_iterations(s->task->batch, s->task->capacity / unit);
}

static mbs_status solve(staged *s, active_set *active, int64_t *iterations, mbs_error *error)
{
    const mbs_program *p = s->task->program;
    bool coupled;
    cut_crowded_steps(s, active);
    *iterations = common_iterations(s, &coupled);
    if (*iterations == 1 || !coupled)
        return MBS_OK;
    /* kept batch norms cannot be serialised: they run alone */
    for (int32_t k = 0; k < p->step_count; k++)
        s->cut[k] = s->cut[k] || p->steps[k].coupled;
    mbs_status status = intervals_avoid(s->allowed, p, s->cut, error);
    *iterations = common_iterations(s, &coupled);
    return status;
}

mbs_status plan_mbs_fs(mbs_plan *plan, const plan_task *task, mbs_error *error)
{
    staged s;
    active_set active = {mem_alloc(((size_t)task->program->touch_count + 1) * sizeof(int32_t)), 0,
                         0};
    int64_t iterations = 1;
    mbs_status status = staged_open(&s, task, true, error);
    if (status == MBS_OK && active.touches == NULL)
        status = error_memory(error);
    if (status == MBS_OK)
        status = solve(&s, &active, &iterations, error);
    for (int32_t k = 0; status == MBS_OK && k < task->program->step_count; k = group_end(&s, k))
        staged_emit(&s, plan, &(staged_group){k, group_end(&s, k), .iterations = iterations});
    plan->outcome = MBS_HEURISTIC;
    mem_free(active.touches);
    staged_free(&s);
    return status;
}
