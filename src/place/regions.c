#include "place/regions.h"

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "cost/footprint.h"
#include "place/sort.h"

/* ---- What the layout has --------------------------------------------------------------------- */

static void add_region(buffer_regions *list, const buffer_layout *layout, int64_t offset,
                       int64_t bytes, buffer_region region)
{
    if (offset < 0 || bytes == 0)
        return;
    region.offset = offset;
    region.end = offset + ceil_div(bytes, layout->alignment) * layout->alignment;
    list->regions[list->count++] = region;
}

static void add_parameters(buffer_regions *list, const buffer_layout *layout,
                           const mbs_group *group, int32_t k)
{
    const mbs_plan *plan = list->plan;
    const mbs_step *step = &plan->program->steps[k];
    const bool begun = step->accumulator_use.previous >= 0;
    const buffer_region own = {.first = k, .last = k, .touch = -1, .comes = true};
    add_region(list, layout, layout->weight[k], step->weight_bytes, own);
    buffer_region sums = own;
    sums.comes = begun || group->iterations > 1;
    add_region(list, layout, layout->accumulator[k], step->accumulator_bytes, sums);
    buffer_region pinned = own;
    pinned.throughout = true;
    if (use_is_first(&step->weight_use, group->first))
        add_region(list, layout, layout->pinned_weight[k], plan->pinned_weight[k], pinned);
    pinned.comes = begun;
    if (use_is_first(&step->accumulator_use, group->first))
        add_region(list, layout, layout->pinned_accumulator[k], plan->pinned_accumulator[k],
                   pinned);
}

static void add_step(buffer_regions *list, const buffer_layout *layout, const mbs_group *group,
                     int32_t k)
{
    const mbs_plan *plan = list->plan;
    const mbs_step *step = &plan->program->steps[k];
    for (int32_t t = step->touch_begin; t < step->touch_end; t++) {
        if (plan_arrives(plan, t) || plan_overwrites(plan, t))
            continue;
        int32_t written;
        const int32_t last = plan->program->touches[layout_last_touch(plan, t, &written)].step;
        add_region(list, layout, layout->touch[t], layout->bytes[t],
                   (buffer_region){.first = k,
                                   .last = last,
                                   .touch = t,
                                   .throughout = layout->ring[t],
                                   .comes = t < step->write_begin &&
                                            !layout_passes_through(plan, group, t)});
    }
    add_parameters(list, layout, group, k);
}

/* All regions, in the order of the steps that need them first. */
static void find_regions(buffer_regions *list, const buffer_layout *layout)
{
    for (int32_t g = 0; g < list->plan->group_count; g++)
        for (int32_t k = list->plan->groups[g].first; k < list->plan->groups[g].end; k++) {
            list->begin[k] = list->count;
            add_step(list, layout, &list->plan->groups[g], k);
            list->begin[k + 1] = list->count;
        }
}

/* The regions that each step is within. */
static mbs_status find_live(buffer_regions *list, mbs_error *error)
{
    const int32_t steps = list->plan->program->step_count;
    int64_t count = 0;
    for (int32_t i = 0; i < list->count; i++)
        count += list->regions[i].last - list->regions[i].first + 1;
    list->live = count < INT32_MAX ? mem_alloc(((size_t)count + 1) * sizeof *list->live) : NULL;
    if (list->live == NULL)
        return error_memory(error);
    /* live_begin[k + 2] first counts what step k has; then live_begin[k + 1] is where its next goes
     */
    for (int32_t i = 0; i < list->count; i++)
        for (int32_t k = list->regions[i].first; k <= list->regions[i].last; k++)
            list->live_begin[k + 2]++;
    for (int32_t k = 0; k < steps; k++)
        list->live_begin[k + 2] += list->live_begin[k + 1];
    for (int32_t i = 0; i < list->count; i++)
        for (int32_t k = list->regions[i].first; k <= list->regions[i].last; k++)
            list->live[list->live_begin[k + 1]++] = i;
    return MBS_OK;
}

/* Those that group g has throughout; `entries` has room for all of them. */
static void find_throughout(buffer_regions *list, int32_t g, sort_entry *entries)
{
    const mbs_group *group = &list->plan->groups[g];
    int32_t *own = list->throughout + list->throughout_begin[g];
    int32_t *ledges = list->ledges + list->ledge_begin[g];
    int32_t count = 0;
    int32_t ledge_count = 0;
    for (int32_t i = list->begin[group->first]; i < list->begin[group->end]; i++)
        if (list->regions[i].throughout)
            entries[count++] =
                (sort_entry){.first_key = -(double)list->regions[i].offset, .index = i};
    sort_entries(entries, count);
    for (int32_t n = 0; n < count; n++) {
        own[n] = entries[n].index;
        entries[n].first_key = 0; /* from now on by index */
        if (n + 1 == count ||
            list->regions[entries[n + 1].index].offset > list->regions[entries[n].index].end)
            entries[ledge_count++].index = own[n];
    }
    sort_entries(entries, ledge_count);
    for (int32_t n = 0; n < ledge_count; n++)
        ledges[n] = entries[n].index;
    list->throughout_begin[g + 1] = list->throughout_begin[g] + count;
    list->ledge_begin[g + 1] = list->ledge_begin[g] + ledge_count;
}

