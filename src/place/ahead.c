#include "place/ahead.h"

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "cost/footprint.h"

/* Executions further back make no difference to where something is moved: for what comes ahead, */
#define FAR 16
/* and for results, which wait for those that the step before stores. */
#define NEAR 2

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

static bool is_live(const buffer_region *region, int32_t step)
{
    return region->throughout || (region->first <= step && step <= region->last);
}

/* The regions of each step of a group, which are [begin, list->count). */
static mbs_status find_live(buffer_regions *list, const mbs_group *group, int32_t begin,
                            int32_t *room, mbs_error *error)
{
    for (int32_t k = group->first; k < group->end; k++) {
        int32_t count = list->live_begin[k];
        const int64_t most = (int64_t)count + (list->count - begin);
        if (most > INT32_MAX / 2)
            return error_memory(error);
        if (most > *room) {
            *room = 2 * (int32_t)most;
            int32_t *live = mem_realloc(list->live, (size_t)*room * sizeof *live);
            if (live == NULL)
                return error_memory(error);
            list->live = live;
        }
        for (int32_t i = begin; i < list->count; i++)
            if (is_live(&list->regions[i], k))
                list->live[count++] = i;
        list->live_begin[k + 1] = count;
    }
    return MBS_OK;
}

mbs_status regions_create(buffer_regions *list, const mbs_plan *plan, const buffer_layout *layout,
                          mbs_error *error)
{
    const mbs_program *p = plan->program;
    const size_t most = (size_t)p->touch_count + 4 * (size_t)p->step_count + 1;
    int32_t room = p->touch_count + 1;
    *list = (buffer_regions){
        .plan = plan,
        .regions = mem_calloc(most, sizeof *list->regions),
        .group_begin = mem_calloc((size_t)plan->group_count + 1, sizeof *list->group_begin),
        .live = mem_alloc((size_t)room * sizeof *list->live),
        .live_begin = mem_calloc((size_t)p->step_count + 1, sizeof *list->live_begin)};
    mbs_status status = list->regions != NULL && list->group_begin != NULL && list->live != NULL &&
                                list->live_begin != NULL
                            ? MBS_OK
                            : error_memory(error);
    for (int32_t g = 0; g < plan->group_count && status == MBS_OK; g++) {
        const mbs_group *group = &plan->groups[g];
        const int32_t begin = list->count;
        for (int32_t k = group->first; k < group->end; k++)
            add_step(list, layout, group, k);
        status = find_live(list, group, begin, &room, error);
        list->group_begin[g + 1] = list->count;
    }
    if (status != MBS_OK)
        regions_free(list);
    return status;
}

void regions_free(buffer_regions *list)
{
    mem_free(list->regions);
    mem_free(list->group_begin);
    mem_free(list->live);
    mem_free(list->live_begin);
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

/* A place that is looked at for a region. */
typedef struct place_wanted {
    const buffer_regions *list;
    int32_t index; /* the region's */
    int64_t offset;
    int64_t end;
    int32_t group;
    int64_t far; /* so many executions back are looked at */
} place_wanted;

static bool overlaps(const buffer_region *region, const place_wanted *place)
{
    return region->offset < place->end && place->offset < region->end;
}

static bool place_is_used(const void *context, int32_t group, int32_t step)
{
    const place_wanted *place = context;
    const buffer_regions *list = place->list;
    const buffer_region *own = &list->regions[place->index];
    /* new rows go where rows were that no step after the last one needs */
    if (group == place->group && own->first <= step && step <= own->last)
        return true;
    for (int32_t i = list->live_begin[step]; i < list->live_begin[step + 1]; i++)
        if (list->live[i] != place->index && overlaps(&list->regions[list->live[i]], place))
            return true;
    return false;
}

int64_t regions_free_before(const buffer_regions *list, int32_t index, int32_t g, bool first,
                            int64_t most)
{
    const buffer_region *own = &list->regions[index];
    const place_wanted place = {list, index, own->offset, own->end, g, most};
    return regions_back(list->plan, g, own->first, first, most, place_is_used, &place);
}

/* ---- Bringing forward ------------------------------------------------------------------------ */

/* Whether an operand that step s + 1 begins with is to come into the place. */
static bool is_awaited(const place_wanted *place, int32_t s)
{
    const buffer_regions *list = place->list;
    if (s + 1 >= list->plan->groups[place->group].end)
        return false;
    for (int32_t i = list->live_begin[s + 1]; i < list->live_begin[s + 2]; i++) {
        const buffer_region *next = &list->regions[list->live[i]];
        if (next->awaited && next->first == s + 1 && list->live[i] != place->index &&
            overlaps(next, place))
            return true;
    }
    return false;
}

/* Whether the region can be in the place: no other of its group is there at the same time. */
static bool is_free(const place_wanted *place)
{
    const buffer_regions *list = place->list;
    const buffer_region *own = &list->regions[place->index];
    for (int32_t i = list->group_begin[place->group]; i < list->group_begin[place->group + 1];
         i++) {
        const buffer_region *other = &list->regions[i];
        const bool meets = other->throughout || (other->first - other->awaited <= own->last &&
                                                 own->first <= other->last);
        if (meets && i != place->index && overlaps(other, place))
            return false;
    }
    return true;
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

/* Tries the places right above what step s has; of what later steps have, too, if `all`. */
static void try_above(place_wanted *best, int64_t *best_worth, int32_t s, bool all,
                      int64_t capacity)
{
    const buffer_regions *list = best->list;
    const int64_t size = best->end - best->offset;
    for (int32_t i = list->live_begin[s]; i < list->live_begin[s + 1]; i++) {
        const buffer_region *below = &list->regions[list->live[i]];
        place_wanted place = *best;
        place.offset = list->live[i] == best->index ? 0 : below->end;
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
    place_wanted best = {list, index, own->offset, own->end, g, far};
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

mbs_status layout_bring_forward(buffer_layout *layout, const mbs_plan *plan, const int64_t *limits,
                                mbs_error *error)
{
    buffer_regions list;
    mbs_status status = regions_create(&list, plan, layout, error);
    for (int32_t g = 0; g < plan->group_count && status == MBS_OK; g++)
        for (int32_t i = list.group_begin[g]; i < list.group_begin[g + 1]; i++)
            if (list.regions[i].touch >= 0 && !list.regions[i].throughout)
                bring_forward(&list, layout, i, g,
                              (limits != NULL ? limits[g] : plan_capacity(plan)) /
                                  layout->alignment * layout->alignment);
    if (status == MBS_OK)
        regions_free(&list);
    return status;
}
