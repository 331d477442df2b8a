/* Where a plan's data lie in the buffer: the live ranges of sections 4 and 11, with offsets. */
#ifndef PLACE_LAYOUT_H
#define PLACE_LAYOUT_H

#include "cost/schedule.h"
#include "place/placement.h"

/*
 * Offsets in bytes, multiples of the alignment; -1 for what is not in the buffer. They hold in all
 * iterations of a group. What is there, and when:
 * - a tensor that stays from a step to later ones, and an operand of a staged step: sub_batch
 *   samples, from the first of these steps to the last;
 * - what is written over an operand (section 12), where that was: the two are one region, from the
 *   first step of the one to the last of the other;
 * - of other operands of a streamed step one sample if it needs whole samples, else nothing;
 * - a streamed step's parameters during the step: there is room for all of them, also for those
 *   that are pinned elsewhere (section 4), so that the offsets do not depend on what is pinned;
 * - pinned parameters during the whole group.
 * In a strip group
 * - a tensor of which rows stay from strip to strip is a ring, from the group's first step to its
 *   last: byte j of the sample lies at offset + j mod bytes;
 * - any other has the strip's new rows, from the first step that touches it to the last;
 * - of an operand that only a streamed step touches, the new rows are nowhere, and those that stay
 *   are a ring;
 * - what is written over an operand, and that, are again one region: a ring if what is written, or
 *   written over it in its turn, is one;
 * - parameters are as above.
 */
typedef struct buffer_layout {
    int64_t alignment;
    int64_t *touch;         /* per touch: the operand */
    int64_t *bytes;         /* per touch: what the operand takes of the buffer, 0 for nothing */
    bool *ring;             /* per touch: the operand is a ring, or has one */
    int64_t *weight;        /* per step: its weights, if it is streamed */
    int64_t *accumulator;   /* likewise */
    int64_t *pinned_weight; /* per step */
    int64_t *pinned_accumulator; /* per step */
} buffer_layout;

/* A layout with room for the touches and steps of `program`. Errors: MBS_ERR_MEMORY. */
mbs_status layout_create(buffer_layout *layout, const mbs_program *program, int64_t alignment,
                         mbs_error *error);
void layout_free(buffer_layout *layout);

/*
 * Places what the group has in the buffer besides pinned parameters, from offset 0 upwards and, if
 * it can, below `units`, which are of the alignment's size; so is what `result` says. At most
 * `node_limit` nodes are searched, less if `watch` (or null) ends it.
 * O(touches of the group), of a strip group O(touches · strips), besides the placement. Errors:
 * MBS_ERR_MEMORY, MBS_ERR_STOPPED.
 */
mbs_status layout_place_group(buffer_layout *layout, const mbs_plan *plan, const mbs_group *group,
                              int64_t units, int64_t node_limit, plan_watch *watch,
                              placement *result, mbs_error *error);

/*
 * The last touch of what is in the buffer from `touch` on, and of what is written over it; *written
 * is the first touch of the last of these: a block may be written over into a ring.
 */
int32_t layout_last_touch(const mbs_plan *plan, int32_t touch, int32_t *written);

/* Whether new rows of the operand pass through: only one step of a strip group touches it, and is
 * streamed. What that makes whole stays in its ring to the last strip, so it does not.
 */
bool layout_passes(const mbs_plan *plan, const mbs_group *group, int32_t touch);

/* Whether nothing of what moves of the operand between DRAM and its step has a place here. */
bool layout_passes_through(const mbs_plan *plan, const mbs_group *group, int32_t touch);

/* Stacks the group's pinned parameters from `unit` upwards. */
void layout_place_pinned(buffer_layout *layout, const mbs_plan *plan, const mbs_group *group,
                         int64_t unit);

/* The units that the group's pinned parameters take. */
int64_t layout_pinned_units(const buffer_layout *layout, const mbs_plan *plan,
                            const mbs_group *group);

#endif