static mbs_status find_all_throughout(buffer_regions *list, mbs_error *error)
{
    int32_t count = 0;
    for (int32_t i = 0; i < list->count; i++)
        count += list->regions[i].throughout;
    sort_entry *entries = mem_alloc(((size_t)count + 1) * sizeof *entries);
    list->throughout = mem_alloc(((size_t)count + 1) * sizeof *list->throughout);
    list->ledges = mem_alloc(((size_t)count + 1) * sizeof *list->ledges);
    const bool has_room = entries != NULL && list->throughout != NULL && list->ledges != NULL;
    for (int32_t g = 0; g < list->plan->group_count && has_room; g++)
        find_throughout(list, g, entries);
    mem_free(entries);
    return has_room ? MBS_OK : error_memory(error);
}

mbs_status regions_create(buffer_regions *list, const mbs_plan *plan, const buffer_layout *layout,
                          mbs_error *error)
{
    const mbs_program *p = plan->program;
    const size_t most = (size_t)p->touch_count + 4 * (size_t)p->step_count + 1;
    const size_t groups = (size_t)plan->group_count + 1;
    const size_t steps = (size_t)p->step_count + 2;
    *list = (buffer_regions){.plan = plan,
                             .regions = mem_calloc(most, sizeof *list->regions),
                             .begin = mem_calloc(steps, sizeof *list->begin),
                             .live_begin = mem_calloc(steps, sizeof *list->live_begin),
                             .throughout_begin = mem_calloc(groups, sizeof *list->throughout_begin),
                             .ledge_begin = mem_calloc(groups, sizeof *list->ledge_begin)};
    mbs_status status = list->regions != NULL && list->begin != NULL && list->live_begin != NULL &&
                                list->throughout_begin != NULL && list->ledge_begin != NULL
                            ? MBS_OK
                            : error_memory(error);
    if (status == MBS_OK) {
        find_regions(list, layout);
        status = find_live(list, error);
    }
    if (status == MBS_OK)
        status = find_all_throughout(list, error);
    if (status != MBS_OK)
        regions_free(list);
    return status;
}

void regions_free(buffer_regions *list)
{
    mem_free(list->regions);
    mem_free(list->begin);
    mem_free(list->live);
    mem_free(list->live_begin);
    mem_free(list->throughout);
    mem_free(list->throughout_begin);
    mem_free(list->ledges);
    mem_free(list->ledge_begin);
    *list = (buffer_regions){0};
}

/* ---- Backwards ------------------------------------------------------------------------------- */

/* Steps from `from` down to `to`; *count goes up for each that is not in the way. */
static bool go_back(int32_t g, int32_t from, int32_t to, int64_t most, regions_test *in_the_way,
                    const void *context, int64_t *count)
{
    for (int32_t s = from; s >= to && *count < most; s--, ++*count)
        if (in_the_way(context, g, s))
            return false;
    return *count < most;
}

int64_t regions_back(const mbs_plan *plan, int32_t g, int32_t k, bool first, int64_t most,
                     regions_test *in_the_way, const void *context)
{
    const mbs_group *group = &plan->groups[g];
    int64_t count = 0;
    bool going = go_back(g, k - 1, group->first, most, in_the_way, context, &count);
    if (!first) {
        /* of what is in no step's way an earlier iteration of this step was, too */
        if (going && go_back(g, group->end - 1, k, most, in_the_way, context, &count))
            return most;
        return count;
    }
    while (going && g-- > 0) {
        group = &plan->groups[g];
        going = go_back(g, group->end - 1, group->first, most, in_the_way, context, &count);
        /* what no step of the last iteration is in the way of, none of the others is */
        if (going)
            count += (group->iterations - 1) * (group->end - group->first);
        going = going && count < most;
    }
    return min_i64(count, most);
}

bool regions_throughout(const buffer_regions *list, int32_t g, int32_t index, int64_t offset,
                        int64_t end)
{
    int32_t low = list->throughout_begin[g];
    const int32_t last = list->throughout_begin[g + 1];
    for (int32_t high = last; low < high;) { /* none is in another, so their ends go up as well */
        const int32_t middle = low + (high - low) / 2;
        if (list->regions[list->throughout[middle]].end <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < last && list->regions[list->throughout[low]].offset < end; low++)
        if (list->throughout[low] != index)
            return true;
    return false;
}

bool place_is_used(const void *context, int32_t group, int32_t step)
{
    const place_wanted *place = context;
    const buffer_regions *list = place->list;
    const buffer_region *own = &list->regions[place->index];
    /* new rows go where rows were that no step after the last one needs */
    if (group == place->group && own->first <= step && step <= own->last)
        return true;
    for (int32_t i = list->live_begin[step]; i < list->live_begin[step + 1]; i++)
        if (list->live[i] != place->index && place_meets(place, &list->regions[list->live[i]]))
            return true;
    return regions_throughout(list, group, place->index, place->offset, place->end);
}

int64_t regions_free_before(const buffer_regions *list, int32_t index, int32_t g, bool first,
                            int64_t most)
{
    const buffer_region *own = &list->regions[index];
    const place_wanted place = {list, index, own->offset, own->end, g};
    return regions_back(list->plan, g, own->first, first, most, place_is_used, &place);
}
