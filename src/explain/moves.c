#include "explain/moves.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "cost/traffic.h"

const char *move_reason_name(move_reason reason)
{
    static const char *const names[MOVE_REASON_COUNT] = {
        [MOVE_INPUT] = "network_input", [MOVE_STASHED] = "stashed_for_backward",
        [MOVE_LATER] = "later_group",   [MOVE_DROPPED] = "not_kept",
        [MOVE_PASSES] = "more_passes",  [MOVE_RESULT] = "result",
    };
    return names[reason];
}

static bool crosses_phases(const mbs_program *p, int32_t t)
{
    const int32_t producer = p->tensors[p->touches[t].tensor].producer;
    return producer >= 0 && p->steps[producer].phase == MBS_FORWARD &&
           p->steps[p->touches[t].step].phase == MBS_BACKWARD;
}

move_reason move_read_reason(const mbs_plan *plan, const mbs_group *group, int32_t t)
{
    const mbs_program *p = plan->program;
    const int32_t previous = p->touches[t].previous;
    if (p->tensors[p->touches[t].tensor].producer < 0)
        return MOVE_INPUT;
    if (crosses_phases(p, t))
        return MOVE_STASHED;
    return previous >= 0 && p->touches[previous].step >= group->first ? MOVE_DROPPED : MOVE_LATER;
}

move_reason move_write_reason(const mbs_plan *plan, const mbs_group *group, int32_t t)
{
    const mbs_program *p = plan->program;
    move_reason reason = p->tensors[p->touches[t].tensor].kept ? MOVE_RESULT : MOVE_DROPPED;
    for (int32_t next = p->touches[t].next; next >= 0; next = p->touches[next].next) {
        if (plan_arrives(plan, next))
            continue;
        if (crosses_phases(p, next))
            return MOVE_STASHED;
        if (reason == MOVE_DROPPED && p->touches[next].step >= group->end)
            reason = MOVE_LATER;
    }
    return reason;
}

/* ---- Sums ------------------------------------------------------------------------------------ */

/* Tensors are collected at [tensor], what else there is behind them, by step. */
static mover *mover_of(const moves *found, const mbs_program *p, mover_kind kind, int32_t index)
{
    int64_t at = index;
    if (kind != MOVER_TENSOR)
        at = p->tensor_count + (int64_t)index * (MOVER_KIND_COUNT - 1) + kind - 1;
    mover *of = &found->movers[at];
    of->kind = kind;
    of->index = index;
    return of;
}

static void add_touch(moves *found, const mbs_plan *plan, const mbs_group *group, int32_t t)
{
    const mbs_program *p = plan->program;
    const int32_t tensor = p->touches[t].tensor;
    const int64_t bytes = plan->batch * p->tensors[tensor].bytes;
    mover *of = mover_of(found, p, MOVER_TENSOR, tensor);
    if (t >= p->steps[p->touches[t].step].write_begin) {
        if (!plan_writes(plan, t))
            return;
        of->written += bytes;
        found->written[move_write_reason(plan, group, t)] += bytes;
    } else if (!plan_arrives(plan, t)) {
        of->read += group->passes * bytes;
        found->read[move_read_reason(plan, group, t)] += bytes;
        found->read[MOVE_PASSES] += (group->passes - 1) * bytes;
    }
}

static void add_weights(moves *found, const mbs_plan *plan, const mbs_group *group, int32_t k)
{
    const mbs_step *step = &plan->program->steps[k];
    const int64_t pinned = plan->pinned_weight[k];
    const int64_t again = (group->iterations - 1) * (step->weight_bytes - pinned);
    /* an earlier step of the group that uses them too has brought what is pinned */
    const int64_t spared = use_is_first(&step->weight_use, group->first) ? 0 : pinned;
    found->weight_once += step->weight_bytes - spared;
    found->weight_again += again;
    found->weight_spared += (group->iterations - 1) * pinned + spared;
    mover_of(found, plan->program, MOVER_WEIGHTS, k)->read += step->weight_bytes - spared + again;
}

static void add_accumulators(moves *found, const mbs_plan *plan, const mbs_group *group, int32_t k)
{
    const mbs_step *step = &plan->program->steps[k];
    const parameter_use *use = &step->accumulator_use;
    const int64_t pinned = plan->pinned_accumulator[k];
    const int64_t loose = step->accumulator_bytes - pinned;
    const int64_t again = (group->iterations - 1) * loose;
    const bool begun = use->previous >= 0;
    const bool first = use_is_first(use, group->first);
    const int64_t in = begun ? loose + (first ? pinned : 0) : 0;
    const bool hands_on = program_hands_on(plan->program, k, group->end);
    const int64_t out = hands_on ? 0 : loose + (use_is_last(use, group->end) ? pinned : 0);
    mover *of = mover_of(found, plan->program, MOVER_ACCUMULATORS, k);
    found->gradient_once += in + out;
    found->gradient_again += 2 * again;
    found->gradient_spared += 2 * (group->iterations - 1) * pinned + step->accumulator_bytes +
                              step_begun_bytes(step) - in - out -
                              (hands_on ? step->accumulator_bytes : 0);
    found->gradient_handed += hands_on ? 2 * step->accumulator_bytes : 0;
    of->read += in + again;
    of->written += out + again;
}

static void add_update(moves *found, const mbs_plan *plan, const mbs_group *group, int32_t k)
{
    const weight_update *update = &plan->program->steps[k].update;
    const int64_t gradient = program_update_gradient(plan->program, group->first, k);
    if (!update->is_update)
        return;
    mover *state = mover_of(found, plan->program, MOVER_STATE, k);
    found->gradient_once += gradient;
    found->state_read += update->state_bytes + update->old_bytes;
    found->state_written += update->state_bytes + update->new_bytes;
    mover_of(found, plan->program, MOVER_ACCUMULATORS, k - 1)->read += gradient;
    state->read += update->state_bytes + update->old_bytes;
    state->written += update->state_bytes + update->new_bytes;
}

static int by_bytes(const void *left, const void *right)
{
    const mover *a = left;
    const mover *b = right;
    if (mover_bytes(a) != mover_bytes(b))
        return mover_bytes(a) > mover_bytes(b) ? -1 : 1;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    return (a->index > b->index) - (a->index < b->index);
}

mbs_status moves_find(moves *found, const mbs_plan *plan, int32_t first, int32_t end,
                      mbs_error *error)
{
    const mbs_program *p = plan->program;
    const size_t room = (size_t)p->tensor_count + (MOVER_KIND_COUNT - 1) * (size_t)p->step_count;
    *found = (moves){0};
    found->movers = mem_calloc(room, sizeof *found->movers);
    if (found->movers == NULL)
        return error_memory(error);
    for (int32_t g = first; g < end; g++)
        for (int32_t k = plan->groups[g].first; k < plan->groups[g].end; k++) {
            for (int32_t t = p->steps[k].touch_begin; t < p->steps[k].touch_end; t++)
                add_touch(found, plan, &plan->groups[g], t);
            add_weights(found, plan, &plan->groups[g], k);
            add_accumulators(found, plan, &plan->groups[g], k);
            add_update(found, plan, &plan->groups[g], k);
        }
    for (size_t i = 0; i < room; i++)
        if (mover_bytes(&found->movers[i]) > 0)
            found->movers[found->count++] = found->movers[i];
    qsort(found->movers, (size_t)found->count, sizeof *found->movers, by_bytes);
    return MBS_OK;
}

void moves_free(moves *found)
{
    mem_free(found->movers);
    *found = (moves){0};
}
