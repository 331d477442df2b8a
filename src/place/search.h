/*
 * Exact search for a placement below a capacity, after M. D. Moffitt, "MiniMalloc: A Lightweight
 * Memory Allocator for Hardware-Accelerated Machine Learning", ASPLOS 2023.
 */
#ifndef PLACE_SEARCH_H
#define PLACE_SEARCH_H

#include "mbsopt/status.h"
#include "place/live_range.h"
#include "plan/watch.h"

/*
 * Looks for offsets below `capacity`. Ranges are placed in the order of their offsets, each on top
 * of what lies below it; a branch ends where what is left does not fit at some time any more, or
 * where something could have been put lower. Parts that share no time are searched apart. Some
 * orders of preference are tried in turn, again and again with twice the nodes, up to `node_limit`
 * for all of them. Offsets are written only if the outcome is MBS_PLACE_FITS. *nodes gets the
 * number of nodes visited. `watch` (or null) may end it sooner. O(ranges left in the part · log)
 * per node. Errors: MBS_ERR_MEMORY, MBS_ERR_STOPPED.
 */
mbs_status place_search(live_range *ranges, int32_t count, int64_t capacity, int64_t node_limit,
                        plan_watch *watch, mbs_place_outcome *outcome, int64_t *nodes,
                        mbs_error *error);

/* Says that there are no offsets yet; returns MBS_ERR_STOPPED. */
mbs_status place_stopped(mbs_error *error);

#endif
