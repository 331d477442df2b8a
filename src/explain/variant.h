/*
 * Other ways to run some steps of a plan as one group, and what they would move: by dp's rules
 * (model, section 5), everything that the group shares kept in the buffer, with what the plan's
 * planner may do of streaming, pinning and strips.
 */
#ifndef EXPLAIN_VARIANT_H
#define EXPLAIN_VARIANT_H

#include "plan/pins.h"

/* A plan to try groups in, and the task that they are tried for. */
typedef struct variants {
    const mbs_plan *plan; /* the one that is explained */
    plan_task task;
    mbs_plan *scratch; /* of the same program, batch and buffer; nothing in it between calls */
    candidates list;
    pins pins;      /* of the group that was looked at last */
    int64_t visits; /* touches looked at so far: the work done */
} variants;

/* A group as it would be. */
typedef struct variant {
    bool fits;
    mbs_group group; /* peak_bytes: pinned bytes included; of one that does not fit without any */
    mbs_traffic traffic;
    int64_t pinned_bytes;
} variant;

/* Borrows the plan. Free with variants_close in any case. Errors: MBS_ERR_INPUT (its traffic in
 * other groups may exceed 64 bits), MBS_ERR_MEMORY. */
mbs_status variants_open(variants *of, const mbs_plan *plan, mbs_error *error);
void variants_close(variants *of);

/*
 * The one of [first, end) that moves least in `capacity` bytes, of several the one with the fewest
 * iterations. If none fits, *best is the one that needs least. The only error is MBS_ERR_MEMORY.
 */
mbs_status variants_best(variant *best, variants *of, int32_t first, int32_t end, int64_t capacity,
                         mbs_error *error);

/*
 * [first, end) with `iterations` of whole samples, or with `strips` > 1 per sample, in `capacity`
 * bytes. `as_planned`: with what the plan keeps of its tensors in place of all. The scratch plan
 * holds it until variants_clear. Likewise.
 */
mbs_status variants_try(variant *tried, variants *of, int32_t first, int32_t end,
                        int64_t iterations, int64_t strips, bool as_planned, int64_t capacity,
                        mbs_error *error);
void variants_clear(variants *of, int32_t first, int32_t end);

/*
 * The next coarser way to run a group than with I iterations and T strips: fewer strips, whole
 * samples, or fewer iterations; *iterations is 0 if there is none.
 */
void variants_coarser(const variants *of, const mbs_group *group, int64_t *iterations,
                      int64_t *strips);

/*
 * Goes through all ways to run [first, end) that are no passes, the fewest iterations first: to the
 * next one after *iterations and *strips, which are 0 and 1 before the first. False after the last.
 */
bool variants_next(const variants *of, int32_t first, int32_t end, int64_t *iterations,
                   int64_t *strips);

#endif
