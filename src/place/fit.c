#include "place/fit.h"

#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "cost/footprint.h"
#include "cost/peak.h"
#include "cost/strips.h"
#include "place/ahead.h"
#include "plan/planner.h"

typedef struct fitter {
    const mbs_plan *given;
    mbs_plan *plan;
    buffer_layout *layout;
    placed_plan *placed;
    int64_t units; /* of the buffer, each of the alignment's size */
    bool pins;     /* the given plan does */
    bool streams;  /* likewise: so strip groups must where the rule says so (section 11) */
    bool in_place; /* likewise: so they may (section 12) */
    int64_t nodes; /* that may still be searched, for all groups together */
    plan_watch *watch;
    mbs_error *error;
} fitter;

/* ---- Pinned parameters ----------------------------------------------------------------------- */

/* Takes up to *excess units from what is pinned of one kind. */
static void trim(const fitter *f, int64_t *pinned, int64_t *excess)
{
    const int64_t units = ceil_div(*pinned, f->layout->alignment);
    const int64_t taken = min_i64(units, *excess);
    *excess -= taken;
    if (taken > 0)
        *pinned = (units - taken) * f->layout->alignment;
}

/* Weights first, for accumulators move twice per iteration. */
static void trim_pinned(const fitter *f, const mbs_group *group, int64_t room)
{
    int64_t excess = layout_pinned_units(f->layout, f->plan, group) - room;
    const mbs_step *steps = f->plan->program->steps;
    for (int32_t k = group->end; k-- > group->first && excess > 0;)
        if (use_is_first(&steps[k].weight_use, group->first))
            trim(f, &f->plan->pinned_weight[k], &excess);
    for (int32_t k = group->end; k-- > group->first && excess > 0;)
        if (use_is_first(&steps[k].accumulator_use, group->first))
            trim(f, &f->plan->pinned_accumulator[k], &excess);
}

/* Lets the later users of shared parameters have pinned what the group's first one has. */
static void pin_for_all(mbs_plan *plan, const mbs_group *group)
{
    for (int32_t k = group->first; k < group->end && plan->program->shares; k++) {
        const parameter_use *weights = &plan->program->steps[k].weight_use;
        const parameter_use *accumulators = &plan->program->steps[k].accumulator_use;
        if (!use_is_first(weights, group->first))
            plan->pinned_weight[k] = plan->pinned_weight[weights->previous];
        if (!use_is_first(accumulators, group->first))
            plan->pinned_accumulator[k] = plan->pinned_accumulator[accumulators->previous];
    }
}

/* Pins more of one kind: `room` in units, `bytes` what the footprint leaves. */
static void fill(const fitter *f, int64_t *pinned, int64_t all, int64_t *room, int64_t *bytes)
{
    const int64_t alignment = f->layout->alignment;
    const int64_t before = ceil_div(*pinned, alignment);
    const int64_t most = min_i64(*pinned + *bytes, (before + *room) * alignment);
    const int64_t now = max_i64(*pinned, min_i64(all, most));
    *bytes -= now - *pinned;
    *room -= ceil_div(now, alignment) - before;
    *pinned = now;
}

static mbs_status fill_pinned(const fitter *f, const mbs_group *group, int64_t room)
{
    mbs_plan *plan = f->plan;
    const mbs_step *steps = plan->program->steps;
    int64_t peak;
    mbs_status status = plan_find_peak(&peak, plan, group, f->error);
    if (status != MBS_OK)
        return status;
    int64_t bytes = plan_capacity(plan) - peak;
    room -= layout_pinned_units(f->layout, plan, group);
    for (int32_t k = group->first; k < group->end; k++)
        if (use_is_first(&steps[k].accumulator_use, group->first))
            fill(f, &plan->pinned_accumulator[k], steps[k].accumulator_use.common, &room, &bytes);
    for (int32_t k = group->first; k < group->end; k++)
        if (use_is_first(&steps[k].weight_use, group->first))
            fill(f, &plan->pinned_weight[k], steps[k].weight_use.common, &room, &bytes);
    return MBS_OK;
}

