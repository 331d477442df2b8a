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

/* What it costs to keep a tensor of `bytes` over the steps between touch `from` and the next. */
static inline int64_t chain_hold_cost(const lagrange *l, int32_t c, int32_t from, int64_t bytes)
{
    const mbs_program *p = l->task->program;
    if (!l->stays[(int64_t)c * p->touch_count + from])
        return IMPOSSIBLE;
    const mbs_touch *touch = &p->touches[from];
    const int64_t *sum = l->price_sum + (int64_t)c * (p->step_count + 1);
    /* beyond this, dropping the tensor is cheaper whatever else */
    int64_t price = min_i64(sum[p->touches[touch->next].step] - sum[touch->step + 1],
                            l->highest_price[c] << l->shift);
    return l->list.sub_batch[c] * bytes * price;
}

static inline int64_t chain_drop_cost(const lagrange *l, int64_t bytes)
{
    return (l->task->batch * bytes) << l->shift;
}

static const chain_state chain_fresh = {{{0, IMPOSSIBLE}, {IMPOSSIBLE, IMPOSSIBLE}}};

/* Extends a chain by the interval from touch `from` to its next touch `to`. */
static inline void chain_extend(const lagrange *l, int32_t c, chain_state *chain, int32_t from,
                                int32_t to)
{
    const mbs_program *p = l->task->program;
    const int64_t bytes = p->tensors[p->touches[to].tensor].bytes;
    const int64_t begin = chain_end_cost(l, c, from);
    const int64_t keep = chain_hold_cost(l, c, from, bytes) + chain_end_cost(l, c, to);
    const int64_t clean = min_i64(chain->cost[0][0] + begin, chain->cost[1][0]);
    const int64_t dirty = min_i64(chain->cost[0][1] + begin, chain->cost[1][1]);
    const int64_t any = min_i64(min_i64(chain->cost[0][0], chain->cost[1][0]),
                                min_i64(chain->cost[0][1], chain->cost[1][1]));
    chain->cost[0][0] = IMPOSSIBLE;
    chain->cost[0][1] = any + chain_drop_cost(l, bytes);
    chain->cost[1][0] = min_i64(clean + keep, IMPOSSIBLE);
    chain->cost[1][1] = min_i64(dirty + keep, IMPOSSIBLE);
}

/*
 * The cheapest end of a chain. A tensor made in the group is written unless all its touches are in
 * the group and none was reached from DRAM; one made before it costs nothing more.
 */
static inline int64_t chain_end(const lagrange *l, const chain_state *chain, bool made_here,
                                bool whole, int64_t bytes)
{
    int64_t clean = min_i64(chain->cost[0][0], chain->cost[1][0]);
    int64_t dirty = min_i64(chain->cost[0][1], chain->cost[1][1]);
    if (!made_here)
        return min_i64(clean, dirty);
    int64_t write = chain_drop_cost(l, bytes);
    return whole ? min_i64(clean, dirty + write) : min_i64(clean, dirty) + write;
}

#endif
