#include "simulate/work.h"

#include <inttypes.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "cost/strips.h"
#include "place/layout.h"
#include "simulate/product.h"

/* Some minutes of simulation. */
#define MOST_EXECUTIONS INT64_C(4000000000)

/* ---- The plan -------------------------------------------------------------------------------- */

static bool count_executions(work *w)
{
    for (int32_t g = 0; g < w->plan->group_count; g++) {
        const mbs_group *group = &w->plan->groups[g];
        w->bases[g] = w->count;
        for (int32_t k = group->first; k < group->end; k++)
            w->group_of[k] = g;
        if (!checked_add_product(&w->count, group->iterations, group->end - group->first) ||
            w->count > MOST_EXECUTIONS)
            return false;
    }
    return true;
}

/* Which results go to DRAM: those that some later step does not find in the buffer. */
static void find_stores(work *w)
{
    const mbs_program *p = w->plan->program;
    for (int32_t k = 0; k < p->step_count; k++)
        for (int32_t t = p->steps[k].write_begin; t < p->steps[k].touch_end; t++) {
            bool stores = p->tensors[p->touches[t].tensor].kept;
            for (int32_t at = t; p->touches[at].next >= 0 && !stores; at = p->touches[at].next)
                stores = !w->plan->resident[at];
            w->stores[t] = stores;
        }
}

mbs_status work_open(work *w, const mbs_plan *plan, const mbs_hardware *hardware, plan_watch *watch,
                     mbs_error *error)
{
    const mbs_program *p = plan->program;
    *w = (work){.plan = plan, .hardware = hardware, .group = -1};
    w->bases = mem_calloc((size_t)plan->group_count + 1, sizeof *w->bases);
    w->group_of = mem_calloc((size_t)p->step_count + 1, sizeof *w->group_of);
    w->stores = mem_calloc((size_t)p->touch_count + 1, sizeof *w->stores);
    if (w->bases == NULL || w->group_of == NULL || w->stores == NULL)
        return error_memory(error);
    if (!count_executions(w))
        return error_set(error, MBS_ERR_INPUT,
                         "plan of network %s: found more than %" PRId64
                         " executions of steps, too many to simulate",
                         quoted(p->network_name).text, MOST_EXECUTIONS);
    find_stores(w);
    return room_open(&w->room, plan, w->stores, hardware, watch, error);
}

void work_close(work *w)
{
    mem_free(w->bases);
    mem_free(w->group_of);
    mem_free(w->stores);
    room_close(&w->room);
    strip_progress_free(&w->progress);
}

int64_t work_slices(const mbs_hardware *hardware, int64_t bytes)
{
    if (hardware->slice_bytes <= 0)
        return bytes > 0;
    return min_i64(ceil_div(bytes, hardware->slice_bytes), MOST_SLICES);
}

/* ---- What moves ------------------------------------------------------------------------------ */

/* The execution at hand, while it is found. */
typedef struct finder {
    work *w;
    const mbs_group *group;
    const mbs_step *step;
    int32_t k;
    int64_t samples;
    int64_t end_sample;
    int64_t strip;
    int64_t largest; /* bytes that move in one piece, one after another */
    execution *found;
} finder;

static void move(finder *f, int64_t *where, int64_t bytes)
{
    *where += bytes;
    f->largest = max_i64(f->largest, bytes);
}

/* The last execution of step k, in an earlier group or in the same iteration, for these samples. */
static int64_t execution_before(const finder *f, int32_t k)
{
    const work *w = f->w;
    const int32_t g = w->group_of[k];
    const mbs_group *group = &w->plan->groups[g];
    int64_t iteration = f->found->iteration;
    if (group != f->group)
        iteration = group->strips > 1 ? f->end_sample * group->strips - 1
                                      : (f->end_sample - 1) / group->sub_batch;
    return w->bases[g] + iteration * (group->end - group->first) + (k - group->first);
}

static int64_t operand_bytes(const finder *f, int32_t t, strip_span rows)
{
    const mbs_tensor *tensor =
        &f->w->plan->program->tensors[f->w->plan->program->touches[t].tensor];
    if (f->group->strips == 1)
        return f->samples * tensor->bytes;
    return strips_row_bytes(tensor, rows.after) - strips_row_bytes(tensor, rows.before);
}

