/* The extents of one strip group's tensors, from its last step to its first. */
#include <string.h>

#include "base/memory.h"
#include "cost/strips.h"

/* What the steps of the group from some touch of a tensor on ask of it, strip by strip. */
typedef struct demand {
    int32_t *needed; /* rows that must be there; null: no such step reads it */
    int32_t *used;   /* the first row still used */
} demand;

typedef struct finder {
    const mbs_program *program;
    int32_t first;
    int32_t end;
    int32_t strips;
    int32_t touch_begin; /* of the group; the arrays per touch begin there */
    int32_t touch_count;
    demand *demand;            /* per touch that reads: from it on */
    int32_t *done;             /* the rows done of the step at hand */
    const strips_watch *watch; /* or null */
    strip_extent *extent;
} finder;

/* What is asked of the tensor of touch t after it; null if no step of the group reads it then. */
static demand *demand_after(const finder *f, int32_t t)
{
    const mbs_touch *touches = f->program->touches;
    const int32_t next = touches[t].next;
    return next >= 0 && touches[next].step < f->end ? &f->demand[next - f->touch_begin] : NULL;
}

static void close_demand(demand *d)
{
    mem_free(d->needed);
    *d = (demand){0};
}

/* How far the step gets with each strip. */
static void find_progress(const finder *f, const mbs_step *step)
{
    bool is_read = false;
    memset(f->done, 0, (size_t)f->strips * sizeof *f->done);
    for (int32_t t = step->write_begin; t < step->touch_end; t++) {
        const demand *d = demand_after(f, t);
        if (d == NULL)
            continue;
        is_read = true;
        strips_demand(f->done, f->strips, f->program, t, d->needed);
    }
    if (!is_read)
        strips_spread(f->done, f->strips, step->rows);
    f->done[f->strips - 1] = (int32_t)step->rows;
}

static void find_written(const finder *f, int32_t t)
{
    const mbs_tensor *tensor = &f->program->tensors[f->program->touches[t].tensor];
    demand *d = demand_after(f, t);
    strip_extent *extent = &f->extent[t - f->touch_begin];
    if (strips_grows(f->program, t))
        *extent = strips_bytes(tensor, strips_rows(f->strips, f->done, d != NULL ? d->used : NULL));
    else
        *extent = (strip_extent){tensor->bytes, tensor->bytes};
    if (d != NULL)
        close_demand(d);
}

/* Takes the demand over from the touch after t, or begins it. False if memory is out. */
static bool begin_demand(const finder *f, int32_t t, demand *d)
{
    demand *after = demand_after(f, t);
    if (after != NULL) {
        *d = *after;
        *after = (demand){0};
        return true;
    }
    d->needed = mem_calloc(2 * (size_t)f->strips, sizeof *d->needed);
    if (d->needed == NULL)
        return false;
    d->used = d->needed + f->strips;
    for (int32_t i = 0; i < f->strips; i++)
        d->used[i] = INT32_MAX;
    return true;
}

static bool find_read(const finder *f, int32_t t)
{
    const mbs_touch *touch = &f->program->touches[t];
    const mbs_tensor *tensor = &f->program->tensors[touch->tensor];
    const row_link link = row_link_of(f->program, t);
    demand *d = &f->demand[t - f->touch_begin];
    if (!begin_demand(f, t, d))
        return false;
    strips_need(d->needed, f->strips, &link, f->done);
    strips_use(d->used, f->strips, &link, f->done);
    if (touch->previous >= f->touch_begin)
        return true;
    d->needed[f->strips - 1] = (int32_t)tensor->rows; /* all of it comes from DRAM in the end */
    f->extent[t - f->touch_begin] =
        strips_bytes(tensor, strips_rows(f->strips, d->needed, d->used));
    if (f->watch != NULL && f->watch->arrives != NULL)
        f->watch->arrives(f->watch->context, t, d->needed);
    close_demand(d);
    return true;
}

static bool find_all(const finder *f)
{
    const mbs_program *p = f->program;
    for (int32_t k = f->end - 1; k >= f->first; k--) {
        const mbs_step *step = &p->steps[k];
        find_progress(f, step);
        for (int32_t t = step->write_begin; t < step->touch_end; t++)
            find_written(f, t);
        for (int32_t t = step->touch_begin; t < step->write_begin; t++)
            if (!find_read(f, t))
                return false;
        if (f->watch != NULL)
            f->watch->step(f->watch->context, k, f->done);
    }
    return true;
}

static strip_extent *find(const mbs_program *program, int32_t first, int32_t end, int32_t strips,
                          const strips_watch *watch)
{
    finder f = {.program = program, .first = first, .end = end, .strips = strips, .watch = watch};
    f.touch_begin = program->steps[first].touch_begin;
    f.touch_count = program->steps[end - 1].touch_end - f.touch_begin;
    f.demand = mem_calloc((size_t)f.touch_count + 1, sizeof *f.demand);
    f.done = mem_alloc((size_t)strips * sizeof *f.done);
    f.extent = mem_calloc((size_t)f.touch_count + 1, sizeof *f.extent);
    const bool found = f.demand != NULL && f.done != NULL && f.extent != NULL && find_all(&f);
    for (int32_t i = 0; f.demand != NULL && i < f.touch_count; i++)
        close_demand(&f.demand[i]);
    if (!found) {
        mem_free(f.extent);
        f.extent = NULL;
    }
    mem_free(f.demand);
    mem_free(f.done);
    return f.extent;
}

strip_extent *strips_find(const mbs_program *program, int32_t first, int32_t end, int32_t strips)
{
    return find(program, first, end, strips, NULL);
}

bool strips_follow(const mbs_program *program, int32_t first, int32_t end, int32_t strips,
                   const strips_watch *watch)
{
    strip_extent *extent = find(program, first, end, strips, watch);
    mem_free(extent);
    return extent != NULL;
}

int64_t *strips_group_footprints(const mbs_plan *plan, const mbs_group *group)
{
    const mbs_program *p = plan->program;
    strip_extent *extent = strips_find(p, group->first, group->end, (int32_t)group->strips);
    int64_t *bytes = mem_alloc((size_t)(group->end - group->first) * sizeof *bytes);
    if (extent != NULL && bytes != NULL) {
        const strip_group strips = {
            p, group->first, group->end, extent, p->steps[group->first].touch_begin, plan->over};
        strips_footprints(&strips, plan->mode, false, bytes);
    } else {
        mem_free(bytes);
        bytes = NULL;
    }
    mem_free(extent);
    return bytes;
}
