/* What a plan's rules say about its form: checked without executing anything. */
#include <inttypes.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/text.h"
#include "mbsopt/hardware.h"
#include "verify/replay.h"

/* A plan from a hostile file must not keep the verifier busy for hours. */
#define MAX_EXECUTIONS INT64_C(4000000000)

static void check_task(replay *r)
{
    const mbs_plan *plan = r->plan;
    size_t before = r->faults;
    if (plan->batch < 1 || plan->batch > MBS_MAX_BATCH)
        plan_fault(r, RULE_BATCH, "mini-batch of %" PRId64 " samples, expected 1 to %d",
                   plan->batch, MBS_MAX_BATCH);
    if (plan->reserved_bytes < 0 || plan->buffer_bytes < MBS_MIN_BUFFER_BYTES ||
        plan->buffer_bytes - plan->reserved_bytes < MBS_MIN_BUFFER_BYTES)
        plan_fault(r, RULE_BUFFER_SIZE,
                   "buffer of %" PRId64 " bytes, %" PRId64
                   " of them reserved: expected at least %d bytes for use",
                   plan->buffer_bytes, plan->reserved_bytes, MBS_MIN_BUFFER_BYTES);
    if (plan->norm_passes < 1)
        plan_fault(r, RULE_PASSES, "norm_passes is %" PRId64 ", expected at least 1",
                   plan->norm_passes);
    if (r->faults > before)
        r->broken = true;
}

/* Whether a step may share its parameters with an earlier one, which -1 says it does not. */
static bool is_link(int32_t k, int32_t earlier)
{
    return earlier >= -1 && earlier < k;
}

/*
 * An update follows the step that completes its gradient, which no later step goes on with; it
 * does nothing else.
 */
static bool is_update_well_formed(const mbs_program *p, int32_t k)
{
    const mbs_step *step = &p->steps[k];
    const weight_update *update = &step->update;
    if (!update->is_update)
        return step_state_bytes(step) == 0;
    return k > 0 && p->steps[k - 1].accumulator_bytes > 0 &&
           p->steps[k - 1].accumulator_use.next < 0 && update->state_bytes >= 0 &&
           update->old_bytes >= 0 && update->new_bytes >= 0 && step->weight_bytes == 0 &&
           step->accumulator_bytes == 0 && step->touch_end == step->touch_begin &&
           step->phase == MBS_BACKWARD;
}

/* The loader and the program builder see to these; nothing below is safe without. */
static bool is_well_formed(const replay *r)
{
    const mbs_program *p = r->program;
    int32_t touch = 0;
    if (p->step_count < 1)
        return false;
    for (int32_t i = 0; i < p->tensor_count; i++)
        if (p->tensors[i].bytes < 0)
            return false;
    for (int32_t k = 0; k < p->step_count; k++) {
        const mbs_step *step = &p->steps[k];
        if (step->touch_begin != touch || step->write_begin < touch ||
            step->touch_end < step->write_begin || step->touch_end > p->touch_count ||
            step->weight_bytes < 0 || step->accumulator_bytes < 0 || step->coupled_to < -1 ||
            step->coupled_to >= k || !is_link(k, step->weight_use.previous) ||
            !is_link(k, step->accumulator_use.previous) || !is_update_well_formed(p, k))
            return false;
        for (; touch < step->touch_end; touch++)
            if (p->touches[touch].step != k || p->touches[touch].tensor < 0 ||
                p->touches[touch].tensor >= p->tensor_count)
                return false;
    }
    return touch == p->touch_count;
}

static void check_form(replay *r)
{
    if (!is_well_formed(r)) {
        plan_fault(r, RULE_PROGRAM,
                   "the program's steps, tensors and operands do not fit together");
        r->broken = true;
    }
}

/*
 * Follows each tensor from touch to touch: which touches find it resident, and whether a later one
 * needs it from DRAM. That a tensor is written before it is read, and by one step alone, is for the
 * replay to find out.
 */
