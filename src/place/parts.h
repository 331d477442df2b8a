/*
 * The state of the exact search for a placement (search.h): ranges that are placed one on top of
 * another, and the parts of time that are left to be placed.
 */
#ifndef PLACE_PARTS_H
#define PLACE_PARTS_H

#include "place/live_range.h"
#include "place/sort.h"
#include "plan/watch.h"

/*
 * A range as the search sees it. Time is cut into sections: the moments at which something begins
 * before anything ends again. Two ranges share a step just if they share a section.
 */
typedef struct item {
    int32_t first; /* sections */
    int32_t last;
    int32_t index; /* in the caller's list */
    int32_t rank;  /* in the order of preference of the part it belongs to */
    bool placed;
    bool moved; /* by what was placed last */
    int64_t size;
    int64_t length; /* steps */
    int64_t low;    /* its offset if placed; else no lower offset is free of what is placed */
} item;

/* What an item's `low` was. */
typedef struct trail_entry {
    int32_t item;
    int64_t low;
} trail_entry;

/*
 * What comes first among items of the same lowest offset: what lives longest, or at the fullest
 * time, or is largest by area or size; the next keys are in rank_key. None of them is quick on all.
 * The kept ones rank all items once, by the others a part is ranked anew by what is left of it.
 */
typedef enum preference {
    LONGEST,
    FULLEST_LARGEST,
    FULLEST_LONGEST,
    FULLEST_LONGEST_FIRST,
    LARGEST_AREA_KEPT,
    LARGEST_KEPT,
    PREFERENCES,
    FIRST_KEPT = LARGEST_AREA_KEPT
} preference;

typedef struct search {
    item *items; /* by first section */
    int32_t count;
    int32_t section_count;
    int64_t capacity;
    int64_t nodes_left;
    preference preference;
    int64_t *rest;       /* per section: sizes of what is not placed */
    int32_t *crossing;   /* per section: how much of that goes on into the next */
    int32_t *unset;      /* per section, scratch: the next that has no lowest offset yet */
    int32_t *placements; /* the items placed, in order, and where their trails begin */
    int32_t *trail_begin;
    int32_t placed_count;
    trail_entry *trail;
    int32_t trail_length;
    int32_t trail_capacity;
    int32_t *lists; /* of items, a stack: what parts are made of */
    int32_t list_length;
    int32_t list_capacity;
    int32_t *moved;   /* scratch: items */
    sort_entry *keys; /* scratch */
    bool no_memory;
    plan_watch *watch;
    bool stopped;
} search;

/* Items that hang together in time. */
typedef struct part {
    int32_t first; /* sections */
    int32_t last;
    int32_t ranked; /* where in `lists` they stand by rank, with what was placed since then */
    int32_t ranked_count;
    int32_t order; /* where those not placed stand, by lowest offset and rank */
    int32_t count;
} part;

/*
 * Sets up a search of s->count ranges, nothing being placed; the other members of *s are the
 * caller's. False without memory; search_tear_down frees all in either case.
 */
bool search_set_up(search *s, const live_range *ranges);

void search_tear_down(search *s);

/*
 * Puts item i of the part on its lowest offset, and what shares its time and is left above it.
 * s->no_memory says whether that failed. O(items of the part).
 */
void part_place(search *s, const part *p, int32_t i);

/* Takes back all but the first `placed_count` items placed. */
void part_take_back(search *s, int32_t placed_count);

/* Room for `count` items at the top of `lists`; false, and s->no_memory, without memory. */
bool part_push_list(search *s, int32_t count, int32_t *begin);

/* Whether a part's items keep the ranks that they have. */
bool part_keeps_ranks(const search *s);

/* Gives the part's items their ranks in it, unless they keep what they have. */
void part_set_ranks(search *s, const part *p);

/*
 * Makes a part of those of `count` items listed at `order`, by lowest offset, that lie in sections
 * p->first to p->last, and ranks them. False without memory. O(n log n + sections of its items),
 * and n² for items of the same lowest offset.
 */
bool part_make(search *s, int32_t order, int32_t count, part *p);

/*
 * The part that is left after item i, the last one placed, was; all that it moved has the same
 * lowest offset. False without memory. O(items of the part).
 */
bool part_shrink(search *s, const part *p, int32_t i, part *left);

#endif
