/* What lies where in the buffer, for whoever draws or simulates it. */
#include "base/error.h"
#include "base/memory.h"
#include "emit/placed.h"

typedef struct map_builder {
    const mbs_plan *plan; /* as placed */
    const buffer_layout *layout;
    mbs_buffer_range *ranges;
    size_t count;
} map_builder;

/* Adds what lies at `offset`; nothing does if that is negative. */
static void add(map_builder *map, int64_t offset, mbs_buffer_range range)
{
    if (offset < 0)
        return;
    range.offset = offset;
    map->ranges[map->count++] = range;
}

/* Adds the tensor of touch t, unless an earlier touch of the group brought it in. */
static void add_tensor(map_builder *map, const mbs_group *group, int32_t t)
{
    const mbs_plan *plan = map->plan;
    const mbs_touch *touches = plan->program->touches;
    if (plan_arrives(plan, t))
        return;
    int32_t last = t;
    while (plan->resident[last])
        last = touches[last].next;
    /* what is written over it has its place from that step on */
    const int32_t last_step = touches[last].step - (plan_overwriter(plan, last) >= 0);
    const bool ring = map->layout->ring[t];
    if (last_step < touches[t].step || (ring && last_step < touches[last].step))
        return; /* it is in a place that is another's in all steps to be told of */
    add(map, map->layout->touch[t],
        (mbs_buffer_range){
            .content = ring ? MBS_BUFFER_RING : MBS_BUFFER_TENSOR,
            .first = (size_t)(ring ? group->first : touches[t].step),
            .last = (size_t)(ring ? group->end - 1 : last_step),
            .bytes = map->layout->bytes[t],
            .tensor = touches[t].tensor,
            .step = -1,
        });
}

static void add_parameters(map_builder *map, int32_t k, int64_t offset, int64_t bytes)
{
    add(map, offset,
        (mbs_buffer_range){.content = MBS_BUFFER_PARAMETERS,
                           .first = (size_t)k,
                           .last = (size_t)k,
                           .bytes = bytes,
                           .tensor = -1,
                           .step = k});
}

static void add_pinned(map_builder *map, const mbs_group *group, int32_t k, int64_t offset,
                       int64_t bytes)
{
    add(map, offset,
        (mbs_buffer_range){.content = MBS_BUFFER_PINNED,
                           .first = (size_t)group->first,
                           .last = (size_t)group->end - 1,
                           .bytes = bytes,
                           .tensor = -1,
                           .step = k});
}

static void add_group(map_builder *map, const mbs_group *group)
{
    const mbs_step *steps = map->plan->program->steps;
    const buffer_layout *layout = map->layout;
    for (int32_t k = group->first; k < group->end; k++) {
        for (int32_t t = steps[k].touch_begin; t < steps[k].touch_end; t++)
            add_tensor(map, group, t);
        add_parameters(map, k, layout->weight[k], steps[k].weight_bytes);
        add_parameters(map, k, layout->accumulator[k], steps[k].accumulator_bytes);
    }
    for (int32_t k = group->first; k < group->end; k++) {
        if (use_is_first(&steps[k].weight_use, group->first))
            add_pinned(map, group, k, layout->pinned_weight[k], map->plan->pinned_weight[k]);
        if (use_is_first(&steps[k].accumulator_use, group->first))
            add_pinned(map, group, k, layout->pinned_accumulator[k],
                       map->plan->pinned_accumulator[k]);
    }
}

mbs_status mbs_plan_buffer_map(mbs_buffer_range **ranges, size_t *count, const mbs_plan *plan,
                               const mbs_hardware *hardware, mbs_note_function *note,
                               void *note_context, mbs_error *error)
{
    const mbs_program *p = plan->program;
    placed_plan placed;
    *ranges = NULL;
    *count = 0;
    mbs_status status = plan_place(&placed, plan, hardware->buffer_alignment_bytes, NULL, error);
    if (status != MBS_OK)
        return status;
    const size_t most = (size_t)p->touch_count + 4 * (size_t)p->step_count;
    map_builder map = {placed.plan, &placed.layout, mem_alloc(most * sizeof *map.ranges), 0};
    if (map.ranges == NULL) {
        placed_plan_free(&placed);
        return error_memory(error);
    }
    for (int32_t g = 0; g < placed.plan->group_count; g++)
        add_group(&map, &placed.plan->groups[g]);
    placed_notes(&placed, plan, note, note_context);
    placed_plan_free(&placed);
    *ranges = map.ranges;
    *count = map.count;
    return MBS_OK;
}
