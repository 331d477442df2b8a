/* What a step needs of the buffer (model, section 4). */
#ifndef COST_FOOTPRINT_H
#define COST_FOOTPRINT_H

#include "cost/schedule.h"

/* The buffer's bytes that a plan may use. */
int64_t plan_capacity(const mbs_plan *plan);

/* q: how often a step run in passes reads each operand. */
int64_t step_passes(const mbs_step *step, int64_t capacity, int64_t norm_passes);

/* Parameters that a streamed step has in the buffer whole. */
int64_t step_parameter_bytes(const mbs_step *step);

/* What step k moves of them alone with one iteration: weights in, accumulators out, and in if
 * begun; an update all that it moves. */
int64_t step_parameter_moves(const mbs_program *program, int32_t k);

/* Bytes per sample of a step's operands. */
typedef struct step_operands {
    int64_t resident; /* in the buffer before the step or after it */
    int64_t other;
} step_operands;

/*
 * Those of step k as residency stands. What it writes first and the operand of touch `over` (-1:
 * none), which it is written over, are one (section 12).
 */
step_operands plan_step_operands(const mbs_plan *plan, int32_t k, int32_t over);

/* What they take of the buffer, and the parameters if it is streamed. */
int64_t step_staged_bytes(step_operands operands, int64_t sub_batch);
int64_t step_streamed_bytes(const mbs_step *step, step_operands operands, int64_t sub_batch);

/* The bytes that the steps of [first, end) pin. */
int64_t plan_pinned_bytes(const mbs_plan *plan, int32_t first, int32_t end);

/* The largest footprint of the steps of a group of whole samples, from modes, residency and pinned
 * bytes. O(touches). Of any group: plan_find_peak (peak.h). */
int64_t plan_group_peak(const mbs_plan *plan, const mbs_group *group);

/* Going through a group's steps in order, on `samples` of them. */
typedef struct footprint_walk {
    const mbs_plan *plan;
    int64_t samples;
    int64_t pinned;
    int64_t crossing; /* per sample: resident over the step at hand without being its operand */
} footprint_walk;
footprint_walk footprint_walk_begin(const mbs_plan *plan, const mbs_group *group, int64_t samples);
/* The footprint of step k, pinned bytes included; k is the group's next step. O(its touches). */
int64_t footprint_walk_step(footprint_walk *walk, int32_t k);

/*
 * Whether everything that planners and traffic sum up at mini-batch `batch` stays below 2^62, so
 * that they need no further checks. MBS_ERR_INPUT if not.
 */
mbs_status cost_check_range(const mbs_program *program, int64_t batch, int64_t capacity,
                            int64_t norm_passes, mbs_error *error);

#endif
