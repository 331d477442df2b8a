#include "place/layout.h"

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "cost/strips.h"

static int64_t *allocate(int32_t count)
{
    int64_t *offsets = mem_alloc((count > 0 ? (size_t)count : 1) * sizeof *offsets);
    for (int32_t i = 0; offsets != NULL && i < count; i++)
        offsets[i] = -1;
    return offsets;
}

mbs_status layout_create(buffer_layout *layout, const mbs_program *program, int64_t alignment,
                         mbs_error *error)
{
    *layout =
        (buffer_layout){.alignment = alignment,
                        .touch = allocate(program->touch_count),
                        .bytes = mem_calloc((size_t)program->touch_count + 1, sizeof(int64_t)),
                        .ring = mem_calloc((size_t)program->touch_count + 1, sizeof(bool)),
                        .weight = allocate(program->step_count),
                        .accumulator = allocate(program->step_count),
                        .pinned_weight = allocate(program->step_count),
                        .pinned_accumulator = allocate(program->step_count)};
    if (layout->touch != NULL && layout->bytes != NULL && layout->ring != NULL &&
        layout->weight != NULL && layout->accumulator != NULL && layout->pinned_weight != NULL &&
        layout->pinned_accumulator != NULL)
        return MBS_OK;
    layout_free(layout);
    return error_memory(error);
}

void layout_free(buffer_layout *layout)
{
    mem_free(layout->touch);
    mem_free(layout->bytes);
    mem_free(layout->ring);
    mem_free(layout->weight);
    mem_free(layout->accumulator);
    mem_free(layout->pinned_weight);
    mem_free(layout->pinned_accumulator);
    *layout = (buffer_layout){0};
}

/* Whether the tensor is neither in the buffer before the touch's step nor after it. */
static bool passes_by(const mbs_plan *plan, int32_t t)
{
    return !plan->resident[t] && !plan_arrives(plan, t);
}

bool layout_passes(const mbs_plan *plan, const mbs_group *group, int32_t touch)
{
    const mbs_program *p = plan->program;
    const int32_t k = p->touches[touch].step;
    if (group->strips <= 1 || !passes_by(plan, touch) || plan->mode[k] != MBS_STREAMED)
        return false;
    return touch < p->steps[k].write_begin || strips_grows(p, touch);
}

bool layout_passes_through(const mbs_plan *plan, const mbs_group *group, int32_t touch)
{
    if (group->strips > 1)
        return layout_passes(plan, group, touch);
    return plan->mode[plan->program->touches[touch].step] != MBS_STAGED && !plan->resident[touch];
}

/* The bytes that operand `touch` of a step of a group of whole samples takes. */
static int64_t operand_bytes(const mbs_plan *plan, const mbs_group *group, int32_t touch)
{
    const mbs_program *p = plan->program;
    const int64_t bytes = p->tensors[p->touches[touch].tensor].bytes;
    const int32_t k = p->touches[touch].step;
    const bool is_over = plan->over[k] == touch && plan->resident[p->steps[k].write_begin];
    if (!passes_by(plan, touch) || is_over || plan->mode[k] == MBS_STAGED)
        return group->sub_batch * bytes;
    return plan->mode[k] == MBS_STREAMED && p->steps[k].whole_sample ? bytes : 0;
}

/* ---- Live ranges ----------------------------------------------------------------------------- */

/* What a live range is of: the place its offset belongs to. */
typedef struct range_list {
    live_range *ranges;
    int64_t **places; /* per range; for a tensor, that of its first touch */
    int32_t count;
    int64_t alignment;
    strip_extent *extent; /* of a strip group: of each of its touches; else null */
    int32_t touch_begin;
} range_list;

static void add_range(range_list *list, int64_t *place, int32_t first, int32_t last, int64_t bytes)
{
    *place = -1;
    if (bytes == 0)
        return;
    list->places[list->count] = place;
    list->ranges[list->count++] =
        (live_range){.first = first, .last = last, .size = ceil_div(bytes, list->alignment)};
}

int32_t layout_last_touch(const mbs_plan *plan, int32_t touch, int32_t *written)
{
    int32_t last = *written = touch;
    for (int32_t over = touch; over >= 0; over = plan_overwriter(plan, last)) {
        *written = last = over;
        while (plan->resident[last])
            last = plan->program->touches[last].next;
    }
    return last;
}

/*
 * Adds the tensor that the group's steps touch first at touch t, or first since it was gone, and
 * what is written over it.
 */
static void add_tensor(range_list *list, buffer_layout *layout, const mbs_plan *plan,
                       const mbs_group *group, int32_t t)
{
    const mbs_touch *touches = plan->program->touches;
    int32_t written;
    const int32_t last = layout_last_touch(plan, t, &written);
    layout->ring[t] = false;
    if (list->extent == NULL) {
        layout->bytes[t] = operand_bytes(plan, group, t);
    } else {
        const strip_extent extent = list->extent[written - list->touch_begin];
        layout->ring[t] = extent.kept > 0;
        layout->bytes[t] = layout_passes(plan, group, t) ? extent.kept : extent.size;
    }
    if (layout->ring[t])
        add_range(list, &layout->touch[t], group->first, group->end - 1, layout->bytes[t]);
    else
        add_range(list, &layout->touch[t], touches[t].step, touches[last].step, layout->bytes[t]);
}