/* ---- One group ------------------------------------------------------------------------------- */

static mbs_status place_group(fitter *f, const mbs_group *group, int64_t units, placement *found)
{
    const int64_t limit = min_i64(f->nodes, PLACE_NODES);
    mbs_status status =
        layout_place_group(f->layout, f->plan, group, units, limit, f->watch, found, f->error);
    f->nodes -= status == MBS_OK ? found->nodes : 0;
    return status;
}

/*
 * Places the group as it stands, with what the given plan pins as far as it finds room; if `refill`
 * and there is more, with more. *fits: whether that could be done, be it with nothing pinned.
 */
static mbs_status try_group(fitter *f, const mbs_group *group, bool refill, bool *fits)
{
    mbs_plan *plan = f->plan;
    for (int32_t k = group->first; k < group->end; k++) {
        plan->pinned_weight[k] = f->given->pinned_weight[k];
        plan->pinned_accumulator[k] = f->given->pinned_accumulator[k];
    }
    const int64_t pinned = layout_pinned_units(f->layout, plan, group);
    placement found;
    mbs_status status = place_group(f, group, f->units - pinned, &found);
    if (status == MBS_OK && pinned > 0 && found.height > f->units)
        status = place_group(f, group, f->units, &found);
    *fits = status == MBS_OK && found.height <= f->units;
    if (!*fits)
        return status;
    trim_pinned(f, group, f->units - found.height);
    if (refill && f->pins && group->iterations > 1)
        status = fill_pinned(f, group, f->units - found.height);
    pin_for_all(plan, group);
    layout_place_pinned(f->layout, plan, group, found.height);
    return status;
}

/* What steps [first, end) of the given group are tried with first. */
static fit_portion first_portion(const mbs_plan *plan, const mbs_group *given, int32_t first,
                                 int32_t end)
{
    fit_portion portion = {given->sub_batch, given->strips};
    if (given->strips == 1)
        return portion;
    const int64_t height = strips_tallest(plan->program, first, end);
    if (height == 0) /* without operands, an update */
        return (fit_portion){given->sub_batch, 1};
    portion.strips = strips_above(height, given->strips - 1);
    if (portion.strips == 0)
        portion.strips = strips_below(height, given->strips + 1);
    return portion;
}

/* The next smaller portion than the group's; sub_batch 0: there is none. */
static fit_portion next_portion(const mbs_plan *plan, const mbs_group *group, int64_t least)
{
    const mbs_program *p = plan->program;
    if (group->strips > 1) {
        const int64_t height = strips_tallest(p, group->first, group->end);
        const int64_t strips = strips_above(height, group->strips);
        return (fit_portion){strips > 0 ? 1 : 0, strips};
    }
    if (group->sub_batch <= least)
        return (fit_portion){0};
    return (fit_portion){group->sub_batch - 1, 1};
}

/* Those steps of a strip group are streamed and write over an operand for which the rules say so.
 */
static mbs_status choose_modes(const fitter *f, const mbs_group *group)
{
    const mbs_program *p = f->plan->program;
    strip_extent *extent = strips_find(p, group->first, group->end, (int32_t)group->strips);
    if (extent == NULL)
        return error_memory(f->error);
    const strip_group strips = {
        p, group->first, group->end, extent, p->steps[group->first].touch_begin, f->plan->over};
    strips_choose(strips, f->streams, f->in_place, f->plan->mode, f->plan->over);
    mem_free(extent);
    return MBS_OK;
}

/* Appends steps [first, end) as a group that takes `portion` at a time. */
static mbs_group *append_group(const fitter *f, const mbs_group *given, int32_t first, int32_t end,
                               fit_portion portion)
{
    mbs_plan *plan = f->plan;
    const int64_t rounds = ceil_div(plan->batch, portion.sub_batch);
    mbs_group *group = plan_add_group(plan, first, end, rounds * portion.strips);
    group->strips = portion.strips;
    group->passes = given->passes;
    return group;
}

