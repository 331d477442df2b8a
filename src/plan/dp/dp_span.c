/*
 * A footprint only grows with the group, so a sub-batch that no longer fits is out for good.
 *
 * A new step makes the intervals to it resident, which changes the footprints of the steps that
 * they end at or cross: in a group that spans both phases nearly all of it. Most of those steps can
 * never raise a peak again, and are dropped from `live`. Let "older" and "newer" say which of two
 * steps was added first. What the steps still to be added change is
 *  - crossing: an interval begins at some step of the group and crosses all newer ones. So what it
 *    adds to a step it adds to all newer ones up to it (1); and it adds to a newer one of two but
 *    not to the older only if it begins at the older one or between them (2).
 *  - resident and streamed, of the step that it begins at, and what that one writes over an
 *    operand: nothing any more if all that it may write over stay, and two that are one operand
 *    are resident once. Whatever becomes of them, at sub-batch b the operands need at most
 *    b * operands, and never less than before (3).
 * Hence a step whose footprint would not exceed another's even with b * operands, at every b that
 * still fits, is outdone by it for good: by a newer one because of (1), by an older one once no
 * interval of (2) is still to come. For the latter, `reach` keeps how far the intervals reach that
 * begin at a live step or between it and the next newer live one.
 */
#include "plan/dp/dp_span.h"

#include <string.h>

#include "base/checked.h"
#include "base/memory.h"
#include "cost/footprint.h"

/* More than any staged footprint, and safe to add one to. */
#define STREAMED_NEVER (INT64_MAX / 4)

bool span_open(span *g, const plan_task *task, const candidates *list, const int64_t *operands)
{
    *g = (span){.task = task, .list = list, .operands = operands, .in_place = task->in_place};
    g->peak = mem_alloc((size_t)list->count * sizeof *g->peak);
    g->live = mem_alloc((size_t)task->program->step_count * sizeof *g->live);
    return g->peak != NULL && g->live != NULL;
}

void span_close(span *g)
{
    mem_free(g->peak);
    mem_free(g->live);
}

void span_start(span *g, int32_t cut, bool left)
{
    g->first = g->end = cut;
    g->left = left;
    g->smallest = 0;
    g->count = g->list->count;
    g->live_count = 0;
    g->live_limit = 32;
    memset(g->peak, 0, (size_t)g->count * sizeof *g->peak);
}

static bool is_inside(const span *g, int32_t touch)
{
    if (touch < 0)
        return false;
    int32_t step = g->task->program->touches[touch].step;
    return step >= g->first && step < g->end;
}

/* Whether step `a` is added before step `b`. */
static bool is_older(const span *g, int32_t a, int32_t b)
{
    return g->left ? a > b : a < b;
}

static int64_t footprint(const span_step *s, int64_t b)
{
    return b * s->crossing + min_i64(b * (s->operands - s->over),
                                     b * (s->resident - s->twice) + s->streamed - s->once);
}

static void make_resident(span_step *s, int64_t bytes, bool whole_sample)
{
    s->resident += bytes;
    if (whole_sample)
        s->streamed -= bytes;
}

/*
 * What a step writes over an operand, as far as the group has grown: the two are one operand if the
 * one that it reads does not stay. Of several the first that arrives, else the first: as
 * group_choose_modes.
 */
static void find_over(const span *g, span_step *s)
{
    const mbs_program *p = g->task->program;
    const mbs_step *step = &p->steps[s->step];
    if (!g->in_place || step->replaceable < 0)
        return;
    bool leaves = false;
    bool arrives = false;
    for (int32_t t = step->touch_begin; t < step->write_begin && !arrives; t++) {
        if (is_inside(g, p->touches[t].next) || !program_may_replace(p, t))
            continue;
        leaves = true;
        arrives = is_inside(g, p->touches[t].previous);
    }
    const bool both = arrives && is_inside(g, p->touches[step->write_begin].next);
    s->over = leaves ? p->tensors[p->touches[step->write_begin].tensor].bytes : 0;
    s->twice = both ? s->over : 0;
    s->once = step->whole_sample ? s->over - s->twice : 0;
}

static void extend_reach(const span *g, span_step *s, int32_t step)
{
    if (is_older(g, s->reach, step))
        s->reach = step;
}

/*
 * Makes the interval from touch `begin` of the group to the step being added resident.
 * Returns the index of the oldest live step that it changes.
 */
