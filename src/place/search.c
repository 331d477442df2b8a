#include "place/search.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "place/sort.h"

/*
 * A range as the search sees it. Time is cut into sections: the moments at which something begins
 * before anything ends again. Two ranges share a step just if they share a section.
 */
typedef struct item {
    int32_t first; /* sections */
    int32_t last;
    int32_t index; /* in the caller's list */
    int32_t rank;  /* in the order of preference */
    bool placed;
    int64_t size;
    int64_t low; /* its offset if placed; else no lower offset is free of what is placed */
} item;

/* What an item's `low` was. */
typedef struct trail_entry {
    int32_t item;
    int64_t low;
} trail_entry;

typedef struct search {
    item *items; /* by first section */
    int32_t count;
    int32_t section_count;
    int64_t capacity;
    int64_t nodes_left;
    int64_t *rest;       /* per section: sizes of what is not placed */
    int64_t *lowest;     /* per section, scratch: the lowest offset of these */
    int32_t *reach;      /* per item: items before reach[i] begin no later than i ends */
    int32_t *placements; /* the items placed, in order, and where their trails begin */
    int32_t *trail_begin;
    int32_t placed_count;
    trail_entry *trail;
    int32_t trail_length;
    int32_t trail_capacity;
    bool no_memory;
    plan_watch *watch;
    bool stopped;
} search;

/* The offset placed last, and its item's rank: later ones come after it. */
typedef struct position {
    int64_t offset;
    int32_t rank;
} position;

static bool search_items(search *s, int32_t begin, int32_t end, position last);

/* ---- Placing and taking back ----------------------------------------------------------------- */

static bool remember(search *s, int32_t i)
{
    trail_entry *trail = mem_grow(s->trail, &s->trail_capacity, s->trail_length, sizeof *trail);
    if (trail == NULL) {
        s->no_memory = true;
        return false;
    }
    s->trail = trail;
    s->trail[s->trail_length++] = (trail_entry){i, s->items[i].low};
    return true;
}

/* Puts item i on its lowest offset, and everything else of its time that is left above it. */
static void place(search *s, int32_t i, int32_t begin)
{
    item *chosen = &s->items[i];
    const int64_t top = chosen->low + chosen->size;
    chosen->placed = true;
    s->trail_begin[s->placed_count] = s->trail_length;
    s->placements[s->placed_count++] = i;
    for (int32_t section = chosen->first; section <= chosen->last; section++)
        s->rest[section] -= chosen->size;
    for (int32_t j = begin; j < s->reach[i]; j++) {
        item *other = &s->items[j];
        if (other->placed || other->last < chosen->first || other->low >= top)
            continue;
        if (!remember(s, j))
            return;
        other->low = top;
    }
}

static void take_back(search *s, int32_t placed_count)
{
    while (s->placed_count > placed_count) {
        item *chosen = &s->items[s->placements[--s->placed_count]];
        const int32_t begin = s->trail_begin[s->placed_count];
        chosen->placed = false;
        for (int32_t section = chosen->first; section <= chosen->last; section++)
            s->rest[section] += chosen->size;
        while (s->trail_length > begin) {
            const trail_entry *entry = &s->trail[--s->trail_length];
            s->items[entry->item].low = entry->low;
        }
    }
}

/* ---- The search ------------------------------------------------------------------------------ */

/*
 * Whether what is left of [begin, end) may still fit: at each time nothing goes below the lowest
 * offset there, nor below the last. *ceiling gets the lowest end of any of them.
 */
static bool may_fit(const search *s, int32_t begin, int32_t end, int64_t last, int64_t *ceiling)
{
    int32_t first_section = -1;
    int32_t last_section = -1; /* so far; the items come by their first sections, without gaps */
    *ceiling = INT64_MAX;
    for (int32_t i = begin; i < end; i++) {
        const item *left = &s->items[i];
        if (left->placed)
            continue;
        if (left->low + left->size > s->capacity)
            return false;
        *ceiling = min_i64(*ceiling, left->low + left->size);
        if (first_section < 0) {
            first_section = left->first;
            last_section = first_section - 1;
        }
        while (last_section < left->last)
            s->lowest[++last_section] = INT64_MAX;
        for (int32_t section = left->first; section <= left->last; section++)
            s->lowest[section] = min_i64(s->lowest[section], left->low);
    }
    for (int32_t section = first_section; section <= last_section; section++)
        if (max_i64(s->lowest[section], last) + s->rest[section] > s->capacity)
            return false;
    return true;
}