/*
 * Appends steps [first, end) of the given group as one, with the largest portion up to the given
 * one that can be placed; *taken is that portion, of sub-batch 0 without a group.
 */
static mbs_status add_group(fitter *f, const mbs_group *given, int32_t first, int32_t end,
                            fit_portion *taken)
{
    mbs_plan *plan = f->plan;
    const bool whole = end - first == given->end - given->first;
    const int64_t least = program_couples(plan->program, first, end) ? given->sub_batch : 1;
    fit_portion portion = first_portion(plan, given, first, end);
    for (bool refill = !whole;; refill = true) {
        bool fits;
        mbs_group *group = append_group(f, given, first, end, portion);
        mbs_status status = refill && group->strips > 1 ? choose_modes(f, group) : MBS_OK;
        if (status == MBS_OK)
            status = try_group(f, group, refill, &fits);
        if (status != MBS_OK)
            return status;
        *taken = fits ? (fit_portion){group->sub_batch, group->strips} : (fit_portion){0};
        if (fits)
            return MBS_OK;
        plan->group_count--;
        portion = next_portion(plan, group, least);
        if (portion.sub_batch == 0)
            return MBS_OK;
    }
}

/* What stays from before step `cut` to it or beyond, does so no more. */
static void cut_residency(mbs_plan *plan, int32_t first, int32_t cut)
{
    const mbs_program *p = plan->program;
    for (int32_t t = p->steps[first].touch_begin; t < p->steps[cut].touch_begin; t++)
        if (plan->resident[t] && p->touches[p->touches[t].next].step >= cut)
            plan->resident[t] = false;
}

static void add_passes(const fitter *f, int32_t k)
{
    mbs_plan *plan = f->plan;
    plan_add_group(plan, k, k + 1, 1)->passes =
        step_passes(&plan->program->steps[k], plan_capacity(plan), plan->norm_passes);
    plan->mode[k] = MBS_PASSES;
    plan->over[k] = -1;
    plan->pinned_weight[k] = 0;
    plan->pinned_accumulator[k] = 0;
    const mbs_step *step = &plan->program->steps[k];
    for (int32_t t = step->touch_begin; t < step->touch_end; t++) {
        f->layout->touch[t] = -1;
        f->layout->bytes[t] = 0;
        f->layout->ring[t] = false;
    }
    f->layout->weight[k] = -1;
    f->layout->accumulator[k] = -1;
    f->layout->pinned_weight[k] = -1;
    f->layout->pinned_accumulator[k] = -1;
}

/* The same as groups, cut in halves as often as need be. As deep as halving goes. */
static mbs_status add_groups(fitter *f, const mbs_group *given, int32_t first, int32_t end,
                             fit_portion *taken)
{
    fit_portion part;
    mbs_status status = add_group(f, given, first, end, taken);
    if (status != MBS_OK || taken->sub_batch > 0)
        return status;
    if (end - first == 1) {
        add_passes(f, first);
        return MBS_OK;
    }
    int32_t middle = first + (end - first) / 2;
    if (f->plan->program->steps[middle].update.is_update && middle + 1 < end)
        middle++; /* with the step that hands its gradient on */
    cut_residency(f->plan, first, middle);
    status = add_groups(f, given, first, middle, &part);
    return status == MBS_OK ? add_groups(f, given, middle, end, &part) : status;
}

