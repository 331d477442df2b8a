/*
 * Since when the places of a layout are free: how early what comes from DRAM may come (simulation,
 * schedules). Executions are counted backwards from the one that a place is needed for: steps of
 * the same iteration, then of the iteration before, then of the groups before.
 */
#ifndef PLACE_REGIONS_H
#define PLACE_REGIONS_H

#include "place/layout.h"

/* A region of the buffer as a layout has placed it. */
typedef struct buffer_region {
    int64_t offset;
    int64_t end;
    int32_t first; /* the step that needs it first, and the last */
    int32_t last;
    int32_t touch;   /* of the operand that it holds, the first; -1: parameters */
    bool throughout; /* there in all executions of its group: a ring, or pinned */
    bool comes;      /* filled from DRAM before `first` computes */
    bool awaited;    /* kept free for it during the step before, too, while others are moved */
} buffer_region;

/*
 * All regions of a plan, and which of them each step has. Those that are there throughout, of which
 * each step may bring one, are listed once for all steps of their group.
 */
typedef struct buffer_regions {
    const mbs_plan *plan;
    buffer_region *regions;
    int32_t count;
    int32_t *begin; /* those that step k needs first are [begin[k], begin[k + 1]) */
    int32_t *live;  /* indices of those that a step needs, or that are between, step by step; */
    int32_t *live_begin;       /* those of step k are [live_begin[k], live_begin[k + 1]) */
    int32_t *throughout;       /* indices of those that are there throughout, by offset; */
    int32_t *throughout_begin; /* those of group g are [throughout_begin[g], …[g + 1]) */
    int32_t *ledges;      /* of those the ones that do not have the next right above, by index; */
    int32_t *ledge_begin; /* those of group g are [ledge_begin[g], ledge_begin[g + 1]) */
} buffer_regions;

/* Those of a layout that is filled for all groups. Errors: MBS_ERR_MEMORY. To be freed. */
mbs_status regions_create(buffer_regions *result, const mbs_plan *plan, const buffer_layout *layout,
                          mbs_error *error);
void regions_free(buffer_regions *list);

/* Whether the executions of step `step`, of group `group`, are in the way. */
typedef bool regions_test(const void *context, int32_t group, int32_t step);

/*
 * How many executions right before one of step k, of group g, are not in the way, at most `most`;
 * all of them if there are fewer. `first`: of the group's first iteration, else of any later one.
 */
int64_t regions_back(const mbs_plan *plan, int32_t g, int32_t k, bool first, int64_t most,
                     regions_test *in_the_way, const void *context);

/* Whether any of group g's regions that are there throughout, but `index`, is in [offset, end). */
bool regions_throughout(const buffer_regions *list, int32_t g, int32_t index, int64_t offset,
                        int64_t end);

/* A place that is looked at for a region. */
typedef struct place_wanted {
    const buffer_regions *list;
    int32_t index; /* the region's */
    int64_t offset;
    int64_t end;
    int32_t group;
} place_wanted;

static inline bool place_meets(const place_wanted *place, const buffer_region *region)
{
    return region->offset < place->end && place->offset < region->end;
}

/* Of a place_wanted, whether a step has something else there or uses the region itself. */
bool place_is_used(const void *context, int32_t group, int32_t step);

/* regions_back of what has its data in [offset, end) while region `index`, of group g, waits. */
int64_t regions_free_before(const buffer_regions *list, int32_t index, int32_t g, bool first,
                            int64_t most);

#endif
