/* One event of a tensor's chain under prices. Inline: nearly all of the bound's time goes here. */
#ifndef PLAN_JOINT_CHAIN_H
#define PLAN_JOINT_CHAIN_H

#include "plan/exact/chain.h"
#include "plan/joint/joint.h"

/* What a step of a chain does, for the slope. */
enum {
    ACT_HELD = 1,        /* in the buffer up to the event, */
    ACT_HELD_ACROSS = 2, /* and from its begin to its end */
    ACT_OPERAND = 4,     /* resident at its step */
    ACT_SHARE = 8,       /* pays a share of the write */
    ACT_SERVES = 16,
    ACT_COMPUTES = 32,
    ACT_FETCHES = 64 /* in a gap from DRAM */
};

typedef struct joint_step {
    int64_t cost[JOINT_STATES];
    uint8_t from[JOINT_STATES];
    int8_t act[JOINT_STATES];
} joint_step;

static inline void joint_offer(joint_step *s, int to, int64_t cost, int from, int act)
{
    if (cost < s->cost[to]) {
        s->cost[to] = cost;
        s->from[to] = (uint8_t)from;
        s->act[to] = (int8_t)act;
    }
}

static inline int joint_state(joint_place place, int dirty)
{
    return 2 * (int)place + dirty;
}

/* A step reads the tensor: it is in the buffer, or comes from DRAM. */
static inline void joint_read(const joint *j, int32_t c, const joint_event *e, bool made_here,
                              int64_t hold, const int64_t *cost, joint_step *next)
{
    const joint_tensor *t = &j->tensors[e->tensor];
    const int64_t end = chain_end_cost(&j->l, c, e->index);
    const int64_t share = e->share >= 0 ? j->share[e->share] : 0;
    const bool dirties = made_here && e->time <= t->last_required;
    for (int d = 0; d < (made_here ? 2 : 1); d++) {
        const int in = joint_state(JOINT_IN, d);
        const int promised = joint_state(JOINT_PROMISED, d);
        const int out = joint_state(JOINT_OUT, d);
        const int64_t arrives = cost[in] + hold + end;
        const int64_t arrives_promised = cost[promised] + hold + end + share;
        const int64_t drop = cost[out] + t->moved + share;
        const int dropped = dirties ? 1 : d;
        joint_offer(next, in, arrives, in, ACT_HELD | ACT_OPERAND);
        joint_offer(next, out, arrives, in, ACT_HELD | ACT_OPERAND);
        joint_offer(next, in, arrives_promised, promised, ACT_HELD | ACT_OPERAND | ACT_SHARE);
        joint_offer(next, out, arrives_promised, promised, ACT_HELD | ACT_OPERAND | ACT_SHARE);
        joint_offer(next, joint_state(JOINT_OUT, dropped), drop, out, ACT_SHARE);
        joint_offer(next, joint_state(JOINT_IN, dropped), drop + end, out, ACT_OPERAND | ACT_SHARE);
    }
}

/* The share that a read from DRAM in the gaps of a cell pays; -1: none. */
static inline int32_t joint_fetch_share(const joint_cell *cell, bool begins)
{
    return begins ? cell->begin_share : cell->share;
}

/* What such a read costs. */
static inline int64_t joint_fetch(const joint *j, const joint_cell *cell, bool begins)
{
    const int32_t share = joint_fetch_share(cell, begins);
    return j->tensors[cell->tensor].moved + (share >= 0 ? j->share[share] : 0);
}

/*
 * Gaps in which the tensor may serve if it is in the buffer in any of them. Read there from DRAM
 * and kept up to its next reader it pays the reader's share too. `begins`: the group begins there.
 */
