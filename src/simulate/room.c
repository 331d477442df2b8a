#include "simulate/room.h"

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "cost/footprint.h"
#include "place/ahead.h"
#include "place/fit.h"
#include "place/regions.h"

/* One for the array, one for the vector unit and one for DRAM. */
#define MOST_COPIES 3

/* ---- Places ---------------------------------------------------------------------------------- */

/* Bytes [offset, end) of the buffer. */
typedef struct span {
    int64_t offset;
    int64_t end;
} span;

/* The step at hand, while what is in its way is looked for. */
typedef struct finder {
    const mbs_plan *plan;
    const buffer_layout *layout;
    const bool *stores;
    span *spans; /* where something is to go */
    int32_t count;
} finder;

static void add_span(finder *f, int64_t offset, int64_t bytes)
{
    if (offset >= 0 && bytes > 0)
        f->spans[f->count++] = (span){offset, offset + bytes};
}

static bool meets(const finder *f, int64_t offset, int64_t bytes)
{
    for (int32_t i = 0; i < f->count; i++)
        if (offset >= 0 && f->spans[i].offset < offset + bytes && offset < f->spans[i].end)
            return true;
    return false;
}

/* Whether results of step k that go to DRAM are in one of the spans until then. */
static bool stores_there(const void *context, int32_t group, int32_t k)
{
    const finder *f = context;
    const mbs_group *of = &f->plan->groups[group];
    const mbs_step *step = &f->plan->program->steps[k];
    const int64_t pinned = f->plan->pinned_accumulator[k];
    for (int32_t t = step->write_begin; t < step->touch_end; t++)
        if (f->stores[t] && !layout_passes_through(f->plan, of, t) &&
            meets(f, f->layout->touch[t], f->layout->bytes[t]))
            return true;
    return meets(f, f->layout->accumulator[k], step->accumulator_bytes) ||
           (use_is_last(&step->accumulator_use, of->end) &&
            meets(f, f->layout->pinned_accumulator[k], pinned));
}

/* Where the results of step k go. */
static void find_results(finder *f, int32_t k, bool first)
{
    const mbs_step *step = &f->plan->program->steps[k];
    f->count = 0;
    for (int32_t t = step->write_begin; t < step->touch_end; t++)
        add_span(f, f->layout->touch[t], f->layout->bytes[t]);
    add_span(f, f->layout->accumulator[k], step->accumulator_bytes);
    if (first)
        add_span(f, f->layout->pinned_accumulator[k], f->plan->pinned_accumulator[k]);
}

static room_free find_free(finder *f, const buffer_regions *list, int32_t g, int32_t k, bool first)
{
    room_free found = {.used = WINDOW, .results_used = WINDOW};
    f->count = 0;
    for (int32_t index = list->begin[k]; index < list->begin[k + 1]; index++) {
        const buffer_region *region = &list->regions[index];
        if (region->touch < 0 && region->throughout && !first) /* pinned */
            continue;
        const int64_t used = regions_free_before(list, index, g, first, WINDOW);
        int64_t *least = region->comes ? &found.used : &found.results_used;
        *least = min_i64(*least, used);
        if (region->comes)
            add_span(f, region->offset, region->end - region->offset);
    }
    found.stored = regions_back(f->plan, g, k, first, WINDOW, stores_there, f);
    find_results(f, k, first);
    found.results = regions_back(f->plan, g, k, first, WINDOW, stores_there, f);
    return found;
}

static mbs_status find_all(room *r, finder *f, const buffer_regions *list, mbs_error *error)
{
    const mbs_program *p = f->plan->program;
    int32_t most = 0;
    for (int32_t k = 0; k < p->step_count; k++)
        if (p->steps[k].touch_end - p->steps[k].touch_begin > most)
            most = p->steps[k].touch_end - p->steps[k].touch_begin;
    f->spans = mem_alloc(((size_t)most + 4) * sizeof *f->spans);
    if (f->spans == NULL)
        return error_memory(error);
    for (int32_t g = 0; g < f->plan->group_count; g++)
        for (int32_t k = f->plan->groups[g].first; k < f->plan->groups[g].end; k++) {
            r->first[k] = find_free(f, list, g, k, true);
            r->later[k] = find_free(f, list, g, k, false);
        }
    mem_free(f->spans);
    return MBS_OK;
}

/* ---- The plan -------------------------------------------------------------------------------- */

/*
 * Where a group's data lie; if it finds no place, where the lowest placement has them. *copies, how
 * often they are to fit at most, becomes how often they do. `height` is that of one of them.
 */
