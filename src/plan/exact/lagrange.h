/*
 * Lower bounds on the traffic of groups (docs/exact.md).
 *
 * Within one group the exact problem is: which intervals stay resident, which mode each step takes,
 * how much is pinned, such that no step's footprint exceeds the capacity. Put a price on each byte
 * of buffer at each step and charge every footprint for what it exceeds the capacity by (or pay it
 * for what it leaves free): a plan that fits never costs more than before, so the cheapest choice
 * at any prices bounds the group's traffic from below, and it is easy to find, for tensors no
 * longer depend on each other. All in integers, so that the bounds are exact.
 */
#ifndef PLAN_EXACT_LAGRANGE_H
#define PLAN_EXACT_LAGRANGE_H

#include "plan/exact/relaxation.h"

/*
 * `is_run`: the task's program is what runs, and not one of which parts do. Prices start at 0.
 * MBS_ERR_MEMORY; MBS_ERR_INPUT without a message if the sizes leave no room
 * for scaled 64-bit sums. Free with lagrange_close also on failure.
 */
mbs_status lagrange_open(lagrange *l, const plan_task *task, bool is_run, mbs_error *error);
void lagrange_close(lagrange *l);

/* Whether the capacities of `tight` hold for the group [first, end) with candidate c. */
static inline bool lagrange_is_tight(const lagrange *l, int32_t c, int32_t first, int32_t end)
{
    if (c == l->tight_candidate && first < l->tight_end && end > l->tight_first)
        return first >= l->tight_first && end <= l->tight_end;
    return l->task->program->steps[first].phase == l->task->program->steps[end - 1].phase;
}

/* Brings the sums up to date after candidate c's prices changed. */
void lagrange_update(lagrange *l, int32_t c);

void lagrange_update_all(lagrange *l);

/*
 * The same if only groups within the steps [first, end) are looked at until what changed in them
 * is put back and they are brought up to date once more: all others then are as well.
 */
void lagrange_update_steps(lagrange *l, int32_t c, int32_t first, int32_t end);

/* Whether step k can run at all in a group with candidate c. */
static inline bool lagrange_feasible(const lagrange *l, int32_t c, int32_t k)
{
    return l->need[(int64_t)c * l->task->program->step_count + k] <= l->task->capacity;
}

/*
 * Bounds on the groups [first, e) with candidate c for all e up to `limit` or to the first step
 * that the candidate cannot run: bound[e], scaled. Returns the last e that has one (first if none
 * has).
 */
int32_t lagrange_row(lagrange *l, int32_t c, int32_t first, int32_t limit, int64_t *bound);

/*
 * Adds to excess[k], for the steps of [first, end), by how much the footprint of the choice behind
 * the bound exceeds the capacity: the direction in which to move the prices.
 */
void lagrange_excess(lagrange *l, int32_t c, int32_t first, int32_t end, double *excess);

/* Whether a step writes over an operand, so that the two are one (section 12). */
typedef enum over_kind {
    OVER_NONE,    /* all that it may write over stay, or there is nothing */
    OVER_MAY,     /* nothing is chosen yet, or one neither arrives nor stays in any case */
    OVER_LEAVES,  /* one leaves, */
    OVER_ARRIVED, /* having been in the buffer before, */
    OVER_BOTH     /* and what is written stays */
} over_kind;

/* Of step k before anything is chosen. */
static inline over_kind lagrange_over(const lagrange *l, int32_t k)
{
    const bool may = l->task->in_place && l->task->program->steps[k].replaceable >= 0;
    return may ? OVER_MAY : OVER_NONE;
}

/*
 * The footprint of step k in its smaller mode with `resident` bytes per sample of its operands
 * resident (of OVER_BOTH two are counted for one), without what crosses it and without pins.
 */
int64_t lagrange_footprint(const lagrange *l, int32_t c, int32_t k, int64_t resident,
                           over_kind over);

/* What the parameters of [first, end) move at candidate c, in bytes, if nothing is pinned. */
int64_t lagrange_parameter_moves(const lagrange *l, int32_t c, int32_t first, int32_t end);

/*
 * What the parameters of [first, end) move at candidate c, scaled, if up to `room` bytes may be
 * pinned at `price` each, as many as that makes worthwhile: `pinned`.
 */
int64_t lagrange_parameters(const lagrange *l, int32_t c, int32_t first, int32_t end, int64_t price,
                            int64_t room, int64_t *pinned);

/* The same for the whole group at its prices, whose largest footprint is at least `largest_need`.
 */
int64_t lagrange_group_parameters(const lagrange *l, int32_t c, int32_t first, int32_t end,
                                  int64_t largest_need, int64_t *pinned);

/* Bytes from a scaled bound: whole traffic is a whole number of bytes, so rounded up. */
int64_t lagrange_bytes(const lagrange *l, int64_t scaled);

#endif
