/* What a plan keeps in DRAM, and from when to when: in groups, in the order in which they run. */
#ifndef COST_DRAM_CONTENTS_H
#define COST_DRAM_CONTENTS_H

#include "cost/schedule.h"

typedef enum dram_content {
    DRAM_WEIGHTS,
    DRAM_ACCUMULATORS,
    DRAM_TENSOR,
    DRAM_NEW_WEIGHTS, /* that an update writes: the next training step's */
    DRAM_STATE,       /* an optimizer's, and master weights */
    DRAM_CONTENTS
} dram_content;

/* What a region of the content is called in files. */
const char *dram_content_name(dram_content content);

typedef struct dram_region {
    dram_content content;
    const char *name; /* the layer's or the tensor's; lives as long as the program */
    int64_t address;  /* 0 until it is placed (emit/dram_layout.h) */
    int64_t bytes;    /* 0: a tensor that is never in DRAM */
    int32_t first;    /* groups from first to last in which it must be there; -1 if it has no */
    int32_t last;     /* bytes */
} dram_region;

/*
 * Regions: the weights of each layer, then its accumulators, new weights and state, in the order of
 * the first step that uses any; then every tensor, in the order of its number, N samples of it. The
 * steps of one layer share its region of weights: its backward steps read a part from the
 * beginning, a dgrad all but the biases. What layers share is in the region of the one whose step
 * uses it first.
 *
 * Weights, state and the network's inputs are there throughout; accumulators from the group that
 * sums up first, new weights from the one that makes them, and so an inference's results, to the
 * end; accumulators that an update reads to its group, and not at all if its gradient is handed on
 * to it and nothing else moves; any other tensor from
 * the group that writes it to the last that reads it from DRAM. Groups are not looked into: with
 * several iterations the first may write, and the last read, any of the group's tensors.
 */
typedef struct dram_contents {
    dram_region *regions;
    int32_t region_count;
    int32_t first_tensor;  /* the region of tensor 0 */
    int32_t *weights;      /* per step: the region of its weights, -1 if it has none */
    int32_t *accumulators; /* per step, likewise */
    int32_t *new_weights;  /* of updates, likewise */
    int32_t *state;
} dram_contents;

/* More in all is refused: sums of sizes, aligned ones too, stay far from overflow. */
#define DRAM_MOST_BYTES (INT64_C(1) << 60)

/*
 * Of a plan's program at its mini-batch. Free with dram_contents_free, also after a failure.
 * O(steps + touches). Errors: MBS_ERR_MEMORY, MBS_ERR_INPUT (more than 2^60 bytes, from a loaded
 * plan).
 */
mbs_status dram_contents_create(dram_contents *contents, const mbs_plan *plan, mbs_error *error);
void dram_contents_free(dram_contents *contents);

/* What must be in DRAM while a group runs. */
typedef struct dram_sums {
    int64_t of[DRAM_CONTENTS];
} dram_sums;

static inline int64_t dram_sum(const dram_sums *sums)
{
    int64_t bytes = 0;
    for (int c = 0; c < DRAM_CONTENTS; c++)
        bytes += sums->of[c];
    return bytes;
}

/* Per group of the plan; the caller's (mem_free). Errors: as of dram_contents_create. */
mbs_status dram_sums_create(dram_sums **sums, const mbs_plan *plan, mbs_error *error);

#endif