static mbs_status place_group(buffer_layout *layout, const mbs_plan *plan, const mbs_group *group,
                              int64_t *copies, int64_t *nodes, int64_t *height, plan_watch *watch,
                              mbs_error *error)
{
    const int64_t units =
        plan_capacity(plan) / layout->alignment - layout_pinned_units(layout, plan, group);
    for (;; --*copies) {
        placement found;
        mbs_status status = layout_place_group(layout, plan, group, units / *copies,
                                               min_i64(*nodes, PLACE_NODES), watch, &found, error);
        if (status != MBS_OK)
            return status;
        *nodes -= found.nodes;
        *height = found.height;
        if (*copies == 1 || found.height <= units / *copies)
            break;
    }
    layout_place_pinned(layout, plan, group, *copies * *height);
    return MBS_OK;
}

/* How many iterations of a group its footprint leaves room for, as many as are of use. */
static int64_t most_copies(const mbs_plan *plan, const mbs_group *group)
{
    const int64_t pinned = plan_pinned_bytes(plan, group->first, group->end);
    const int64_t bytes = max_i64(plan_group_peak(plan, group) - pinned, 1);
    if (group->strips > 1 || group->iterations == 1)
        return 1;
    return max_i64(1, min_i64(MOST_COPIES, (plan_capacity(plan) - pinned) / bytes));
}

/* All groups, `limits` of them being where the first copy ends. */
static mbs_status place_groups(room *r, buffer_layout *layout, bool overlaps, int64_t *limits,
                               plan_watch *watch, mbs_error *error)
{
    int64_t nodes = PLACE_PLAN_NODES;
    int64_t executions = 0; /* few enough, as work_open has found */
    int64_t behind = -1;
    mbs_status status = MBS_OK;
    for (int32_t g = 0; g < r->plan->group_count && status == MBS_OK; g++) {
        const mbs_group *group = &r->plan->groups[g];
        int64_t height = 0;
        r->copies[g] = overlaps ? most_copies(r->plan, group) : 1;
        status = place_group(layout, r->plan, group, &r->copies[g], &nodes, &height, watch, error);
        limits[g] = r->copies[g] > 1 ? height * layout->alignment : plan_capacity(r->plan);
        r->behind[g] = behind;
        executions += group->iterations * (group->end - group->first);
        if (r->copies[g] > 1)
            behind = executions - 1;
    }
    return status;
}

mbs_status room_open(room *r, const mbs_plan *plan, const bool *stores,
                     const mbs_hardware *hardware, plan_watch *watch, mbs_error *error)
{
    const int64_t alignment = hardware->buffer_alignment_bytes;
    const bool overlaps = hardware->overlap == MBS_OVERLAP_GROUP;
    const size_t steps = (size_t)plan->program->step_count + 1;
    buffer_layout layout;
    buffer_regions list = {0};
    *r = (room){plan, mem_calloc(steps, sizeof *r->first), mem_calloc(steps, sizeof *r->later),
                mem_calloc((size_t)plan->group_count + 1, sizeof *r->copies),
                mem_calloc((size_t)plan->group_count + 1, sizeof *r->behind)};
    if (r->first == NULL || r->later == NULL || r->copies == NULL || r->behind == NULL)
        return error_memory(error);
    mbs_status status = layout_create(&layout, plan->program, alignment, error);
    if (status != MBS_OK)
        return status;
    finder f = {.plan = plan, .layout = &layout, .stores = stores};
    int64_t *limits = mem_calloc((size_t)plan->group_count + 1, sizeof *limits);
    status = limits != NULL ? place_groups(r, &layout, overlaps, limits, watch, error)
                            : error_memory(error);
    if (status == MBS_OK)
        status = layout_bring_forward(&layout, plan, limits, watch, error);
    mem_free(limits);
    if (status == MBS_OK)
        status = regions_create(&list, plan, &layout, error);
    if (status == MBS_OK)
        status = find_all(r, &f, &list, error);
    regions_free(&list);
    layout_free(&layout);
    return status;
}

void room_close(room *r)
{
    mem_free(r->first);
    mem_free(r->later);
    mem_free(r->copies);
    mem_free(r->behind);
    *r = (room){0};
}

/* The number of the last execution that is in the way, where `free` before this one are not. */
static int64_t before(const room *r, const room_at *at, int64_t free)
{
    const mbs_group *group = &r->plan->groups[at->group];
    const int64_t own = at->step - group->first; /* before it in its iteration */
    int64_t number = free < WINDOW ? at->number - 1 - free : -1;
    if (free >= own && at->iteration > 0) /* the iteration before it in the same place */
        number -= (r->copies[at->group] - 1) * (group->end - group->first);
    /* what is known of groups before is of the first of their places, and is asked of ours: the
     * others of theirs, and all before others of ours, are in the way */
    if (at->iteration == 0)
        number = max_i64(number, r->behind[at->group]);
    else if (at->iteration < r->copies[at->group])
        number = max_i64(number, at->base - 1);
    return number;
}

room_wait room_before(const room *r, const room_at *at)
{
    const room_free *of = at->iteration == 0 ? &r->first[at->step] : &r->later[at->step];
    return (room_wait){before(r, at, of->used), before(r, at, of->stored),
                       before(r, at, of->results), before(r, at, of->results_used)};
}