static int32_t add_interval(span *g, int32_t begin)
{
    const mbs_program *p = g->task->program;
    const mbs_touch *touch = &p->touches[begin];
    int64_t bytes = p->tensors[touch->tensor].bytes;
    int32_t i = g->live_count;
    while (i > 0 && is_older(g, touch->step, g->live[i - 1].step))
        g->live[--i].crossing += bytes;
    bool was_resident = is_inside(g, g->left ? touch->next : touch->previous);
    if (i == 0 || g->live[i - 1].step != touch->step || (was_resident && !g->in_place))
        return i;
    span_step *at = &g->live[i - 1];
    if (!was_resident)
        make_resident(at, bytes, p->steps[touch->step].whole_sample);
    find_over(g, at);
    return i - 1;
}

/* Raises the peaks of the sub-batches that still fit to those of live[from...]; drops those that no
 * longer do. */
static void raise_peaks(span *g, int32_t from)
{
    for (int32_t c = g->smallest; c < g->count; c++) {
        int64_t peak = g->peak[c];
        for (int32_t i = from; i < g->live_count; i++)
            peak = max_i64(peak, footprint(&g->live[i], g->list->sub_batch[c]));
        g->peak[c] = peak;
    }
    while (span_fits(g) && g->peak[g->smallest] > g->task->capacity)
        g->smallest++;
}

/* Whether `b` needs at most what `a` does. The difference is concave in the sub-batch, so the
 * largest and the least decide. */
static bool outdoes(const span *g, const span_step *a, const span_step *b)
{
    const int64_t most = b->crossing + b->operands;
    const int64_t largest = g->list->sub_batch[g->smallest];
    const int64_t least = g->list->sub_batch[g->count - 1];
    return footprint(a, largest) >= largest * most && footprint(a, least) >= least * most;
}

/* Drops the steps outdone by a neighbour in live, where at least one of the two is in
 * live[from...].
 */
static void drop_outdone(span *g, int32_t from)
{
    const int32_t newest = g->left ? g->first : g->end - 1;
    span_step *live = g->live;
    int32_t kept = from;
    for (int32_t i = from; i < g->live_count; i++) {
        const span_step newer = live[i];
        while (kept > 0 && outdoes(g, &newer, &live[kept - 1])) {
            kept--;
            if (kept > 0)
                extend_reach(g, &live[kept - 1], live[kept].reach);
        }
        if (kept > 0 && !is_older(g, newest, live[kept - 1].reach) &&
            outdoes(g, &live[kept - 1], &newer))
            extend_reach(g, &live[kept - 1], newer.reach);
        else
            live[kept++] = newer;
    }
    g->live_count = kept;
}

/* Whether one of the two makes the mini-batch's statistics that the other reads. */
static bool are_coupled(const mbs_program *p, int32_t a, int32_t b)
{
    return p->steps[a].coupled_to == b || p->steps[b].coupled_to == a;
}

void span_grow(span *g)
{
    const mbs_program *p = g->task->program;
    const int32_t k = g->left ? g->first - 1 : g->end;
    const mbs_step *step = &p->steps[k];
    span_step added = {
        .step = k, .reach = k, .operands = g->operands[k], .streamed = STREAMED_NEVER};
    if (g->task->stream)
        added.streamed = step_parameter_bytes(step) + (step->whole_sample ? added.operands : 0);
    int32_t from = g->live_count;
    bool coupled = step->coupled;
    *(g->left ? &g->first : &g->end) += g->left ? -1 : 1;
    for (int32_t t = step->touch_begin; t < step->touch_end; t++) {
        const mbs_touch *touch = &p->touches[t];
        int32_t inner = g->left ? touch->next : touch->previous;
        int32_t outer = g->left ? touch->previous : touch->next;
        if (outer >= 0)
            extend_reach(g, &added, p->touches[outer].step);
        if (!is_inside(g, inner))
            continue;
        coupled = coupled || are_coupled(p, k, p->touches[inner].step);
        int32_t oldest = add_interval(g, inner);
        from = oldest < from ? oldest : from;
        make_resident(&added, p->tensors[touch->tensor].bytes, step->whole_sample);
    }
    find_over(g, &added);
    g->live[g->live_count++] = added;
    if (coupled) /* only I=1, the first candidate */
        g->count = 1;
    raise_peaks(g, from);
    if (!span_fits(g))
        return;
    bool all = g->live_count > g->live_limit; /* neighbours may be settled by now */
    drop_outdone(g, all ? 0 : from);
    if (all)
        g->live_limit = 2 * g->live_count + 16;
}
