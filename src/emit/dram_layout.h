/* Where in DRAM everything is (docs/simulators.md): the addresses of traces and command streams. */
#ifndef EMIT_DRAM_LAYOUT_H
#define EMIT_DRAM_LAYOUT_H

#include "cost/dram_contents.h"
#include "plan/watch.h"

/* Every region begins at a multiple of this. */
#define DRAM_ALIGNMENT 64

/*
 * The regions of dram_contents with addresses: no two overlap that are there in the same group.
 * What is there throughout comes first, from 0 on, in the order of the list; the others are placed
 * above it as what is in the buffer is (place/placement.h).
 */
typedef struct dram_layout {
    dram_region *regions;
    int32_t region_count;
    int64_t *weights;      /* per step: the address of its weights, -1 if it has none */
    int64_t *accumulators; /* per step, likewise */
    int64_t *new_weights;  /* that it writes, an update; likewise */
    int64_t *state;
    int64_t *tensors; /* per tensor; -1 if it is never in DRAM */
    int64_t end;      /* the first byte behind all regions, a multiple of DRAM_ALIGNMENT */
} dram_layout;

/*
 * The layout of a plan's program at its mini-batch; on success *layout is owned by the caller
 * (dram_layout_free). Deterministic. `watch` (or null) may end it. Errors: MBS_ERR_MEMORY,
 * MBS_ERR_INPUT (more than 2^60 bytes, from a loaded plan), MBS_ERR_STOPPED.
 */
mbs_status dram_layout_create(dram_layout **layout, const mbs_plan *plan, plan_watch *watch,
                              mbs_error *error);

/* Null is allowed. */
void dram_layout_free(dram_layout *layout);

#endif