static inline void joint_serve(const joint *j, int32_t c, const joint_event *e, bool begins,
                               bool made_here, int64_t hold, const int64_t *cost, joint_step *next)
{
    const joint_tensor *t = &j->tensors[e->tensor];
    const joint_cell *cell = &j->cells[e->index];
    const int64_t *sum = j->l.price_sum + (int64_t)c * (j->program->step_count + 1);
    const int64_t width = j->l.list.sub_batch[c] * t->bytes * (sum[e->leave] - sum[e->enter]);
    const int64_t serves = -cell->reward;
    const int64_t fetches = serves + joint_fetch(j, cell, begins);
    const bool may_compute = cell->recompute_cost < IMPOSSIBLE;
    const int64_t computes = may_compute ? serves + cell->recompute_cost : IMPOSSIBLE;
    for (int d = 0; d < (made_here ? 2 : 1); d++) {
        const int out = joint_state(JOINT_OUT, d);
        const int in = joint_state(JOINT_IN, d);
        const int promised = joint_state(JOINT_PROMISED, d);
        joint_offer(next, out, cost[out], out, 0);
        for (int from = out; from <= promised; from += 2) {
            const bool held = from != out;
            const int64_t here = cost[from] + (held ? hold : 0);
            const int act = ACT_SERVES | (held ? ACT_HELD : 0);
            if (cost[from] >= IMPOSSIBLE)
                continue;
            if (held) {
                joint_offer(next, out, here + serves, from, act);
                joint_offer(next, from, here + serves + width, from, act | ACT_HELD_ACROSS);
            }
            joint_offer(next, out, here + fetches, from, act | ACT_FETCHES);
            joint_offer(next, promised, here + fetches, from, act | ACT_FETCHES);
            if (may_compute) {
                joint_offer(next, out, here + computes, from, act | ACT_COMPUTES);
                joint_offer(next, in, here + computes, from, act | ACT_COMPUTES);
            }
        }
    }
}

/* What follows in a group of candidate c from step `first` on for a tensor whose chain stands at
 * `chain`. */
static inline void joint_follow(const joint *j, int32_t c, int32_t first, const joint_event *e,
                                bool made_here, const joint_chain *chain, joint_step *next)
{
    for (int i = 0; i < JOINT_STATES; i++)
        next->cost[i] = IMPOSSIBLE;
    if (e->kind == JOINT_WRITE) {
        joint_offer(next, joint_state(JOINT_OUT, 0), 0, 0, 0);
        joint_offer(next, joint_state(JOINT_IN, 0), chain_end_cost(&j->l, c, e->index), 0,
                    ACT_OPERAND);
        return;
    }
    const joint_tensor *t = &j->tensors[e->tensor];
    const int64_t *sum = j->l.price_sum + (int64_t)c * (j->program->step_count + 1);
    /* at the begin of a group nothing is held, whichever gap it is */
    const int64_t hold = e->enter > chain->leave ? j->l.list.sub_batch[c] * t->bytes *
                                                       (sum[e->enter] - sum[chain->leave])
                                                 : 0;
    if (e->kind == JOINT_READ)
        joint_read(j, c, e, made_here, hold, chain->cost, next);
    else
        joint_serve(j, c, e, e->time < first, made_here, hold, chain->cost, next);
}

static const joint_chain joint_fresh = {
    .cost = {0, IMPOSSIBLE, IMPOSSIBLE, IMPOSSIBLE, IMPOSSIBLE, IMPOSSIBLE}};

/* The chain of a tensor that was not touched in a group, after the gaps in which the group begins.
 */
static inline void joint_begin_served(const joint *j, joint_chain *chain, const joint_cell *cell)
{
    const int64_t fetch = joint_fetch(j, cell, true);
    const int64_t least = min_i64(fetch, cell->recompute_cost) - cell->reward;
    for (int i = 0; i < JOINT_STATES; i++)
        chain->cost[i] = IMPOSSIBLE;
    chain->cost[joint_state(JOINT_OUT, 0)] = min_i64(0, least);
    chain->cost[joint_state(JOINT_PROMISED, 0)] = fetch - cell->reward;
    if (cell->recompute_cost < IMPOSSIBLE)
        chain->cost[joint_state(JOINT_IN, 0)] = cell->recompute_cost - cell->reward;
}

/* Whether a tensor made in a group that ends before step `end` may go unwritten. */
static inline bool joint_whole(const joint_tensor *t, int32_t end)
{
    return t->last_required < end;
}

/* The state in which the chain ends best; *value is what it then costs. */
static inline int joint_finish(const joint_tensor *t, const joint_chain *chain, bool made_here,
                               bool whole, int64_t *value)
{
    const int64_t clean = chain->cost[joint_state(JOINT_OUT, 0)];
    const int64_t dirty = chain->cost[joint_state(JOINT_OUT, 1)];
    if (!made_here) {
        *value = clean;
        return joint_state(JOINT_OUT, 0);
    }
    const int64_t clean_cost = clean + (whole ? 0 : t->write_cost);
    const int64_t dirty_cost = dirty + t->write_cost;
    *value = min_i64(clean_cost, dirty_cost);
    return joint_state(JOINT_OUT, clean_cost <= dirty_cost ? 0 : 1);
}

#endif
