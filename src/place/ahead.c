#include "place/ahead.h"

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "cost/footprint.h"
#include "place/regions.h"
#include "place/search.h"

/* Executions further back make no difference to where something is moved: for what comes ahead, */
#define FAR 16
/* and for results, which wait for those that the step before stores. */
#define NEAR 2

/* ---- Bringing forward ------------------------------------------------------------------------ */

/* Whether an operand that step s + 1 begins with is to come into the place. */
static bool is_awaited(const place_wanted *place, int32_t s)
{
    const buffer_regions *list = place->list;
    if (s + 1 >= list->plan->groups[place->group].end)
        return false;
    for (int32_t i = list->begin[s + 1]; i < list->begin[s + 2]; i++)
        if (list->regions[i].awaited && i != place->index && place_meets(place, &list->regions[i]))
            return true;
    return false;
}

/* Whether the region can be in the place: no other of its group is there at the same time. */
static bool is_free(const place_wanted *place)
{
    const buffer_regions *list = place->list;
    const buffer_region *own = &list->regions[place->index];
    for (int32_t i = list->live_begin[own->first]; i < list->live_begin[own->first + 1]; i++)
        if (list->live[i] != place->index && place_meets(place, &list->regions[list->live[i]]))
            return false;
    for (int32_t i = list->begin[own->first + 1]; i < list->begin[own->last + 1]; i++)
        if (place_meets(place, &list->regions[i]))
            return false;
    return !is_awaited(place, own->last) &&
           !regions_throughout(list, place->group, place->index, place->offset, place->end);
}

static bool in_the_way_of_place(const void *context, int32_t group, int32_t step)
{
    const place_wanted *place = context;
    return place_is_used(context, group, step) ||
           (group == place->group && is_awaited(place, step));
}

/* How good a place is: later iterations count first; -1: it is none. */
static int64_t worth(const place_wanted *place)
{
    const buffer_regions *list = place->list;
    const buffer_region *own = &list->regions[place->index];
    const mbs_group *group = &list->plan->groups[place->group];
    if (!is_free(place))
        return -1;
    const int64_t first =
        regions_back(list->plan, place->group, own->first, true, FAR, in_the_way_of_place, place);
    if (group->iterations == 1)
        return first;
    return first + (FAR + 1) * regions_back(list->plan, place->group, own->first, false, FAR,
                                            in_the_way_of_place, place);
}

/*
 * Tries the places right above what step s needs last; if `all`, which is of steps of the group
 * itself, above all that it has.
 */
static void try_above(place_wanted *best, int64_t *best_worth, int32_t s, bool all,
                      int64_t capacity)
{
    const buffer_regions *list = best->list;
    const int64_t size = best->end - best->offset;
    const int32_t live_end = list->live_begin[s + 1];
    const int32_t ledge_end = list->ledge_begin[best->group + 1];
    int32_t l = list->live_begin[s];
    int32_t t = all ? list->ledge_begin[best->group] : ledge_end;
    while (l < live_end || t < ledge_end) { /* both in the order of the regions */
        const int32_t live = l < live_end ? list->live[l] : INT32_MAX;
        const int32_t ledge = t < ledge_end ? list->ledges[t] : INT32_MAX;
        const int32_t index = live < ledge ? live : ledge;
        l += live == index;
        t += ledge == index;
        const buffer_region *below = &list->regions[index];
        place_wanted place = *best;
        place.offset = index == best->index ? 0 : below->end;
        place.end = place.offset + size;
        if (place.end > capacity || (below->last != s && !all))
            continue;
        const int64_t found = worth(&place);
        if (found > *best_worth) {
            *best_worth = found;
            *best = place;
        }
    }
}

static void move_region(buffer_region *region, const mbs_plan *plan, buffer_layout *layout,
                        const place_wanted *to)
{
    int32_t written;
    const int32_t last = layout_last_touch(plan, region->touch, &written);
    region->offset = to->offset;
    region->end = to->end;
    for (int32_t t = region->touch;;) {
        layout->touch[t] = to->offset;
        if (t == last)
            return;
        t = plan->resident[t] ? plan->program->touches[t].next : plan_overwriter(plan, t);
    }
}

static void bring_forward(buffer_regions *list, buffer_layout *layout, int32_t index, int32_t g,
                          int64_t capacity)
{
    const mbs_plan *plan = list->plan;
    const mbs_group *group = &plan->groups[g];
    buffer_region *own = &list->regions[index];
    const int64_t far = own->comes ? FAR : NEAR;
    place_wanted best = {list, index, own->offset, own->end, g};
    int64_t best_worth = worth(&best);
    const int64_t most = far * (group->iterations > 1 ? far + 2 : 1);
    const int64_t from = max_i64(own->first - far, 0);
    for (int32_t s = own->last; s >= from && best_worth < most; s--)
        try_above(&best, &best_worth, s, s == own->last, capacity);
    for (int32_t s = group->end; group->iterations > 1 && s-- > group->first && s > own->last &&
                                 best_worth < most && group->end - s <= far;)
        try_above(&best, &best_worth, s, s + 1 == group->end, capacity);
    if (best.offset != own->offset)
        move_region(own, plan, layout, &best);
    own->awaited = own->comes;
}

/* The group's regions, whose operands must end at `limit`. */
static mbs_status bring_group(buffer_regions *list, buffer_layout *layout, int32_t g, int64_t limit,
                              plan_watch *watch, mbs_error *error)
{
    const mbs_group *group = &list->plan->groups[g];
    const int64_t capacity = limit / layout->alignment * layout->alignment;
    for (int32_t i = list->begin[group->first]; i < list->begin[group->end]; i++) {
        if (plan_watch_is_over(watch))
            return place_stopped(error);
        if (list->regions[i].touch >= 0 && !list->regions[i].throughout)
            bring_forward(list, layout, i, g, capacity);
    }
    return MBS_OK;
}

mbs_status layout_bring_forward(buffer_layout *layout, const mbs_plan *plan, const int64_t *limits,
                                plan_watch *watch, mbs_error *error)
{
    buffer_regions list;
    mbs_status status = regions_create(&list, plan, layout, error);
    for (int32_t g = 0; g < plan->group_count && status == MBS_OK; g++)
        status = bring_group(&list, layout, g, limits != NULL ? limits[g] : plan_capacity(plan),
                             watch, error);
    regions_free(&list);
    return status;
}
