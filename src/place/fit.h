/* A plan that can be placed in the buffer, address by address, made of one that fits in total. */
#ifndef PLACE_FIT_H
#define PLACE_FIT_H

#include "place/layout.h"

/* How much of the mini-batch an iteration takes. */
typedef struct fit_portion {
    int64_t sub_batch; /* 0: nothing could be placed */
    int64_t strips;    /* of each sample */
} fit_portion;

/* A group of the given plan that could not be placed as it was. */
typedef struct fit_change {
    int32_t first; /* its steps [first, end) */
    int32_t end;
    fit_portion given;
    fit_portion taken; /* the largest that could be placed; sub_batch 0: none, so it is cut */
} fit_change;

typedef struct placed_plan {
    mbs_plan *plan; /* verified; its program is the given plan's */
    buffer_layout layout;
    fit_change *changes;
    int32_t change_count;
    int32_t trimmed;       /* groups that are otherwise as they were but pin less */
    int64_t trimmed_bytes; /* so much less */
} placed_plan;

/*
 * Places every group of a valid plan. Where a group has no placement that is found,
 * - it pins less, weights first and the last step's first, if that is enough;
 * - else it takes the next smaller sub-batch, a strip group the next larger number of strips, and
 *   so on. What this leaves of the buffer is filled with parameters, accumulators first, if the
 * plan pins any at all;
 * - else, no sub-batch being small enough (or none but the whole mini-batch allowed), it is cut in
 *   two, each half beginning anew with the group's sub-batch, or with about as many strips; one of
 *   a single row with a whole sample. A step alone runs in passes at last.
 * All other choices stay. Operands are where they may come the earliest (ahead.h). The result is
 * replayed (mbs_plan_verify); optimal outcomes of a plan that
 * was changed become feasible. On success the caller owns *placed (placed_plan_free); the given
 * plan's program must outlive it. Deterministic.
 * `watch` (or null) may end it.
 * Errors: MBS_ERR_MEMORY, MBS_ERR_STOPPED, MBS_ERR_VERIFY (a defect of this library).
 */
mbs_status plan_fit(placed_plan *placed, const mbs_plan *plan, int64_t alignment, plan_watch *watch,
                    mbs_error *error);

void placed_plan_free(placed_plan *placed);

#endif
