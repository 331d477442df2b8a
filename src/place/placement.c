#include "place/placement.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "place/search.h"
#include "place/sort.h"

/* Beyond, sums are not safe any more. */
#define LARGEST_OFFSET (INT64_MAX / 4)

/* What best fit works on. */
typedef struct fitting {
    const live_range *ranges;
    int32_t count;
    int32_t *order;   /* in which ranges are placed */
    int32_t *placed;  /* those placed and still of interest, by offset */
    int64_t *offsets; /* of this order */
    int64_t *lowest;  /* of the best order so far */
    int64_t height;
    plan_watch *watch;
} fitting;

/* ---- Orders ---------------------------------------------------------------------------------- */

typedef enum fit_order { BY_TIME, BY_SIZE, BY_AREA, BY_LENGTH, ORDERS } fit_order;

static void sort_ranges(fitting *f, sort_entry *entries, fit_order order)
{
    for (int32_t i = 0; i < f->count; i++) {
        const live_range *range = &f->ranges[i];
        const double size = (double)range->size;
        const double length = (double)range->last - range->first + 1;
        const double first_key[ORDERS] = {-(double)range->first, size, size * length, length};
        entries[i] = (sort_entry){first_key[order], order == BY_SIZE ? length : size, 0, i};
    }
    sort_entries(entries, f->count);
    for (int32_t i = 0; i < f->count; i++)
        f->order[i] = entries[i].index;
}

/* ---- Best fit -------------------------------------------------------------------------------- */

/*
 * The offset of the smallest gap between placed ranges that share time with `range` and that it
 * fits into; if there is none, the lowest offset above them all.
 */
static int64_t best_gap(const fitting *f, int32_t placed_count, const live_range *range)
{
    int64_t top = 0;
    int64_t best_offset = -1;
    int64_t best_size = INT64_MAX;
    for (int32_t i = 0; i < placed_count; i++) {
        const int32_t other = f->placed[i];
        if (f->ranges[other].last < range->first || f->ranges[other].first > range->last)
            continue;
        const int64_t gap = f->offsets[other] - top;
        if (gap >= range->size && gap < best_size) {
            best_size = gap;
            best_offset = top;
        }
        top = max_i64(top, f->offsets[other] + f->ranges[other].size);
    }
    return best_offset >= 0 ? best_offset : top;
}

/* Takes away what ends before `step`. */
static int32_t drop_ended(fitting *f, int32_t placed_count, int32_t step)
{
    int32_t kept = 0;
    for (int32_t i = 0; i < placed_count; i++)
        if (f->ranges[f->placed[i]].last >= step)
            f->placed[kept++] = f->placed[i];
    return kept;
}

/* Places all ranges in f->order; `by_time`: they come in the order of their first steps. */
static void fit_in_order(fitting *f, bool by_time)
{
    int32_t placed_count = 0;
    int64_t height = 0;
    for (int32_t i = 0; i < f->count; i++) {
        const int32_t index = f->order[i];
        const live_range *range = &f->ranges[index];
        if ((i & 63) == 0 && plan_watch_is_over(f->watch))
            return;
        if (by_time)
            placed_count = drop_ended(f, placed_count, range->first);
        const int64_t offset = best_gap(f, placed_count, range);
        if (offset > LARGEST_OFFSET)
            return; /* ranges that no capacity was meant for */
        f->offsets[index] = offset;
        height = max_i64(height, offset + range->size);
        int32_t at = placed_count++;
        for (; at > 0 && f->offsets[f->placed[at - 1]] > offset; at--)
            f->placed[at] = f->placed[at - 1];
        f->placed[at] = index;
    }
    if (height >= f->height)
        return;
    f->height = height;
    memcpy(f->lowest, f->offsets, (size_t)f->count * sizeof *f->offsets);
}