static void check_chains(replay *r)
{
    const mbs_program *p = r->program;
    for (int32_t t = 0; t < p->touch_count; t++) {
        int32_t id = p->touches[t].tensor;
        int32_t step = p->touches[t].step;
        int32_t last = r->last_touch[id] - 1;
        r->last_touch[id] = t + 1;
        if (last >= 0 && p->touches[last].step == step) {
            step_fault(r, RULE_PROGRAM, step, "has tensor %d %s twice as an operand", id,
                       tensor_name(r, id).text);
            r->broken = true;
        } else if (last >= 0) {
            r->arrives[t] = r->plan->resident[last];
            r->stores[id] = r->stores[id] || !r->arrives[t];
        }
    }
    for (int32_t id = 0; id < p->tensor_count; id++) {
        int32_t last = r->last_touch[id] - 1;
        if (p->tensors[id].kept)
            r->stores[id] = true;
        else if (last >= 0 && last >= p->steps[p->touches[last].step].write_begin)
            step_fault(r, RULE_UNREAD, p->touches[last].step,
                       "writes tensor %d %s, which no later step reads; such a tensor is no "
                       "operand",
                       id, tensor_name(r, id).text);
    }
}

/* The first step of a kept batch norm in two steps, or of its backward step. */
static bool makes_statistics(const mbs_step *step)
{
    static const char op[] = "batch_norm";
    return strncmp(step->kind, op, sizeof op - 1) == 0 && ends_with(step->kind, ".stat");
}

/*
 * A step that reads statistics of the mini-batch must be known as coupled to the one that makes
 * them, and no other step as coupled.
 */
static void check_couples(replay *r)
{
    const mbs_program *p = r->program;
    for (int32_t k = 0; k < p->step_count; k++) {
        const mbs_step *step = &p->steps[k];
        int32_t maker = -1;
        for (int32_t t = step->touch_begin; t < step->write_begin; t++)
            if (r->statistics[p->touches[t].tensor] > 0)
                maker = r->statistics[p->touches[t].tensor] - 1;
        if (maker != step->coupled_to)
            step_fault(r, RULE_PROGRAM, k,
                       "reads statistics of the mini-batch that step %d makes, but is coupled to "
                       "step %d (-1: none)",
                       maker, step->coupled_to);
        for (int32_t t = step->write_begin; t < step->touch_end && makes_statistics(step); t++)
            r->statistics[p->touches[t].tensor] = k + 1;
    }
}

static void check_phases(replay *r)
{
    const mbs_program *p = r->program;
    for (int32_t k = 0; k < p->step_count && p->inference; k++)
        if (p->steps[k].phase != MBS_FORWARD)
            step_fault(r, RULE_PHASE, k, "is a backward step in an inference program");
}

/* What is shared is pinned for all of the group's steps that use it. */
static void check_shared_pin(replay *r, const mbs_group *group, int32_t k, const char *what,
                             const parameter_use *use, const int64_t *pinned)
{
    if (use_is_first(use, group->first) || pinned[k] == pinned[use->previous])
        return;
    step_fault(r, RULE_PINNED, k,
               "has %" PRId64 " bytes of %s pinned that it shares with step %d, expected %" PRId64
               " as there",
               pinned[k], what, use->previous, pinned[use->previous]);
    r->broken = true;
}

static void check_pins(replay *r, const mbs_group *group, int32_t k)
{
    const mbs_step *step = &r->program->steps[k];
    int64_t weight = r->plan->pinned_weight[k];
    int64_t accumulator = r->plan->pinned_accumulator[k];
    if (weight < 0 || weight > step->weight_use.common || accumulator < 0 ||
        accumulator > step->accumulator_use.common) {
        step_fault(r, RULE_PINNED, k,
                   "pins %" PRId64 " bytes of its %" PRId64 " of weights and %" PRId64
                   " of its %" PRId64 " of accumulators",
                   weight, step->weight_use.common, accumulator, step->accumulator_use.common);
        r->broken = true;
        return;
    }
    check_shared_pin(r, group, k, "weights", &step->weight_use, r->plan->pinned_weight);
    check_shared_pin(r, group, k, "accumulators", &step->accumulator_use,
                     r->plan->pinned_accumulator);
}

