/*
 * What is left to pay in a group from any of its touches on, under the prices of its candidate
 * (docs/exact.md): the bounds that the exact search of a group (labels.h) goes by.
 */
#ifndef PLAN_EXACT_GROUP_COSTS_H
#define PLAN_EXACT_GROUP_COSTS_H

#include "plan/exact/lagrange.h"

/*
 * Where an interval's tensor is. A tensor that lives in the group alone is written as soon as one
 * of its intervals is dropped: from then on it is DIRTY while it stays, and OUT says the same. The
 * others know OUT and CLEAN only.
 */
typedef enum tensor_place { PLACE_OUT, PLACE_CLEAN, PLACE_DIRTY, PLACE_COUNT } tensor_place;

/* A touch of the group and the interval that begins there. */
typedef struct touch_costs {
    bool begins;      /* the next touch is in the group */
    bool may_stay;    /* the interval; else it must be dropped */
    bool ends;        /* the touch before is */
    bool tracked;     /* the tensor lives in the group alone */
    int32_t slot;     /* of the tensor among those open at the same time */
    int64_t bytes;    /* per sample */
    int64_t held;     /* of the buffer while it stays */
    int64_t dropped;  /* bytes of DRAM traffic if the interval is dropped, without a write */
    int64_t end_cost; /* scaled: what a resident operand costs here */
    int64_t beside;   /* scaled: what it costs if it stays where something is written over it */
    /* scaled: by place, holding the tensor from the group's first step up to the next touch, and
     * the least of everything from there on */
    int64_t to_go[PLACE_COUNT];
} touch_costs;

typedef struct group_costs {
    const lagrange *l;
    int32_t first; /* steps [first, end) */
    int32_t end;
    int32_t candidate;
    int32_t touch_begin;
    int32_t touch_end;
    int32_t slots;
    int64_t base;         /* bytes moved with all intervals resident, without parameters */
    int64_t largest_need; /* of the steps, in bytes: no footprint is smaller */
    int64_t pinnable;     /* parameter bytes that pinning can save traffic on */
    touch_costs *touch;   /* from touch_begin on */
    int64_t *unopened;    /* scaled, per touch: the least for tensors first touched from there on */
    int64_t *slack; /* scaled, per step and one more: price · (need - capacity) from there on */
} group_costs;

/* MBS_ERR_MEMORY. Free with group_costs_close also on failure. */
mbs_status group_costs_open(group_costs *g, const lagrange *l, int32_t candidate, int32_t first,
                            int32_t end, mbs_error *error);
void group_costs_close(group_costs *g);

/* The sum of the prices of the program's steps before k. */
static inline int64_t group_price_before(const group_costs *g, int32_t k)
{
    return g->l->price_sum[(int64_t)g->candidate * (g->l->task->program->step_count + 1) + k];
}

/* The place after an interval's end at `at` whose next interval stays or is dropped. */
static inline tensor_place place_after(const touch_costs *at, tensor_place before, bool stays)
{
    if (!stays)
        return PLACE_OUT;
    return at->tracked && at->ends && before != PLACE_CLEAN ? PLACE_DIRTY : PLACE_CLEAN;
}

/* Bytes of traffic if the interval that begins at `at` is dropped. */
static inline int64_t drop_bytes(const touch_costs *at, tensor_place before)
{
    bool writes = at->tracked && (!at->ends || before == PLACE_CLEAN);
    return writes ? 2 * at->dropped : at->dropped;
}

/*
 * Parameters of the whole group if no footprint before step k was above `peak` and pinned bytes
 * are charged for at the steps from k on; scaled.
 */
int64_t group_parameters(const group_costs *g, int32_t k, int64_t peak);

#endif