static void find_reads(finder *f)
{
    const mbs_program *p = f->w->plan->program;
    execution *e = f->found;
    for (int32_t t = f->step->touch_begin; t < f->step->write_begin; t++) {
        const int32_t producer = p->tensors[p->touches[t].tensor].producer;
        if (plan_arrives(f->w->plan, t))
            continue;
        strip_span rows = {0, 0};
        if (f->group->strips > 1)
            rows = strip_progress_arrival(&f->w->progress, t, f->strip);
        const int64_t bytes = f->group->passes * operand_bytes(f, t, rows);
        move(f, layout_passes_through(f->w->plan, f->group, t) ? &e->in.passing : &e->in.placed,
             bytes);
        if (producer >= 0)
            e->after_store = max_i64(e->after_store, execution_before(f, producer));
    }
}

static void find_writes(finder *f)
{
    const mbs_plan *plan = f->w->plan;
    const mbs_program *p = plan->program;
    execution *e = f->found;
    for (int32_t t = f->step->write_begin; t < f->step->touch_end; t++) {
        const mbs_tensor *tensor = &p->tensors[p->touches[t].tensor];
        if (!f->w->stores[t])
            continue;
        strip_span rows = {0, 0};
        if (f->group->strips > 1 && strips_grows(p, t)) {
            rows = strip_progress_step(&f->w->progress, f->k, f->strip);
        } else if (f->group->strips > 1) { /* whole: there with the last strip */
            if (f->strip == f->group->strips - 1)
                move(f, &e->out.whole, tensor->bytes);
            continue;
        }
        const int64_t bytes = operand_bytes(f, t, rows);
        move(f, layout_passes_through(plan, f->group, t) ? &e->out.passing : &e->out.placed, bytes);
    }
}

/* The execution that last added to the accumulators of the step at hand; -1: none. */
static int64_t added_before(const finder *f)
{
    const mbs_step *steps = f->w->plan->program->steps;
    const int32_t length = f->group->end - f->group->first;
    const int64_t begin = f->w->next - (f->k - f->group->first); /* of this iteration */
    const int32_t previous = f->step->accumulator_use.previous;
    int32_t last = f->k;
    if (previous >= f->group->first)
        return begin + (previous - f->group->first);
    if (f->found->iteration > 0) {
        while (!use_is_last(&steps[last].accumulator_use, f->group->end))
            last = steps[last].accumulator_use.next;
        return begin - length + (last - f->group->first);
    }
    if (previous < 0)
        return -1;
    const int32_t g = f->w->group_of[previous];
    const mbs_group *group = &f->w->plan->groups[g];
    return f->w->bases[g] + (group->iterations - 1) * (group->end - group->first) +
           (previous - group->first);
}

static void find_accumulators(finder *f)
{
    const mbs_plan *plan = f->w->plan;
    const mbs_step *step = f->step;
    const bool streamed = plan->mode[f->k] == MBS_STREAMED;
    const bool begun = step->accumulator_use.previous >= 0;
    const int64_t pinned = plan->pinned_accumulator[f->k];
    const int64_t rest = step->accumulator_bytes - pinned;
    execution *e = f->found;
    if (step->accumulator_bytes == 0)
        return;
    const int64_t before = added_before(f);
    const bool own = before >= 0 && before == f->w->next - (f->group->end - f->group->first);
    if (e->iteration > 0 || begun)
        move(f, streamed ? &e->in.whole : &e->in.passing, rest);
    /* the update behind it takes what the last iteration completes, tile by tile */
    const bool last = e->iteration == f->group->iterations - 1;
    const bool hands_on = last && program_hands_on(plan->program, f->k, f->group->end);
    if (!hands_on)
        move(f, streamed ? &e->out.whole : &e->out.passing, rest);
    if (e->iteration == 0 && begun && use_is_first(&step->accumulator_use, f->group->first))
        move(f, &e->in.whole, pinned);
    if (last && !hands_on && use_is_last(&step->accumulator_use, f->group->end))
        move(f, &e->out.whole, pinned);
    if (rest > 0 && own && !streamed)
        e->sums_of = before;
    else if (rest > 0 || e->iteration == 0)
        e->after_store = max_i64(e->after_store, before);
}

/*
 * An update runs with the last iteration: it reads its gradient, unless the group has the step that
 * completes it, state and masters, and writes these and weights.
 */
static void find_update(finder *f)
{
    const work *w = f->w;
    const weight_update *update = &f->step->update;
    execution *e = f->found;
    if (e->iteration < f->group->iterations - 1)
        return;
    if (f->k == f->group->first) {
        const int32_t g = w->group_of[f->k - 1];
        const mbs_group *before = &w->plan->groups[g];
        move(f, &e->in.passing, w->plan->program->steps[f->k - 1].accumulator_bytes);
        e->after_store = w->bases[g] + before->iterations * (before->end - before->first) - 1;
    }
    move(f, &e->in.passing, update->state_bytes + update->old_bytes);
    move(f, &e->out.passing, update->state_bytes + update->new_bytes);
}

