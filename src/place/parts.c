#include "place/parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/memory.h"

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
        s->items[i] = (item){.index = i,
                             .size = ranges[i].size,
                             .length = (int64_t)ranges[i].last - ranges[i].first + 1};
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

bool search_set_up(search *s, const live_range *ranges)
{
    const size_t size = (size_t)s->count;
    s->items = mem_alloc(size * sizeof *s->items);
    s->rest = mem_calloc(size, sizeof *s->rest); /* there are at most as many sections as ranges */
    s->crossing = mem_calloc(size, sizeof *s->crossing);
    s->unset = mem_alloc((size + 1) * sizeof *s->unset);
    s->placements = mem_alloc(size * sizeof *s->placements);
    s->trail_begin = mem_alloc(size * sizeof *s->trail_begin);
    s->moved = mem_alloc(size * sizeof *s->moved);
    s->keys = mem_alloc(size * sizeof *s->keys);
    if (s->items == NULL || s->rest == NULL || s->crossing == NULL || s->unset == NULL ||
        s->placements == NULL || s->trail_begin == NULL || s->moved == NULL || s->keys == NULL ||
        !cut_time(s, ranges))
        return false;
    for (int32_t i = 0; i < s->count; i++) {
        const item *it = &s->items[i];
        for (int32_t section = it->first; section <= it->last; section++)
            s->rest[section] += it->size;
        for (int32_t section = it->first; section < it->last; section++)
            s->crossing[section]++;
    }
    return true;
}

void search_tear_down(search *s)
{
    mem_free(s->items);
    mem_free(s->rest);
    mem_free(s->crossing);
    mem_free(s->unset);
    mem_free(s->placements);
    mem_free(s->trail_begin);
    mem_free(s->trail);
    mem_free(s->lists);
    mem_free(s->moved);
    mem_free(s->keys);
}

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

void part_place(search *s, const part *p, int32_t i)
{
    item *chosen = &s->items[i];
    const int64_t top = chosen->low + chosen->size;
    chosen->placed = true;
    s->trail_begin[s->placed_count] = s->trail_length;
    s->placements[s->placed_count++] = i;
    for (int32_t section = chosen->first; section <= chosen->last; section++)
        s->rest[section] -= chosen->size;
    for (int32_t section = chosen->first; section < chosen->last; section++)
        s->crossing[section]--;
    for (int32_t k = 0; k < p->count; k++) {
        const int32_t j = s->lists[p->order + k];
        item *other = &s->items[j];
        if (other->low >= top)
            break; /* as is all that comes after it */
        if (j == i || other->first > chosen->last || other->last < chosen->first)
            continue;
        if (!remember(s, j))
            return;
        other->low = top;
        other->moved = true;
    }
}

void part_take_back(search *s, int32_t placed_count)
{
    while (s->placed_count > placed_count) {
        item *chosen = &s->items[s->placements[--s->placed_count]];
        const int32_t begin = s->trail_begin[s->placed_count];
        chosen->placed = false;
        for (int32_t section = chosen->first; section <= chosen->last; section++)
            s->rest[section] += chosen->size;
        for (int32_t section = chosen->first; section < chosen->last; section++)
            s->crossing[section]++;
        while (s->trail_length > begin) {
            const trail_entry *entry = &s->trail[--s->trail_length];
            s->items[entry->item].low = entry->low;
            s->items[entry->item].moved = false;
        }
    }
}

/* ---- Parts ----------------------------------------------------------------------------------- */

bool part_push_list(search *s, int32_t count, int32_t *begin)
{
    if (count >= INT32_MAX - s->list_length) {
        s->no_memory = true;
        return false;
    }
    int32_t *lists = mem_grow(s->lists, &s->list_capacity, s->list_length + count, sizeof *lists);
    if (lists == NULL) {
        s->no_memory = true;
        return false;
    }
    s->lists = lists;
    *begin = s->list_length;
    s->list_length += count;
    return true;
}

bool part_keeps_ranks(const search *s)
{
    return s->preference >= FIRST_KEPT && s->placed_count > 0;
}