static mbs_status fit_group(fitter *f, const mbs_group *given)
{
    placed_plan *placed = f->placed;
    const mbs_plan *plan = f->plan;
    fit_portion taken;
    mbs_status status = add_groups(f, given, given->first, given->end, &taken);
    if (status != MBS_OK)
        return status;
    if (taken.sub_batch != given->sub_batch || taken.strips != given->strips) {
        placed->changes[placed->change_count++] =
            (fit_change){given->first, given->end, {given->sub_batch, given->strips}, taken};
        return MBS_OK;
    }
    const int64_t less = plan_pinned_bytes(f->given, given->first, given->end) -
                         plan_pinned_bytes(plan, given->first, given->end);
    placed->trimmed += less > 0;
    placed->trimmed_bytes += less;
    return MBS_OK;
}

/* ---- The plan -------------------------------------------------------------------------------- */

static bool streams_any(const mbs_plan *plan)
{
    for (int32_t k = 0; k < plan->program->step_count; k++)
        if (plan->mode[k] == MBS_STREAMED)
            return true;
    return false;
}

static bool writes_in_place(const mbs_plan *plan)
{
    for (int32_t k = 0; k < plan->program->step_count; k++)
        if (plan->over[k] >= 0)
            return true;
    return false;
}

/* A plan with all choices of the given one but its groups. */
static mbs_plan *copy_choices(const mbs_plan *given)
{
    const mbs_program *p = given->program;
    mbs_plan *plan = plan_allocate_like(given, given->planner_name);
    mbs_origin_info origin;
    mbs_plan_origin(given, &origin);
    if (plan == NULL || !plan_origin_set(&plan->origin, &origin)) {
        mbs_plan_free(plan);
        return NULL;
    }
    plan->outcome = given->outcome;
    plan->objective = given->objective;
    plan->bound_bytes = given->bound_bytes;
    memcpy(plan->resident, given->resident, (size_t)p->touch_count * sizeof *plan->resident);
    memcpy(plan->mode, given->mode, (size_t)p->step_count * sizeof *plan->mode);
    memcpy(plan->over, given->over, (size_t)p->step_count * sizeof *plan->over);
    return plan;
}

static mbs_status fit_groups(fitter *f)
{
    mbs_status status = MBS_OK;
    for (int32_t g = 0; g < f->given->group_count && status == MBS_OK; g++)
        status = fit_group(f, &f->given->groups[g]);
    if (status == MBS_OK)
        status = plan_sum_up(f->plan, f->error);
    if (status != MBS_OK)
        return status;
    if (f->plan->outcome == MBS_OPTIMAL && (f->placed->change_count > 0 || f->placed->trimmed > 0))
        f->plan->outcome = MBS_FEASIBLE;
    return mbs_plan_verify(f->plan, NULL, f->error);
}

mbs_status plan_fit(placed_plan *placed, const mbs_plan *plan, int64_t alignment, plan_watch *watch,
                    mbs_error *error)
{
    *placed = (placed_plan){.plan = copy_choices(plan)};
    placed->changes = mem_alloc((plan->group_count > 0 ? (size_t)plan->group_count : 1) *
                                sizeof *placed->changes);
    fitter f = {.given = plan,
                .plan = placed->plan,
                .layout = &placed->layout,
                .placed = placed,
                .units = plan_capacity(plan) / alignment,
                .pins = plan_pinned_bytes(plan, 0, plan->program->step_count) > 0,
                .streams = streams_any(plan),
                .in_place = writes_in_place(plan),
                .nodes = PLACE_PLAN_NODES,
                .watch = watch,
                .error = error};
    mbs_status status = placed->plan == NULL || placed->changes == NULL
                            ? error_memory(error)
                            : layout_create(&placed->layout, plan->program, alignment, error);
    if (status == MBS_OK)
        status = fit_groups(&f);
    if (status == MBS_OK)
        status = layout_bring_forward(&placed->layout, placed->plan, NULL, watch, error);
    if (status != MBS_OK)
        placed_plan_free(placed);
    return status;
}

void placed_plan_free(placed_plan *placed)
{
    mbs_plan_free(placed->plan);
    layout_free(&placed->layout);
    mem_free(placed->changes);
    *placed = (placed_plan){0};
}
