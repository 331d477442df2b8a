/* Where in DRAM everything is (docs/simulators.md): the addresses of traces and command streams. */
#ifndef EMIT_DRAM_LAYOUT_H
#define EMIT_DRAM_LAYOUT_H

#include "cost/schedule.h"

/* Every region begins at a multiple of this. */
#define DRAM_ALIGNMENT 64

typedef enum dram_content { DRAM_WEIGHTS, DRAM_ACCUMULATORS, DRAM_TENSOR } dram_content;

typedef struct dram_region {
    dram_content content;
    const char *name; /* the layer's or the tensor's; lives as long as the program */
    int64_t address;
    int64_t bytes;
} dram_region;

/*
 * Regions in the order of their addresses, from 0 on without overlap: the weights of each layer and
 * then its accumulators, in the order of the first step that uses either; then every tensor, in the
 * order of its number, N samples of it one after another. The steps of one layer share its region
 * of weights: its backward steps read a part from the beginning, a dgrad all but the biases. What
 * layers share is in the region of the one whose step uses it first.
 */
typedef struct dram_layout {
    dram_region *regions;
    int32_t region_count;
    int64_t *weights;      /* per step: the address of its weights, -1 if it has none */
    int64_t *accumulators; /* per step, likewise */
    int64_t *tensors;      /* per tensor */
    int64_t end;           /* the first byte behind all regions, a multiple of DRAM_ALIGNMENT */
} dram_layout;

/*
 * The layout of a plan's program at its mini-batch; on success *layout is owned by the caller
 * (dram_layout_free). O(steps + tensors). Errors: MBS_ERR_MEMORY, MBS_ERR_INPUT (more than 2^62
 * bytes, from a loaded plan).
 */
mbs_status dram_layout_create(dram_layout **layout, const mbs_plan *plan, mbs_error *error);

/* Null is allowed. */
void dram_layout_free(dram_layout *layout);

#endif
