#include "explain/parts.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "cost/footprint.h"
#include "cost/strips.h"

const char *part_role_name(part_role role)
{
    static const char *const names[PART_ROLE_COUNT] = {
        [PART_CROSSING] = "crossing", [PART_RESIDENT] = "resident",
        [PART_STAGED] = "staged",     [PART_SAMPLE] = "one_sample",
        [PART_BLOCK] = "block",       [PART_PARAMETERS] = "parameters",
        [PART_RING] = "ring",         [PART_PINNED] = "pinned",
    };
    return names[role];
}

/* There is room: a part per touch of the group and two more. */
static void add(part_list *list, part_role role, int32_t tensor, int64_t bytes)
{
    if (bytes == 0)
        return;
    list->parts[list->count++] = (part){role, tensor, bytes};
    list->bytes += bytes;
}

static int by_bytes(const void *left, const void *right)
{
    const part *a = left;
    const part *b = right;
    if (a->bytes != b->bytes)
        return a->bytes > b->bytes ? -1 : 1;
    if (a->tensor != b->tensor)
        return a->tensor < b->tensor ? -1 : 1;
    return (a->role > b->role) - (a->role < b->role);
}

static bool stays(const mbs_plan *plan, int32_t t)
{
    return plan->resident[t] || plan_arrives(plan, t);
}

/* ---- Whole samples --------------------------------------------------------------------------- */

static void add_crossing(part_list *list, const mbs_plan *plan, const mbs_group *group, int32_t k)
{
    const mbs_program *p = plan->program;
    const int32_t begin = p->steps[group->first].touch_begin;
    for (int32_t t = begin; t < p->steps[k].touch_begin; t++) {
        const mbs_touch *touch = &p->touches[t];
        if (plan->resident[t] && p->touches[touch->next].step > k)
            add(list, PART_CROSSING, touch->tensor,
                group->sub_batch * p->tensors[touch->tensor].bytes);
    }
}

static void add_operands(part_list *list, const mbs_plan *plan, const mbs_group *group, int32_t k)
{
    const mbs_program *p = plan->program;
    const mbs_step *step = &p->steps[k];
    const bool streamed = plan->mode[k] == MBS_STREAMED;
    const int32_t over = plan->over[k];
    for (int32_t t = step->touch_begin; t < step->touch_end; t++) {
        const int32_t tensor = p->touches[t].tensor;
        const int64_t bytes = p->tensors[tensor].bytes;
        if (over >= 0 && t == step->write_begin) /* is where the operand is */
            continue;
        if (stays(plan, t) || (t == over && plan->resident[step->write_begin]))
            add(list, PART_RESIDENT, tensor, group->sub_batch * bytes);
        else if (!streamed)
            add(list, PART_STAGED, tensor, group->sub_batch * bytes);
        else if (step->whole_sample)
            add(list, PART_SAMPLE, tensor, bytes);
    }
    if (streamed)
        add(list, PART_PARAMETERS, -1, step_parameter_bytes(step));
}

/* ---- Strips ---------------------------------------------------------------------------------- */

static mbs_status add_strips(part_list *list, const mbs_plan *plan, const mbs_group *group,
                             int32_t k, mbs_error *error)
{
    const mbs_program *p = plan->program;
    const int32_t begin = p->steps[group->first].touch_begin;
    strip_extent *extent = strips_find(p, group->first, group->end, (int32_t)group->strips);
    if (extent == NULL)
        return error_memory(error);
    const strip_group strips = {p, group->first, group->end, extent, begin, plan->over};
    for (int32_t t = begin; t < p->steps[group->end - 1].touch_end; t++) {
        const mbs_touch *touch = &p->touches[t];
        if (touch->previous >= 0 && p->touches[touch->previous].step >= group->first)
            continue;
        const strip_place place = strips_place(&strips, t, plan->mode[touch->step] == MBS_STREAMED);
        if (place.is_ring)
            add(list, PART_RING, touch->tensor, place.bytes);
        else if (place.first <= k && k <= place.last)
            add(list, PART_BLOCK, touch->tensor, place.bytes);
    }
    if (plan->mode[k] == MBS_STREAMED)
        add(list, PART_PARAMETERS, -1, step_parameter_bytes(&p->steps[k]));
    mem_free(extent);
    return MBS_OK;
}

/* ---- Both ------------------------------------------------------------------------------------ */

mbs_status parts_of_step(part_list *list, const mbs_plan *plan, const mbs_group *group, int32_t k,
                         mbs_error *error)
{
    const mbs_program *p = plan->program;
    const int32_t touches = p->steps[group->end - 1].touch_end - p->steps[group->first].touch_begin;
    mbs_status status = MBS_OK;
    *list = (part_list){.step = k};
    list->parts = mem_alloc(((size_t)touches + 2) * sizeof *list->parts);
    if (list->parts == NULL)
        return error_memory(error);
    if (plan->mode[k] == MBS_PASSES)
        return MBS_OK; /* its tiles are in the array's own buffers */
    if (group->strips > 1) {
        status = add_strips(list, plan, group, k, error);
    } else {
        add_crossing(list, plan, group, k);
        add_operands(list, plan, group, k);
    }
    add(list, PART_PINNED, -1, plan_pinned_bytes(plan, group->first, group->end));
    qsort(list->parts, (size_t)list->count, sizeof *list->parts, by_bytes);
    return status;
}

mbs_status parts_find_peak(int32_t *step, const mbs_plan *plan, const mbs_group *group,
                           mbs_error *error)
{
    int64_t *strips = NULL;
    int64_t most = -1;
    *step = group->first;
    if (group->strips > 1 && (strips = strips_group_footprints(plan, group)) == NULL)
        return error_memory(error);
    footprint_walk walk = footprint_walk_begin(plan, group, group->sub_batch);
    for (int32_t k = group->first; k < group->end; k++) {
        const int64_t bytes =
            strips != NULL ? strips[k - group->first] : footprint_walk_step(&walk, k);
        if (bytes > most)
            *step = k;
        most = bytes > most ? bytes : most;
    }
    mem_free(strips);
    return MBS_OK;
}

void part_list_free(part_list *list)
{
    mem_free(list->parts);
    *list = (part_list){.step = -1};
}