void part_set_ranks(search *s, const part *p)
{
    if (part_keeps_ranks(s))
        return;
    for (int32_t k = 0; k < p->ranked_count; k++)
        s->items[s->lists[p->ranked + k]].rank = k;
}

/* What an item is ranked by now. */
static sort_entry rank_key(const search *s, int32_t i)
{
    const item *it = &s->items[i];
    const double size = (double)it->size;
    const double length = (double)it->length;
    const double area = size * length;
    int64_t most = 0;
    if (part_keeps_ranks(s))
        return (sort_entry){-it->rank, 0, 0, i};
    for (int32_t section = it->first; section <= it->last; section++)
        most = max_i64(most, s->rest[section]);
    const double load = (double)most;
    const double keys[PREFERENCES][3] = {
        [LONGEST] = {length, area, load},         [FULLEST_LARGEST] = {load, area, length},
        [FULLEST_LONGEST] = {load, length, area}, [FULLEST_LONGEST_FIRST] = {load, length, 0},
        [LARGEST_AREA_KEPT] = {area, size, 0},    [LARGEST_KEPT] = {size, length, 0}};
    const double *key = keys[s->preference];
    return (sort_entry){key[0], key[1], key[2], i};
}

/* Ranks the part's items, which p->ranked lists in any order. */
static void rank_items(search *s, const part *p)
{
    int32_t *ranked = s->lists + p->ranked;
    for (int32_t k = 0; k < p->ranked_count; k++)
        s->keys[k] = rank_key(s, ranked[k]);
    sort_entries(s->keys, p->ranked_count);
    for (int32_t k = 0; k < p->ranked_count; k++)
        ranked[k] = s->keys[k].index;
    part_set_ranks(s, p);
}

bool part_make(search *s, int32_t order, int32_t count, part *p)
{
    if (!part_push_list(s, count, &p->ranked) || !part_push_list(s, count, &p->order))
        return false;
    p->count = 0;
    for (int32_t k = 0; k < count; k++) {
        const int32_t i = s->lists[order + k];
        if (s->items[i].first >= p->first && s->items[i].last <= p->last)
            s->lists[p->ranked + p->count++] = i;
    }
    p->ranked_count = p->count;
    memcpy(s->lists + p->order, s->lists + p->ranked, (size_t)p->count * sizeof *s->lists);
    rank_items(s, p);
    int32_t *sorted = s->lists + p->order; /* but for the ranks of those of the same offset */
    for (int32_t k = 1; k < p->count; k++) {
        const int32_t i = sorted[k];
        const item *it = &s->items[i];
        int32_t at = k;
        for (; at > 0 && s->items[sorted[at - 1]].low == it->low &&
               s->items[sorted[at - 1]].rank > it->rank;
             at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = i;
    }
    return true;
}

/* What was moved by the item placed last, by rank. */
static int32_t list_moved(search *s, const part *p)
{
    const int32_t count = s->trail_length - s->trail_begin[s->placed_count - 1];
    int32_t found = 0;
    for (int32_t k = 0; found < count; k++) {
        const int32_t i = s->lists[p->ranked + k];
        if (s->items[i].moved)
            s->moved[found++] = i;
    }
    return count;
}

bool part_shrink(search *s, const part *p, int32_t i, part *left)
{
    const int32_t moved_count = list_moved(s, p);
    const int64_t top = s->items[i].low + s->items[i].size;
    *left = *p;
    if (!part_push_list(s, --left->count, &left->order))
        return false;
    int32_t *order = s->lists + left->order;
    int32_t next = 0;
    for (int32_t k = 0; k < p->count; k++) {
        const int32_t j = s->lists[p->order + k];
        const item *it = &s->items[j];
        if (it->placed || it->moved)
            continue;
        for (; next < moved_count &&
               (it->low > top || (it->low == top && it->rank > s->items[s->moved[next]].rank));
             next++)
            *order++ = s->moved[next];
        *order++ = j;
    }
    for (; next < moved_count; next++)
        *order++ = s->moved[next];
    for (next = 0; next < moved_count; next++)
        s->items[s->moved[next]].moved = false;
    return true;
}
