/*
 * For one T: how far each step gets with each strip, and the extents of each tensor, in the strip
 * groups that end at some cut. Neither depends on where a group begins, but for which touch of a
 * tensor is its first; and from cut to cut little of it changes.
 */
#ifndef PLAN_DP_STRIP_TABLE_H
#define PLAN_DP_STRIP_TABLE_H

#include "plan/dp/row_pool.h"

/* How the rows of what a touch reads go with its step's; the same for all T. */
typedef struct strip_links {
    row_link *links; /* distinct */
    int32_t count;
    int32_t *of_touch; /* its link's number */
} strip_links;

bool strip_links_open(strip_links *links, const mbs_program *program);
void strip_links_close(strip_links *links);

/* What the steps from a touch that reads on ask of its tensor: arrays of the pool. */
typedef struct strip_demand {
    int32_t needed; /* POOL_NONE: nothing is known of the touch */
    int32_t used;
} strip_demand;

typedef struct strip_table {
    const mbs_program *program;
    const strip_links *links;
    row_pool pool;
    int32_t end;          /* the cut at which the groups end */
    int32_t floor;        /* steps before this one are not kept up */
    int32_t arrays_limit; /* with more arrays than this in the pool it is cleared */
    strip_demand *demand; /* per touch */
    strip_extent *extent; /* per touch: see strip_group */
    uint64_t *dirty;      /* a bit per step: what later steps ask of its tensors has changed; */
    int32_t lowest_dirty; /* none is before this one */
    int64_t *ring_more;   /* per touch: what all rings take more if a group has it as well */
    int64_t rings;        /* no group's rings take more than this */
} strip_table;

/* False if memory is out; close in any case. Borrows program and links. */
bool strip_table_open(strip_table *table, const mbs_program *program, const strip_links *links,
                      int32_t strips);
void strip_table_close(strip_table *table);

/*
 * Brings it to the groups that begin at `floor` or later and end at cut `end`; neither is below
 * that of the call before. False if memory is out.
 */
bool strip_table_advance(strip_table *table, int32_t floor, int32_t end);

#endif
