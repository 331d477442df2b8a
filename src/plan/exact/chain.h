/*
 * A tensor's chain of touches in a group under prices: the cheapest choices, one interval after the
 * other (docs/exact.md). Inline, for nearly all of the ilp planner's time is spent here.
 */
#ifndef PLAN_EXACT_CHAIN_H
#define PLAN_EXACT_CHAIN_H

#include "base/checked.h"
#include "plan/exact/relaxation.h"

/* Stands for "not possible"; adding two of them does not overflow. */
#define IMPOSSIBLE (INT64_MAX / 4)

/* What it costs that touch t's operand is resident at its step. */
static inline int64_t chain_end_cost(const lagrange *l, int32_t c, int32_t t)
{
    const mbs_program *p = l->task->program;
    return l->price[(int64_t)c * p->step_count + p->touches[t].step] *
           l->end_bytes[(int64_t)c * p->touch_count + t];
}

/* The first step that the tensor crosses if it stays at touch `from`: the next, or the touch's own
 * where something would be written over it. */
static inline int32_t chain_hold_begin(const lagrange *l, int32_t from)
{
    const int32_t k = l->task->program->touches[from].step;
    const bool stays_beside =
        lagrange_knows_over(l, k) && l->task->program->steps[k].replaceable == from;
    return stays_beside ? k : k + 1;
}

/* What it costs to keep a tensor of `bytes` over the steps between touch `from` and the next. */
static inline int64_t chain_hold_cost(const lagrange *l, int32_t c, int32_t from, int64_t bytes)
{
    const mbs_program *p = l->task->program;
    if (!l->stays[(int64_t)c * p->touch_count + from])
        return IMPOSSIBLE;
    const mbs_touch *touch = &p->touches[from];
    const int64_t *sum = l->price_sum + (int64_t)c * (p->step_count + 1);
    /* beyond this, dropping the tensor is cheaper whatever else */
    int64_t price = min_i64(sum[p->touches[touch->next].step] - sum[chain_hold_begin(l, from)],
                            l->highest_price[c] << l->shift);
    return l->list.sub_batch[c] * bytes * price;
}

static const chain_state chain_fresh = {{{0, IMPOSSIBLE}, {IMPOSSIBLE, IMPOSSIBLE}}};

/* Extends a chain by an interval; `drop` is what it costs to read the tensor instead, scaled. */
static inline void chain_extend(chain_state *chain, chain_link link, int64_t drop)
{
    const int64_t clean = min_i64(chain->cost[0][0] + link.begin, chain->cost[1][0]);
    const int64_t dirty = min_i64(chain->cost[0][1] + link.begin, chain->cost[1][1]);
    const int64_t any = min_i64(min_i64(chain->cost[0][0], chain->cost[1][0]),
                                min_i64(chain->cost[0][1], chain->cost[1][1]));
    chain->cost[0][0] = IMPOSSIBLE;
    chain->cost[0][1] = any + drop;
    chain->cost[1][0] = min_i64(clean + link.keep, IMPOSSIBLE);
    chain->cost[1][1] = min_i64(dirty + link.keep, IMPOSSIBLE);
}

/*
 * Adds a touch to the row of groups that began at `first`; returns what that adds to their bound. A
 * tensor made in the group is written unless all its touches are in the group and none was reached
 * from DRAM; one made before it costs nothing more. The same as chain_extend, without what is
 * impossible.
 */
static inline int64_t chain_add(row_chain *chain, const row_touch *touch, chain_link link,
                                int32_t first)
{
    if (touch->previous < first)
        return touch->enters;
    row_chain now = {.read = touch->drop, .dirty = IMPOSSIBLE};
    int64_t before = 0;
    if (touch->earlier < first) {
        now.clean = min_i64(link.begin + link.keep, IMPOSSIBLE);
    } else {
        before = chain->any;
        now.read += before;
        now.clean = min_i64(chain->clean + link.keep, IMPOSSIBLE);
        now.dirty =
            min_i64(min_i64(chain->read + link.begin, chain->dirty) + link.keep, IMPOSSIBLE);
    }
    const int64_t dropped = min_i64(now.read, now.dirty);
    now.any = min_i64(now.clean, dropped);
    *chain = now;
    if (touch->producer >= first)
        return min_i64(now.clean - touch->drop, dropped) - before;
    return now.any - before;
}

#endif