static void best_fit(fitting *f, sort_entry *entries, int64_t capacity)
{
    const int last = f->count <= PLACE_MOST_RANGES ? ORDERS : BY_TIME + 1;
    f->height = INT64_MAX;
    for (int order = 0; order < last && f->height > capacity; order++) {
        sort_ranges(f, entries, (fit_order)order);
        fit_in_order(f, order == BY_TIME);
    }
}

/* ---- All of it ------------------------------------------------------------------------------- */

static int by_step(const void *a, const void *b)
{
    const sort_entry *x = a;
    const sort_entry *y = b;
    if (x->first_key != y->first_key)
        return x->first_key < y->first_key ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index); /* ends before begins */
}

/* The most that lives at one time. `events` has room for two entries a range. */
static int64_t largest_load(const live_range *ranges, int32_t count, sort_entry *events)
{
    for (int32_t i = 0; i < count; i++) {
        events[2 * (size_t)i] = (sort_entry){(double)ranges[i].first, 0, 0, count + i};
        events[2 * (size_t)i + 1] = (sort_entry){(double)ranges[i].last + 1, 0, 0, i};
    }
    qsort(events, 2 * (size_t)count, sizeof *events, by_step);
    int64_t load = 0;
    int64_t largest = 0;
    for (int32_t i = 0; i < 2 * count; i++) {
        const bool begins = events[i].index >= count;
        load += begins ? ranges[events[i].index - count].size : -ranges[events[i].index].size;
        largest = max_i64(largest, load);
    }
    return largest;
}

static mbs_status place_all(fitting *f, live_range *ranges, sort_entry *entries, int64_t capacity,
                            int64_t node_limit, placement *result, mbs_error *error)
{
    result->load = largest_load(ranges, f->count, entries);
    result->bound = result->load;
    best_fit(f, entries, capacity);
    if (f->height > capacity && plan_watch_is_over(f->watch))
        return place_stopped(error);
    for (int32_t i = 0; i < f->count; i++)
        ranges[i].offset = f->lowest[i];
    result->height = f->height;
    result->outcome = MBS_PLACE_FITS;
    if (f->height <= capacity)
        return MBS_OK;
    result->outcome = result->load > capacity ? MBS_PLACE_IMPOSSIBLE : MBS_PLACE_GAVE_UP;
    if (result->load > capacity || f->count > PLACE_MOST_RANGES)
        return MBS_OK;
    mbs_status status = place_search(ranges, f->count, capacity, node_limit, f->watch,
                                     &result->outcome, &result->nodes, error);
    if (status == MBS_OK && result->outcome == MBS_PLACE_IMPOSSIBLE)
        result->bound = capacity + 1;
    if (status != MBS_OK || result->outcome != MBS_PLACE_FITS)
        return status;
    result->height = 0;
    for (int32_t i = 0; i < f->count; i++)
        result->height = max_i64(result->height, ranges[i].offset + ranges[i].size);
    return MBS_OK;
}

mbs_status place_ranges(live_range *ranges, int32_t count, int64_t capacity, int64_t node_limit,
                        plan_watch *watch, placement *result, mbs_error *error)
{
    *result = (placement){.outcome = MBS_PLACE_FITS};
    if (count == 0)
        return MBS_OK;
    const size_t size = (size_t)count;
    fitting f = {.ranges = ranges,
                 .count = count,
                 .order = mem_alloc(size * sizeof *f.order),
                 .placed = mem_alloc(size * sizeof *f.placed),
                 .offsets = mem_alloc(size * sizeof *f.offsets),
                 .lowest = mem_alloc(size * sizeof *f.lowest),
                 .watch = watch};
    sort_entry *entries = mem_alloc(2 * size * sizeof *entries);
    mbs_status status;
    if (f.order == NULL || f.placed == NULL || f.offsets == NULL || f.lowest == NULL ||
        entries == NULL)
        status = error_memory(error);
    else
        status = place_all(&f, ranges, entries, capacity, node_limit, result, error);
    mem_free(f.order);
    mem_free(f.placed);
    mem_free(f.offsets);
    mem_free(f.lowest);
    mem_free(entries);
    return status;
}
