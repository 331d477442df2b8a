#include "random_strips.h"

#include <check.h>

#include "base/checked.h"
#include "base/memory.h"
#include "cost/peak.h"
#include "cost/schedule.h"
#include "cost/strips.h"
#include "cost/traffic.h"
#include "random_network.h"
#include "run.h"

static mbs_error error;

static bool is_coupled(const mbs_program *p, int32_t first, int32_t end)
{
    for (int32_t k = first; k < end; k++)
        if (p->steps[k].coupled || p->steps[k].coupled_to >= first)
            return true;
    return false;
}

static void keep_intervals(mbs_plan *plan, const mbs_group *group)
{
    const mbs_program *p = plan->program;
    for (int32_t t = p->steps[group->first].touch_begin; t < p->steps[group->end - 1].touch_end;
         t++)
        plan->resident[t] =
            p->touches[t].next >= 0 && p->touches[p->touches[t].next].step < group->end;
}

/* The modes of the rule, or as without streaming; writing in place, or not. */
static void choose_modes(mbs_plan *plan, const mbs_group *group, bool streams, bool in_place)
{
    const mbs_program *p = plan->program;
    strip_extent *extent = strips_find(p, group->first, group->end, (int32_t)group->strips);
    ck_assert_ptr_nonnull(extent);
    const strip_group strips = {
        p, group->first, group->end, extent, p->steps[group->first].touch_begin, NULL};
    strips_choose(strips, streams, in_place, plan->mode, plan->over);
    mem_free(extent);
}

static void pin_some(mbs_plan *plan, const mbs_group *group, uint64_t *state)
{
    for (int32_t k = group->first; k < group->end; k++) {
        const mbs_step *step = &plan->program->steps[k];
        if (!use_is_first(&step->weight_use, group->first))
            plan->pinned_weight[k] = plan->pinned_weight[step->weight_use.previous];
        else if (random_between(state, 0, 3) == 0)
            plan->pinned_weight[k] = random_between(state, 0, step->weight_use.common);
        if (!use_is_first(&step->accumulator_use, group->first))
            plan->pinned_accumulator[k] = plan->pinned_accumulator[step->accumulator_use.previous];
        else if (random_between(state, 0, 3) == 0)
            plan->pinned_accumulator[k] = random_between(state, 0, step->accumulator_use.common);
    }
}

/* Appends a group: strips if it can have them, mostly; else all samples one by one or at once. */
static void add_group(mbs_plan *plan, int32_t first, int32_t end, bool streams, bool in_place,
                      uint64_t *state)
{
    const mbs_program *p = plan->program;
    mbs_group *group = &plan->groups[plan->group_count++];
    int64_t height = strips_tallest(p, first, end);
    const bool coupled = is_coupled(p, first, end);
    const bool at_once = coupled || random_between(state, 0, 3) == 0;
    *group = (mbs_group){.first = first, .end = end, .strips = 1, .passes = 1};
    group->iterations = at_once ? 1 : plan->batch;
    group->sub_batch = at_once ? plan->batch : 1;
    keep_intervals(plan, group);
    pin_some(plan, group, state);
    if (!at_once && height > 1) {
        while (height > 3 && random_between(state, 0, 2) > 0)
            height = ceil_div(height, 2);
        group->strips = height;
        group->iterations = plan->batch * height;
        choose_modes(plan, group, streams, in_place);
    }
    must_succeed(plan_find_peak(&group->peak_bytes, plan, group, &error), &error, "peak");
}

mbs_plan *random_strip_plan(const mbs_program *program, int64_t batch, uint64_t *state)
{
    const bool streams = random_between(state, 0, 3) > 0;
    const bool in_place = random_between(state, 0, 1) == 0;
    mbs_plan *plan = plan_allocate(program, "random");
    plan->outcome = MBS_HEURISTIC;
    plan->batch = batch;
    plan->buffer_bytes = INT64_C(1) << 40;
    plan->norm_passes = 2;
    for (int32_t first = 0; first < program->step_count;) {
        const int64_t left = program->step_count - first;
        const int32_t end =
            first + (int32_t)random_between(state, 1, min_i64(left, random_between(state, 1, 40)));
        add_group(plan, first, end, streams, in_place, state);
        first = end;
    }
    plan->traffic = plan_count(plan);
    return plan;
}