static void add_step(range_list *list, buffer_layout *layout, const mbs_plan *plan,
                     const mbs_group *group, int32_t k)
{
    const mbs_step *step = &plan->program->steps[k];
    const bool whole = plan->mode[k] == MBS_STREAMED;
    for (int32_t t = step->touch_begin; t < step->touch_end; t++)
        if (!plan_arrives(plan, t) && !plan_overwrites(plan, t))
            add_tensor(list, layout, plan, group, t);
    add_range(list, &layout->weight[k], k, k, whole ? step->weight_bytes : 0);
    add_range(list, &layout->accumulator[k], k, k, whole ? step->accumulator_bytes : 0);
}

/* Gives the ranges' offsets to where they belong. */
static void hand_out(const range_list *list, buffer_layout *layout, const mbs_plan *plan,
                     const mbs_group *group)
{
    const mbs_program *p = plan->program;
    for (int32_t i = 0; i < list->count; i++)
        *list->places[i] = list->ranges[i].offset * list->alignment;
    const int32_t end = p->steps[group->end - 1].touch_end;
    for (int32_t t = p->steps[group->first].touch_begin; t < end; t++) {
        const int32_t next = plan->resident[t] ? p->touches[t].next : plan_overwriter(plan, t);
        if (next >= 0) {
            layout->touch[next] = layout->touch[t];
            layout->bytes[next] = layout->bytes[t];
            layout->ring[next] = layout->ring[t];
        }
    }
}

static void close_list(range_list *list)
{
    mem_free(list->ranges);
    mem_free(list->places);
    mem_free(list->extent);
}

/* False if memory is out; to be closed all the same. */
static bool open_list(range_list *list, const mbs_plan *plan, const mbs_group *group,
                      int64_t alignment)
{
    const mbs_step *steps = plan->program->steps;
    const int32_t touch_begin = steps[group->first].touch_begin;
    const size_t most = (size_t)(steps[group->end - 1].touch_end - touch_begin) +
                        2 * (size_t)(group->end - group->first);
    *list = (range_list){.ranges = mem_alloc(most * sizeof *list->ranges),
                         .places = mem_alloc(most * sizeof *list->places),
                         .alignment = alignment,
                         .touch_begin = touch_begin};
    if (group->strips > 1)
        list->extent = strips_find(plan->program, group->first, group->end, (int32_t)group->strips);
    return list->ranges != NULL && list->places != NULL &&
           (group->strips == 1 || list->extent != NULL);
}

mbs_status layout_place_group(buffer_layout *layout, const mbs_plan *plan, const mbs_group *group,
                              int64_t units, int64_t node_limit, plan_watch *watch,
                              placement *result, mbs_error *error)
{
    range_list list;
    mbs_status status =
        open_list(&list, plan, group, layout->alignment) ? MBS_OK : error_memory(error);
    for (int32_t k = group->first; k < group->end && status == MBS_OK; k++)
        add_step(&list, layout, plan, group, k);
    if (status == MBS_OK)
        status = place_ranges(list.ranges, list.count, units, node_limit, watch, result, error);
    if (status == MBS_OK)
        hand_out(&list, layout, plan, group);
    close_list(&list);
    return status;
}

/* ---- Pinned parameters ----------------------------------------------------------------------- */

static void stack(const buffer_layout *layout, int64_t *offset, int64_t bytes, int64_t *unit)
{
    *offset = bytes > 0 ? *unit * layout->alignment : -1;
    *unit += ceil_div(bytes, layout->alignment);
}

void layout_place_pinned(buffer_layout *layout, const mbs_plan *plan, const mbs_group *group,
                         int64_t unit)
{
    for (int32_t k = group->first; k < group->end; k++) {
        const parameter_use *weights = &plan->program->steps[k].weight_use;
        const parameter_use *accumulators = &plan->program->steps[k].accumulator_use;
        if (use_is_first(weights, group->first))
            stack(layout, &layout->pinned_weight[k], plan->pinned_weight[k], &unit);
        else
            layout->pinned_weight[k] = layout->pinned_weight[weights->previous];
        if (use_is_first(accumulators, group->first))
            stack(layout, &layout->pinned_accumulator[k], plan->pinned_accumulator[k], &unit);
        else
            layout->pinned_accumulator[k] = layout->pinned_accumulator[accumulators->previous];
    }
}

int64_t layout_pinned_units(const buffer_layout *layout, const mbs_plan *plan,
                            const mbs_group *group)
{
    int64_t units = 0;
    for (int32_t k = group->first; k < group->end; k++) {
        const mbs_step *step = &plan->program->steps[k];
        if (use_is_first(&step->weight_use, group->first))
            units += ceil_div(plan->pinned_weight[k], layout->alignment);
        if (use_is_first(&step->accumulator_use, group->first))
            units += ceil_div(plan->pinned_accumulator[k], layout->alignment);
    }
    return units;
}
