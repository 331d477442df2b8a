/* dp's groups: the footprints of a group that grows at one end, for all sub-batches at once. */
#ifndef PLAN_DP_DP_SPAN_H
#define PLAN_DP_DP_SPAN_H

#include "plan/planner.h"

/* A step of the group. Its footprint at sub-batch b is
 * b * crossing + min(b * (operands - over), b * (resident - twice) + streamed - once). */
typedef struct span_step {
    int32_t step;
    int32_t reach;    /* see dp_span.c */
    int64_t crossing; /* per sample: resident over it without being its operand */
    int64_t operands; /* per sample: all of them, and */
    int64_t resident; /* the resident ones */
    int64_t streamed; /* what it needs besides when streamed */
    int64_t over;     /* per sample: what it writes over an operand (section 12); */
    int64_t twice;    /* the same if both are resident, */
    int64_t once;     /* or if not, and the step needs whole samples */
} span_step;

typedef struct span {
    const plan_task *task;
    const candidates *list;  /* I ascending, so sub-batches descending */
    const int64_t *operands; /* per step: bytes per sample of all its operands */
    int32_t first;           /* steps [first, end) */
    int32_t end;
    bool in_place;    /* steps may write over an operand; the task's unless the caller changes it */
    bool left;        /* the end at which it grows */
    int32_t smallest; /* the first candidate that still fits */
    int32_t count;    /* candidates from here on are out: 1 if a step needs I=1 */
    int64_t *peak;    /* per candidate that fits: the largest footprint */
    span_step *live;  /* the steps that may still raise a peak, the newest last */
    int32_t live_count;
    int32_t live_limit; /* with more than these, all are looked through */
} span;

/* Borrows all but the span. False if memory is out; free with span_close in any case. */
bool span_open(span *g, const plan_task *task, const candidates *list, const int64_t *operands);
void span_close(span *g);

/* Makes it the empty group at `cut`, to grow to the left or to the right from there. */
void span_start(span *g, int32_t cut, bool left);

/* Adds the next step; only while span_fits. O(touches + live steps changed) for each candidate. */
void span_grow(span *g);

static inline bool span_fits(const span *g)
{
    return g->smallest < g->count;
}

#endif