/* The next item to try after `tried`, by offset and then by rank, or -1. */
static int32_t next_choice(const search *s, int32_t begin, int32_t end, position last,
                           position tried, int64_t ceiling)
{
    int32_t best = -1;
    for (int32_t i = begin; i < end; i++) {
        const item *left = &s->items[i];
        if (left->placed || left->low >= ceiling || left->low < last.offset ||
            (left->low == last.offset && left->rank <= last.rank) || left->low < tried.offset ||
            (left->low == tried.offset && left->rank <= tried.rank))
            continue;
        if (best < 0 || left->low < s->items[best].low ||
            (left->low == s->items[best].low && left->rank < s->items[best].rank))
            best = i;
    }
    return best;
}

/* Places what is left of [begin, end), which hangs together in time. */
static bool search_part(search *s, int32_t begin, int32_t end, position last)
{
    const int32_t placed_count = s->placed_count;
    position tried = {-1, -1};
    int64_t ceiling;
    if (s->nodes_left <= 0 || s->stopped)
        return false;
    s->nodes_left--;
    s->stopped = plan_watch_is_over(s->watch);
    if (!may_fit(s, begin, end, last.offset, &ceiling))
        return false;
    while (s->nodes_left > 0 && !s->no_memory && !s->stopped) {
        const int32_t choice = next_choice(s, begin, end, last, tried, ceiling);
        if (choice < 0)
            return false;
        tried = (position){s->items[choice].low, s->items[choice].rank};
        place(s, choice, begin);
        if (!s->no_memory && search_items(s, begin, end, tried))
            return true;
        take_back(s, placed_count);
    }
    return false;
}

/* Places what is left of [begin, end), each part that shares no time with the others by itself. */
static bool search_items(search *s, int32_t begin, int32_t end, position last)
{
    int32_t part = -1; /* where the part at hand begins */
    int32_t part_end = 0;
    int32_t last_section = -1;
    for (int32_t i = begin; i < end; i++) {
        const item *left = &s->items[i];
        if (left->placed)
            continue;
        if (part >= 0 && left->first > last_section) {
            if (!search_part(s, part, part_end, last))
                return false;
            part = -1;
        }
        part = part < 0 ? i : part;
        part_end = i + 1;
        last_section = left->last > last_section ? left->last : last_section;
    }
    return part < 0 || search_part(s, part, part_end, last);
}

/* ---- Setting up ------------------------------------------------------------------------------ */

typedef struct event {
    int64_t step;
    int32_t item;
    bool begins;
} event;

static int by_step(const void *a, const void *b)
{
    const event *x = a;
    const event *y = b;
    if (x->step != y->step)
        return x->step < y->step ? -1 : 1;
    if (x->begins != y->begins)
        return x->begins ? 1 : -1;
    return (x->item > y->item) - (x->item < y->item);
}