static void find_weights(finder *f)
{
    const mbs_plan *plan = f->w->plan;
    const mbs_step *step = f->step;
    const int64_t pinned = plan->pinned_weight[f->k];
    execution *e = f->found;
    move(f, plan->mode[f->k] == MBS_STREAMED ? &e->in.whole : &e->in.passing,
         step->weight_bytes - pinned);
    if (e->iteration == 0 && use_is_first(&step->weight_use, f->group->first))
        move(f, &e->in.whole, pinned);
}

/* ---- What is computed ------------------------------------------------------------------------ */

/* What the first n of a step's rows have of `whole`. */
static int64_t share_of(int64_t whole, int64_t n, int64_t rows)
{
    return whole / rows * n + ceil_div(whole % rows * n, rows);
}

static double cycles_of(const finder *f)
{
    const mbs_program *p = f->w->plan->program;
    const mbs_hardware *hardware = f->w->hardware;
    strip_span rows = {0, f->step->rows};
    if (f->group->strips > 1)
        rows = strip_progress_step(&f->w->progress, f->k, f->strip);
    const bool whole = f->group->strips == 1;
    if (f->step->update.is_update)
        return f->found->iteration < f->group->iterations - 1
                   ? 0
                   : (double)f->step->update.elements / (double)hardware->vector_elements_per_cycle;
    if (f->step->gemm.m > 0) {
        mbs_gemm gemm = f->step->gemm;
        int64_t *cut = gemm.samples_in_k ? &gemm.k : &gemm.m;
        if (!whole)
            *cut = share_of(*cut, rows.after, f->step->rows) -
                   share_of(*cut, rows.before, f->step->rows);
        return *cut == 0 ? 0
                         : product_cycles(&gemm, whole ? f->samples : 1, hardware,
                                          f->w->plan->double_buffered);
    }
    double elements = 0;
    for (int32_t t = f->step->touch_begin; t < f->step->touch_end; t++)
        elements += (double)p->tensors[p->touches[t].tensor].elements *
                    (t < f->step->write_begin ? (double)f->group->passes : 1);
    elements *=
        whole ? (double)f->samples : (double)(rows.after - rows.before) / (double)f->step->rows;
    return elements / (double)hardware->vector_elements_per_cycle;
}

/* ---- One after another ----------------------------------------------------------------------- */

static mbs_status enter_group(work *w, mbs_error *error)
{
    const mbs_group *group = &w->plan->groups[w->group];
    w->iteration = 0;
    strip_progress_free(&w->progress);
    if (group->strips > 1 && !strip_progress_find(&w->progress, w->plan, group))
        return error_memory(error);
    return MBS_OK;
}

/* Goes to where the next execution is; false at the end. */
static bool step_on(work *w, mbs_status *status, mbs_error *error)
{
    const mbs_group *groups = w->plan->groups;
    if (w->group >= 0 && ++w->step < groups[w->group].end)
        return true;
    if (w->group < 0 || ++w->iteration == groups[w->group].iterations) {
        if (++w->group == w->plan->group_count)
            return false;
        *status = enter_group(w, error);
    }
    w->step = groups[w->group].first;
    return *status == MBS_OK;
}

bool work_next(work *w, execution *next, mbs_status *status, mbs_error *error)
{
    if (!step_on(w, status, error))
        return false;
    const mbs_group *group = &w->plan->groups[w->group];
    const int64_t first = w->iteration / group->strips * group->sub_batch;
    const int64_t end = min_i64(first + group->sub_batch, w->plan->batch);
    finder f = {.w = w,
                .group = group,
                .step = &w->plan->program->steps[w->step],
                .k = w->step,
                .samples = end - first,
                .end_sample = end,
                .strip = w->iteration % group->strips,
                .found = next};
    const room_at at = {w->group, w->step, w->iteration, w->next, w->bases[w->group]};
    *next = (execution){.group = w->group,
                        .step = w->step,
                        .iteration = w->iteration,
                        .is_array = f.step->gemm.m > 0,
                        .room = room_before(&w->room, &at),
                        .after_store = -1,
                        .sums_of = -1};
    if (f.step->update.is_update)
        find_update(&f);
    find_weights(&f);
    find_accumulators(&f);
    find_reads(&f);
    find_writes(&f);
    next->compute_s = cycles_of(&f) / (double)w->hardware->clock_hz;
    next->portions = max_i64(work_slices(w->hardware, f.largest), 1);
    if (f.step->whole_sample && group->strips == 1 && w->plan->mode[w->step] != MBS_PASSES)
        next->samples = f.samples;
    w->next++;
    return true;
}