/* A norm of the mini-batch, in one step or two, needs its group to have all samples at once. */
static void check_coupling(replay *r, const mbs_group *group, int32_t k)
{
    const mbs_step *step = &r->program->steps[k];
    if (group->iterations == 1)
        return;
    if (step->coupled)
        step_fault(r, RULE_COUPLED, k,
                   "couples the samples of the mini-batch, but its group has %" PRId64
                   " iterations, expected 1",
                   group->iterations);
    if (step->coupled_to >= group->first)
        step_fault(
            r, RULE_COUPLED, k,
            "applies statistics of the mini-batch that step %d %s makes, but their group has "
            "%" PRId64 " iterations, expected 1",
            step->coupled_to, quoted(r->program->steps[step->coupled_to].name).text,
            group->iterations);
}

static void check_mode(replay *r, const mbs_group *group, int32_t k)
{
    const mbs_step *step = &r->program->steps[k];
    mbs_mode mode = r->plan->mode[k];
    bool alone = group->end - group->first == 1;
    r->streams = r->streams || mode == MBS_STREAMED;
    if (mode != MBS_STAGED && mode != MBS_STREAMED && mode != MBS_PASSES)
        step_fault(r, RULE_MODE, k, "has the unknown operand mode %d", (int)mode);
    if (mode == MBS_PASSES && (!alone || group->iterations != 1))
        step_fault(r, RULE_MODE, k,
                   "runs in passes in a group of %d steps and %" PRId64
                   " iterations, expected a group of its own with one",
                   group->end - group->first, group->iterations);
    int64_t passes = mode == MBS_PASSES ? expected_passes(r, step) : 1;
    if (group->passes != passes && k == group->first)
        step_fault(r, RULE_PASSES, k,
                   "its group's operands are read %" PRId64 " times, expected %" PRId64
                   ": it %s in passes",
                   group->passes, passes, mode == MBS_PASSES ? "runs" : "does not run");
}

/* Whether the groups follow each other without gaps from the first step to the last. */
static bool groups_cover(replay *r)
{
    const mbs_plan *plan = r->plan;
    const int32_t steps = r->program->step_count;
    size_t before = r->faults;
    int32_t next = 0;
    for (int32_t g = 0; g < plan->group_count; g++) {
        const mbs_group *group = &plan->groups[g];
        if (group->first != next)
            group_fault(r, RULE_GROUPS, g, "begins at step %d, expected step %d: %s", group->first,
                        next, group->first < next ? "groups overlap" : "steps are in no group");
        if (group->end <= group->first || group->end > steps)
            group_fault(r, RULE_GROUPS, g, "has no step or one beyond the last, %d", steps - 1);
        next = group->end;
    }
    if (next != steps && r->faults == before)
        plan_fault(r, RULE_GROUPS, "%d steps are in groups, expected all %d", next, steps);
    return r->faults == before;
}

static void check_groups(replay *r)
{
    const mbs_plan *plan = r->plan;
    int64_t executions = 0;
    if (!groups_cover(r)) {
        r->broken = true;
        return;
    }
    for (int32_t g = 0; g < plan->group_count; g++) {
        const mbs_group *group = &plan->groups[g];
        kind_of(group)->check(r, g);
        r->group = g;
        for (int32_t k = group->first; k < group->end; k++) {
            check_mode(r, group, k);
            check_coupling(r, group, k);
            check_pins(r, group, k);
            check_in_place(r, group, k);
        }
        r->group = -1;
        if (r->broken) /* the sum below relies on iterations within the mini-batch */
            continue;
        const mbs_step *steps = r->program->steps;
        int64_t touches = steps[group->end - 1].touch_end - steps[group->first].touch_begin;
        int64_t once = touches + group->end - group->first;
        if (!checked_add_product(&executions, kind_of(group)->rounds(group), once))
            executions = INT64_MAX;
    }
    if (executions > MAX_EXECUTIONS) {
        plan_fault(r, RULE_WORK,
                   "steps and operands are executed %" PRId64 " times, expected at most %" PRId64,
                   executions, MAX_EXECUTIONS);
        r->broken = true;
    }
}

void check_structure(replay *r)
{
    check_task(r);
    check_form(r);
    if (r->broken)
        return;
    r->capacity = r->plan->buffer_bytes - r->plan->reserved_bytes;
    r->batch = (int32_t)r->plan->batch;
    check_order(r);
    if (r->program->has_rows)
        check_rows(r);
    check_chains(r);
    if (r->program->split)
        check_couples(r);
    check_phases(r);
    check_groups(r);
}