static int by_section(const void *a, const void *b)
{
    const item *x = a;
    const item *y = b;
    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

static bool cut_time(search *s, const live_range *ranges)
{
    event *events = mem_alloc(2 * (size_t)s->count * sizeof *events);
    if (events == NULL)
        return false;
    for (int32_t i = 0; i < s->count; i++) {
        s->items[i] = (item){.index = i, .size = ranges[i].size};
        events[2 * (size_t)i] = (event){ranges[i].first, i, true};
        events[2 * (size_t)i + 1] = (event){(int64_t)ranges[i].last + 1, i, false};
    }
    qsort(events, 2 * (size_t)s->count, sizeof *events, by_step);
    bool growing = false;
    for (int32_t e = 0; e < 2 * s->count; e++) {
        if (events[e].begins) {
            s->items[events[e].item].first = s->section_count;
        } else {
            s->section_count += growing;
            s->items[events[e].item].last = s->section_count - 1;
        }
        growing = events[e].begins;
    }
    mem_free(events);
    qsort(s->items, (size_t)s->count, sizeof *s->items, by_section);
    return true;
}

static bool set_up(search *s, const live_range *ranges)
{
    const size_t size = (size_t)s->count;
    s->items = mem_alloc(size * sizeof *s->items);
    s->rest = mem_calloc(size, sizeof *s->rest); /* there are at most as many sections as ranges */
    s->lowest = mem_alloc(size * sizeof *s->lowest);
    s->reach = mem_alloc(size * sizeof *s->reach);
    s->placements = mem_alloc(size * sizeof *s->placements);
    s->trail_begin = mem_alloc(size * sizeof *s->trail_begin);
    if (s->items == NULL || s->rest == NULL || s->lowest == NULL || s->reach == NULL ||
        s->placements == NULL || s->trail_begin == NULL || !cut_time(s, ranges))
        return false;
    for (int32_t i = 0; i < s->count; i++) {
        int32_t end = i + 1;
        while (end < s->count && s->items[end].first <= s->items[i].last)
            end++;
        s->reach[i] = end;
        for (int32_t section = s->items[i].first; section <= s->items[i].last; section++)
            s->rest[section] += s->items[i].size;
    }
    return true;
}

static void tear_down(search *s)
{
    mem_free(s->items);
    mem_free(s->rest);
    mem_free(s->lowest);
    mem_free(s->reach);
    mem_free(s->placements);
    mem_free(s->trail_begin);
    mem_free(s->trail);
}

/* ---- Orders of preference -------------------------------------------------------------------- */

typedef enum preference { LARGEST_AREA, LARGEST, LONGEST, FULLEST, PREFERENCES } preference;

/* Ranks the items, nothing being placed yet. */
static void rank_items(search *s, sort_entry *list, preference which)
{
    for (int32_t i = 0; i < s->count; i++) {
        const item *it = &s->items[i];
        const double size = (double)it->size;
        const double length = (double)it->last - it->first + 1;
        int64_t load = 0;
        for (int32_t section = it->first; section <= it->last; section++)
            load = max_i64(load, s->rest[section]);
        const double first_key[PREFERENCES] = {size * length, size, length, (double)load};
        list[i] = (sort_entry){first_key[which], which == LARGEST ? length : size, i};
    }
    sort_entries(list, s->count);
    for (int32_t i = 0; i < s->count; i++) {
        s->items[list[i].index].rank = i;
        s->items[i].low = 0;
    }
}

static place_outcome run_search(search *s, sort_entry *list, int64_t node_limit, int64_t *nodes)
{
    const int64_t share = node_limit / PREFERENCES;
    *nodes = 0;
    for (int which = 0; which < PREFERENCES && !s->no_memory && !s->stopped; which++) {
        rank_items(s, list, (preference)which);
        s->nodes_left = share;
        const bool found = search_items(s, 0, s->count, (position){0, -1});
        *nodes += share - s->nodes_left;
        if (found)
            return PLACE_FITS;
        if (s->nodes_left > 0 && !s->stopped)
            return PLACE_IMPOSSIBLE; /* whatever the order, all has been looked through */
        take_back(s, 0);
    }
    return PLACE_GAVE_UP;
}

mbs_status place_stopped(mbs_error *error)
{
    return error_set(error, MBS_ERR_STOPPED, "stopped before all was placed in the buffer");
}

mbs_status place_search(live_range *ranges, int32_t count, int64_t capacity, int64_t node_limit,
                        plan_watch *watch, place_outcome *outcome, int64_t *nodes, mbs_error *error)
{
    search s = {.count = count, .capacity = capacity, .watch = watch};
    *nodes = 0;
    sort_entry *list = mem_alloc((size_t)count * sizeof *list);
    mbs_status status = MBS_OK;
    if (list == NULL || !set_up(&s, ranges)) {
        status = error_memory(error);
    } else {
        *outcome = run_search(&s, list, node_limit, nodes);
        if (s.no_memory)
            status = error_memory(error);
        else if (s.stopped && *outcome != PLACE_FITS)
            status = place_stopped(error);
        for (int32_t i = 0; i < count && status == MBS_OK && *outcome == PLACE_FITS; i++)
            ranges[s.items[i].index].offset = s.items[i].low;
    }
    tear_down(&s);
    mem_free(list);
    return status;
}
