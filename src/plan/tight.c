#include "plan/tight.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "cost/footprint.h"

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
    set->count = 0;
    insert(set, staged);
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
    }
    return true;
}

/* The intervals within a phase that cross the step at hand, as sizes per sample. */
typedef struct crossing_set {
    int32_t *touches; /* that begin them */
    int32_t count;
} crossing_set;

static bool in_phase(const mbs_program *p, int32_t t)
{
    int32_t next = p->touches[t].next;
    return next >= 0 && p->steps[p->touches[t].step].phase == p->steps[p->touches[next].step].phase;
}

static void end_crossings(const mbs_program *p, crossing_set *crossing, int32_t k)
{
    int32_t kept = 0;
    for (int32_t i = 0; i < crossing->count; i++)
        if (p->touches[p->touches[crossing->touches[i]].next].step > k)
            crossing->touches[kept++] = crossing->touches[i];
    crossing->count = kept;
}

static int64_t largest_footprint(const lagrange *l, int32_t c, int32_t k,
                                 const crossing_set *crossing, sum_set *set)
{
    const mbs_program *p = l->task->program;
    if (!own_footprints(l, c, k, set))
        return set->capacity;
    for (int32_t i = 0; i < crossing->count; i++) {
        int64_t bytes = p->tensors[p->touches[crossing->touches[i]].tensor].bytes;
        if (!add_choice(set, l->list.sub_batch[c] * bytes))
            return set->capacity;
    }
    return set->count > 0 ? set->sums[set->count - 1] : set->capacity;
}

mbs_status tight_capacities(lagrange *l, mbs_error *error)
{
    const mbs_program *p = l->task->program;
    const int64_t capacity = l->task->capacity;
    const size_t all = (size_t)l->list.count * (size_t)p->step_count;
    for (size_t i = 0; i < all; i++)
        l->tight[i] = capacity;
    if (l->task->pin)
        return MBS_OK;
    sum_set set = {malloc(MAX_SUMS * sizeof(int64_t)), malloc(MAX_SUMS * sizeof(int64_t)), 0,
                   capacity};
    crossing_set now = {malloc(((size_t)p->touch_count + 1) * sizeof(int32_t)), 0};
    bool memory = set.sums != NULL && set.merged != NULL && now.touches != NULL;
    for (int32_t k = 0; memory && k < p->step_count; k++) {
        end_crossings(p, &now, k);
        for (int32_t c = 0; c < l->list.count; c++)
            l->tight[(int64_t)c * p->step_count + k] = largest_footprint(l, c, k, &now, &set);
        for (int32_t t = p->steps[k].touch_begin; t < p->steps[k].touch_end; t++)
            if (in_phase(p, t))
                now.touches[now.count++] = t;
    }
    free(set.sums);
    free(set.merged);
    free(now.touches);
    return memory ? MBS_OK : error_memory(error);
}
