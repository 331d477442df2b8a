#include "simulate/room.h"

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "cost/footprint.h"
#include "place/ahead.h"
#include "place/fit.h"

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
    room_free found = {.used = WINDOW};
    f->count = 0;
    for (int32_t i = list->live_begin[k]; i < list->live_begin[k + 1]; i++) {
        const int32_t index = list->live[i];
        const buffer_region *region = &list->regions[index];
        const bool pinned = region->touch < 0 && region->throughout;
        if (region->first != k || !region->comes || (pinned && !first))
            continue;
        found.used = min_i64(found.used, regions_free_before(list, index, g, first, WINDOW));
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

/* Where each group's data lie; of one that finds no place, where the lowest placement has them. */
static mbs_status place_groups(buffer_layout *layout, const mbs_plan *plan, mbs_error *error)
{
    const int64_t units = plan_capacity(plan) / layout->alignment;
    int64_t nodes = PLACE_PLAN_NODES;
    mbs_status status = MBS_OK;
    for (int32_t g = 0; g < plan->group_count && status == MBS_OK; g++) {
        const mbs_group *group = &plan->groups[g];
        placement found;
        status = layout_place_group(layout, plan, group,
                                    units - layout_pinned_units(layout, plan, group),
                                    min_i64(nodes, PLACE_NODES), NULL, &found, error);
        if (status != MBS_OK)
            break;
        nodes -= found.nodes;
        layout_place_pinned(layout, plan, group, found.height);
    }
    return status;
}

mbs_status room_open(room *r, const mbs_plan *plan, const bool *stores, int64_t alignment,
                     mbs_error *error)
{
    const size_t steps = (size_t)plan->program->step_count + 1;
    buffer_layout layout;
    buffer_regions list = {0};
    *r = (room){mem_calloc(steps, sizeof *r->first), mem_calloc(steps, sizeof *r->later)};
    if (r->first == NULL || r->later == NULL)
        return error_memory(error);
    mbs_status status = layout_create(&layout, plan->program, alignment, error);
    if (status != MBS_OK)
        return status;
    finder f = {.plan = plan, .layout = &layout, .stores = stores};
    status = place_groups(&layout, plan, error);
    if (status == MBS_OK)
        status = layout_bring_forward(&layout, plan, error);
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
    *r = (room){0};
}

static int64_t before(int64_t number, int64_t free)
{
    return free < WINDOW ? number - 1 - free : -1;
}

room_wait room_before(const room *r, int32_t k, bool first, int64_t number)
{
    const room_free *of = first ? &r->first[k] : &r->later[k];
    return (room_wait){before(number, of->used), before(number, of->stored),
                       before(number, of->results)};
}
