#include "plan/exact/tight.h"

#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "cost/footprint.h"
#include "plan/exact/lagrange.h"

/* More different sums than this come so near the capacity that they are of no use. */
#define MAX_SUMS 4096

/* With more operands than this their subsets are not listed. */
#define MAX_OPERANDS 8

/* Sums of chosen sizes up to the capacity, ascending and different. */
typedef struct sum_set {
    int64_t *sums;
    int64_t *merged; /* room for as many */
    int32_t count;
    int64_t capacity;
} sum_set;

static void insert(sum_set *set, int64_t sum)
{
    if (sum > set->capacity || set->count >= MAX_SUMS)
        return;
    int32_t place = set->count;
    while (place > 0 && set->sums[place - 1] >= sum)
        place--;
    if (place < set->count && set->sums[place] == sum)
        return;
    memmove(set->sums + place + 1, set->sums + place,
            (size_t)(set->count - place) * sizeof *set->sums);
    set->sums[place] = sum;
    set->count++;
}

/* Each sum so far, with and without `size`. False if they become too many. */
static bool add_choice(sum_set *set, int64_t size)
{
    int32_t count = 0;
    int32_t with = 0;
    int32_t without = 0;
    while (without < set->count || with < set->count) {
        int64_t larger = with < set->count ? set->sums[with] + size : INT64_MAX;
        int64_t same = without < set->count ? set->sums[without] : INT64_MAX;
        int64_t next = min_i64(larger, same);
        with += larger == next;
        without += same == next;
        if (next > set->capacity)
            break;
        if (count == MAX_SUMS)
            return false;
        set->merged[count++] = next;
    }
    int64_t *merged = set->merged;
    set->merged = set->sums;
    set->sums = merged;
    set->count = count;
    return true;
}

/* What the step's own operands may take: staged, or streamed with any of them resident. */
static bool own_footprints(const lagrange *l, int32_t c, int32_t k, sum_set *set)
{
    const mbs_program *p = l->task->program;
    const mbs_step *step = &p->steps[k];
    const int64_t b = l->list.sub_batch[c];
    const int64_t staged = b * program_operand_bytes(p, k);
    const int32_t operands = step->touch_end - step->touch_begin;
    const bool over = lagrange_over(l, k) != OVER_NONE;
    const int64_t shared = over ? b * p->tensors[p->touches[step->write_begin].tensor].bytes : 0;
    set->count = 0;
    insert(set, staged);
    if (over)
        insert(set, staged - shared);
    if (!l->task->stream)
        return true;
    if (operands > MAX_OPERANDS)
        return false;
    for (uint32_t subset = 0; subset < UINT32_C(1) << operands; subset++) {
        int64_t streamed = step_parameter_bytes(step);
        for (int32_t i = 0; i < operands; i++) {
            int64_t bytes = p->tensors[p->touches[step->touch_begin + i].tensor].bytes;
            if (subset >> i & 1)
                streamed += b * bytes;
            else if (step->whole_sample)
                streamed += bytes;
        }
        insert(set, min_i64(streamed, staged));
        if (over) { /* some of these are of no residency, which only leaves more room */
            const int64_t sample = step->whole_sample ? shared / b : 0;
            insert(set, min_i64(max_i64(streamed - sample, 0), staged - shared));
            insert(set, min_i64(max_i64(streamed - shared, 0), staged - shared));
        }
    }
    return true;
}

/* Room for one step at a time: sums, and the intervals that cross it. */
typedef struct tight_work {
    sum_set set;
    int32_t *crossing; /* touches that begin them */
    int32_t count;
} tight_work;

static bool work_open(tight_work *w, const lagrange *l)
{
    *w = (tight_work){.set = {.sums = mem_alloc(MAX_SUMS * sizeof(int64_t)),
                              .merged = mem_alloc(MAX_SUMS * sizeof(int64_t)),
                              .capacity = l->task->capacity},
                      .crossing =
                          mem_alloc(((size_t)l->task->program->touch_count + 1) * sizeof(int32_t))};
    return w->set.sums != NULL && w->set.merged != NULL && w->crossing != NULL;
}

static void work_close(tight_work *w)
{
    mem_free(w->set.sums);
    mem_free(w->set.merged);
    mem_free(w->crossing);
}

