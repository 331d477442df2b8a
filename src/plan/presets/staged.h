/*
 * What mbs-fs, mbs1 and mbs2 share: staged operands, a fixed set of intervals that stay resident
 * wherever both ends are in one group, and steps cut out to run alone.
 */
#ifndef PLAN_PRESETS_STAGED_H
#define PLAN_PRESETS_STAGED_H

#include "plan/planner.h"

typedef struct staged {
    const plan_task *task;
    bool *allowed; /* per touch: the interval that begins there may be resident */
    bool *cut;     /* per step: a group of its own */
} staged;

/*
 * Cuts out the steps whose operands fit at no sub-batch and allows the other intervals within the
 * phases, if `adjacent_only` the adjacent ones. Free with staged_free also on failure.
 */
mbs_status staged_open(staged *s, const plan_task *task, bool adjacent_only, mbs_error *error);
void staged_free(staged *s);

/* What is asked of a group [first, end): no cut-outs inside, one phase. */
typedef struct staged_group {
    int32_t first;
    int32_t end;
    int64_t unit_bytes; /* largest footprint of its steps per sample of the sub-batch */
    bool coupled;       /* contains a kept batch norm: I=1 */
    int64_t iterations; /* the smallest that fits, or 0 if none does */
    int64_t traffic;    /* at that I */
} staged_group;

/* Evaluates [first, end). O(touches, and of their tensors). */
staged_group staged_evaluate(const staged *s, int32_t first, int32_t end);

/* Writes the group, or the cut-out step, to the plan with its resident intervals. */
void staged_emit(const staged *s, mbs_plan *plan, const staged_group *group);

#endif
