#include "place/search.h"

#include "base/checked.h"
#include "base/error.h"
#include "place/parts.h"

/* The offset placed last, and its item's rank: later ones come after it. */
typedef struct position {
    int64_t offset;
    int32_t rank;
} position;

static bool search_part(search *s, const part *p, position last);

/* The first section from `section` on without a lowest offset. */
static int32_t next_unset(search *s, int32_t section)
{
    int32_t next = section;
    while (s->unset[next] != next)
        next = s->unset[next];
    while (s->unset[section] != next) {
        const int32_t after = s->unset[section];
        s->unset[section] = next;
        section = after;
    }
    return next;
}

/*
 * Whether what is left of the part may still fit: at each time nothing goes below the lowest offset
 * there, nor below the last. *ceiling gets the lowest end of any of them.
 */
static bool may_fit(search *s, const part *p, int64_t last, int64_t *ceiling)
{
    *ceiling = INT64_MAX;
    for (int32_t section = p->first; section <= p->last + 1; section++)
        s->unset[section] = section;
    for (int32_t k = 0; k < p->count; k++) {
        const item *left = &s->items[s->lists[p->order + k]];
        const int64_t low = max_i64(left->low, last);
        if (low + left->size > s->capacity)
            return false;
        *ceiling = min_i64(*ceiling, left->low + left->size);
        for (int32_t section = next_unset(s, left->first); section <= left->last;
             section = next_unset(s, section)) {
            if (low + s->rest[section] > s->capacity)
                return false;
            s->unset[section] = section + 1;
        }
    }
    return true;
}

/*
 * Places the items listed at `order` in sections [first, last], each part of time by itself. Where
 * they are ranked anew, those at the offset placed last may be tried again.
 */
static bool search_parts(search *s, int32_t order, int32_t count, int32_t first, int32_t last,
                         position here)
{
    part p = {.first = first};
    if (!part_keeps_ranks(s))
        here.rank = -1;
    for (p.last = first; p.last <= last; p.last++) {
        if (p.last < last && s->crossing[p.last] > 0)
            continue;
        if (!part_make(s, order, count, &p) || (p.count > 0 && !search_part(s, &p, here)))
            return false;
        p.first = p.last + 1;
    }
    return true;
}

static bool is_split(const search *s, const item *chosen)
{
    for (int32_t section = chosen->first; section < chosen->last; section++)
        if (s->crossing[section] == 0)
            return true;
    return false;
}

/* Goes on after item i of the part was placed. */
static bool search_rest(search *s, const part *p, int32_t i)
{
    part left;
    const item *chosen = &s->items[i];
    const position here = {chosen->low, chosen->rank};
    if (p->count == 1)
        return true;
    if (!part_shrink(s, p, i, &left))
        return false;
    if (!is_split(s, chosen))
        return search_part(s, &left, here);
    if (search_parts(s, left.order, left.count, p->first, p->last, here))
        return true;
    part_set_ranks(s, p);
    return false;
}

/* Places what is left of a part. */
static bool search_part(search *s, const part *p, position last)
{
    const int32_t placed_count = s->placed_count;
    const int32_t list_length = s->list_length;
    int64_t ceiling;
    if (s->nodes_left <= 0 || s->stopped)
        return false;
    s->nodes_left--;
    s->stopped = plan_watch_is_over(s->watch);
    if (!may_fit(s, p, last.offset, &ceiling))
        return false;
    for (int32_t k = 0; k < p->count && s->nodes_left > 0 && !s->no_memory && !s->stopped; k++) {
        const int32_t i = s->lists[p->order + k];
        const item *left = &s->items[i];
        if (left->low >= ceiling)
            return false;
        if (left->low < last.offset || (left->low == last.offset && left->rank <= last.rank))
            continue;
        part_place(s, p, i);
        if (!s->no_memory && search_rest(s, p, i))
            return true;
        part_take_back(s, placed_count);
        s->list_length = list_length;
    }
    return false;
}

/* ---- Orders of preference -------------------------------------------------------------------- */

/* Looks through all with one preference. */
static bool search_all(search *s, preference which)
{
    int32_t order;
    s->preference = which;
    s->list_length = 0;
    if (!part_push_list(s, s->count, &order))
        return false;
    for (int32_t i = 0; i < s->count; i++) {
        s->lists[order + i] = i;
        s->items[i].low = 0;
    }
    return search_parts(s, order, s->count, 0, s->section_count - 1, (position){0, -1});
}

/* Each preference gets its turn, with twice as many nodes in each round: one may be quick where
 * others are not. */
static mbs_place_outcome run_search(search *s, int64_t node_limit, int64_t *nodes)
{
    for (int64_t turn = 2 * (int64_t)s->count; *nodes < node_limit; turn *= 2) {
        for (int which = 0; which < PREFERENCES && *nodes < node_limit; which++) {
            const int64_t share = min_i64(turn, node_limit - *nodes);
            s->nodes_left = share;
            const bool found = search_all(s, (preference)which);
            *nodes += share - s->nodes_left;
            if (found)
                return MBS_PLACE_FITS;
            if (s->no_memory || s->stopped)
                return MBS_PLACE_GAVE_UP;
            if (s->nodes_left > 0)
                return MBS_PLACE_IMPOSSIBLE; /* whatever the order, all has been looked through */
            part_take_back(s, 0);
        }
    }
    return MBS_PLACE_GAVE_UP;
}

mbs_status place_stopped(mbs_error *error)
{
    return error_set(error, MBS_ERR_STOPPED, "stopped before all was placed in the buffer");
}

mbs_status place_search(live_range *ranges, int32_t count, int64_t capacity, int64_t node_limit,
                        plan_watch *watch, mbs_place_outcome *outcome, int64_t *nodes,
                        mbs_error *error)
{
    search s = {.count = count, .capacity = capacity, .watch = watch};
    *nodes = 0;
    mbs_status status = MBS_OK;
    if (!search_set_up(&s, ranges)) {
        status = error_memory(error);
    } else {
        *outcome = run_search(&s, node_limit, nodes);
        if (s.no_memory)
            status = error_memory(error);
        else if (s.stopped && *outcome != MBS_PLACE_FITS)
            status = place_stopped(error);
        for (int32_t i = 0; i < count && status == MBS_OK && *outcome == MBS_PLACE_FITS; i++)
            ranges[s.items[i].index].offset = s.items[i].low;
    }
    search_tear_down(&s);
    return status;
}
