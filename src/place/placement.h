/*
 * Offsets in a buffer for what lives there for a while: dynamic storage allocation with live ranges
 * that are known beforehand. Nothing here knows what the ranges hold.
 */
#ifndef PLACE_PLACEMENT_H
#define PLACE_PLACEMENT_H

#include "mbsopt/status.h"
#include "place/live_range.h"
#include "plan/watch.h"

/* The height is INT64_MAX if best fit came to no end. */
typedef mbs_placement placement;

/* Up to so many ranges best fit tries other orders than that of time, and the search is made. */
#define PLACE_MOST_RANGES 4096

/* The limit on the search's nodes that callers use unless they know better. */
#define PLACE_NODES 200000

/* That on all groups of a plan together: 20 to the limit, so that no plan takes forever. */
#define PLACE_PLAN_NODES (20 * (int64_t)PLACE_NODES)

/*
 * Gives each range an offset so that no two that share a step overlap. Best fit first, over the
 * ranges sorted by time, then by size, area and length; where none of these stays below
 * `capacity`, an exact search of at most `node_limit` nodes (search.h). Without success the offsets
 * are the lowest that best fit found, above the capacity. Deterministic. What lives at one time,
 * and the capacity, must be below 2^61. O(n · ranges alive at a time) in time order, else O(n²) for
 * n ranges. `watch` (or null) may end it sooner. Errors: MBS_ERR_MEMORY, MBS_ERR_STOPPED.
 */
mbs_status place_ranges(live_range *ranges, int32_t count, int64_t capacity, int64_t node_limit,
                        plan_watch *watch, placement *result, mbs_error *error);

#endif