static bool in_phase(const mbs_program *p, int32_t t)
{
    int32_t next = p->touches[t].next;
    return next >= 0 && p->steps[p->touches[t].step].phase == p->steps[p->touches[next].step].phase;
}

/* Goes from step k - 1 to step k. */
static void end_crossings(tight_work *w, const mbs_program *p, int32_t k)
{
    int32_t kept = 0;
    for (int32_t i = 0; i < w->count; i++)
        if (p->touches[p->touches[w->crossing[i]].next].step > k)
            w->crossing[kept++] = w->crossing[i];
    w->count = kept;
}

/* The capacity where pinned parameters may fill up what tensors leave. */
static int64_t largest_footprint(const lagrange *l, int32_t c, int32_t k, tight_work *w)
{
    const mbs_program *p = l->task->program;
    const bool *stays = l->stays + (int64_t)c * p->touch_count;
    const bool may_pin = l->task->pin && (l->list.iterations[c] > 1 || p->shares);
    if (may_pin || !own_footprints(l, c, k, &w->set))
        return w->set.capacity;
    for (int32_t i = 0; i < w->count; i++) {
        const int32_t t = w->crossing[i];
        const int64_t bytes = p->tensors[p->touches[t].tensor].bytes;
        if (stays[t] && !add_choice(&w->set, l->list.sub_batch[c] * bytes))
            return w->set.capacity;
    }
    return w->set.count > 0 ? w->set.sums[w->set.count - 1] : w->set.capacity;
}

mbs_status tight_capacities(lagrange *l, mbs_error *error)
{
    const mbs_program *p = l->task->program;
    const int32_t steps = p->step_count;
    tight_work w;
    const bool memory = work_open(&w, l);
    for (int32_t k = 0; memory && k < steps; k++) {
        end_crossings(&w, p, k);
        for (int32_t c = 0; c < l->list.count; c++)
            l->tight[(int64_t)c * steps + k] = largest_footprint(l, c, k, &w);
        for (int32_t t = p->steps[k].touch_begin; t < p->steps[k].touch_end; t++)
            if (in_phase(p, t))
                w.crossing[w.count++] = t;
    }
    work_close(&w);
    return memory ? MBS_OK : error_memory(error);
}

static void fill_window(const lagrange *l, const tight_window *window, tight_work *w)
{
    const mbs_program *p = l->task->program;
    for (int32_t k = window->first; k < window->end; k++) {
        end_crossings(w, p, k);
        window->capacity[k - window->first] = largest_footprint(l, window->candidate, k, w);
        for (int32_t t = p->steps[k].touch_begin; t < p->steps[k].touch_end; t++) {
            const int32_t next = p->touches[t].next;
            if (next >= 0 && p->touches[next].step < window->end)
                w->crossing[w->count++] = t;
        }
    }
}

/* Exchanges the window's capacities for those in place. */
static void exchange(lagrange *l, tight_window *window)
{
    int64_t *tight =
        l->tight + (int64_t)window->candidate * l->task->program->step_count + window->first;
    for (int32_t i = 0; i < window->end - window->first; i++) {
        const int64_t own = window->capacity[i];
        window->capacity[i] = tight[i];
        tight[i] = own;
    }
}

mbs_status tight_open(tight_window *window, lagrange *l, int32_t candidate, int32_t first,
                      int32_t end, mbs_error *error)
{
    tight_work w;
    *window = (tight_window){.candidate = candidate, .first = first, .end = end};
    window->capacity = mem_alloc((size_t)(end - first) * sizeof *window->capacity);
    const bool memory = work_open(&w, l) && window->capacity != NULL;
    if (memory) {
        fill_window(l, window, &w);
        exchange(l, window);
        l->tight_candidate = candidate;
        l->tight_first = first;
        l->tight_end = end;
        lagrange_update_steps(l, candidate, first, end);
    }
    work_close(&w);
    if (memory)
        return MBS_OK;
    mem_free(window->capacity);
    return error_memory(error);
}

void tight_close(tight_window *window, lagrange *l)
{
    exchange(l, window);
    l->tight_candidate = -1;
    lagrange_update_steps(l, window->candidate, window->first, window->end);
    mem_free(window->capacity);
}
