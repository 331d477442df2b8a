#include "plan/exact/group_costs.h"

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "plan/exact/chain.h"

/*
 * The least from touch t on, at which the tensor arrives from `before` (anything if no interval
 * ends here): the operand, and the interval that begins here with all that follows.
 */
static int64_t from_touch(const group_costs *g, int32_t t, tensor_place before)
{
    const mbs_touch *touches = g->l->task->program->touches;
    const touch_costs *at = &g->touch[t - g->touch_begin];
    const int64_t operand = at->ends && before != PLACE_OUT ? at->end_cost : 0;
    if (!at->begins)
        return operand;
    int64_t dropped = operand + (drop_bytes(at, before) << g->l->shift) + at->to_go[PLACE_OUT];
    if (!at->may_stay)
        return dropped;
    int64_t stays = at->end_cost + at->beside + at->to_go[place_after(at, before, true)] -
                    at->held * group_price_before(g, touches[t].step + 1);
    return min_i64(stays, dropped);
}

static void fill_touch(group_costs *g, int32_t t)
{
    const mbs_program *p = g->l->task->program;
    const mbs_touch *touch = &p->touches[t];
    const mbs_tensor *tensor = &p->tensors[touch->tensor];
    touch_costs *at = &g->touch[t - g->touch_begin];
    at->begins = touch->next >= 0 && touch->next < g->touch_end;
    at->ends = touch->previous >= g->touch_begin;
    at->tracked = tensor->producer >= g->first && !tensor->kept &&
                  tensor->last_touch < g->touch_end && tensor->first_touch >= g->touch_begin;
    at->bytes = tensor->bytes;
    at->held = g->l->list.sub_batch[g->candidate] * tensor->bytes;
    at->dropped = g->l->task->batch * tensor->bytes;
    at->end_cost = chain_end_cost(g->l, g->candidate, t);
    at->beside = at->held * (group_price_before(g, touch->step + 1) -
                             group_price_before(g, chain_hold_begin(g->l, t)));
    if (!at->begins)
        return;
    at->may_stay = g->l->stays[(int64_t)g->candidate * p->touch_count + t];
    /* what cannot stay is not weighed: from_touch passes over it */
    const int64_t hold =
        at->may_stay ? at->held * group_price_before(g, p->touches[touch->next].step) : 0;
    for (tensor_place place = PLACE_OUT; place < PLACE_COUNT; place++)
        at->to_go[place] = (place == PLACE_OUT ? 0 : hold) + from_touch(g, touch->next, place);
}

/* What the tensor first touched at t moves whatever stays resident, per sample. */
static int64_t moves_anyhow(const group_costs *g, int32_t t)
{
    const mbs_program *p = g->l->task->program;
    const touch_costs *at = &g->touch[t - g->touch_begin];
    const mbs_touch *touch = &p->touches[t];
    const bool reads = t < p->steps[touch->step].write_begin;
    const bool written = touch->next >= 0 || p->tensors[touch->tensor].kept;
    return reads || (written && !at->tracked) ? at->bytes : 0;
}

static void fill_tensors(group_costs *g)
{
    const int32_t count = g->touch_end - g->touch_begin;
    g->unopened[count] = 0;
    for (int32_t i = count; i-- > 0;) {
        const int32_t t = g->touch_begin + i;
        fill_touch(g, t);
        g->unopened[i] = g->unopened[i + 1];
        if (g->touch[i].ends)
            continue;
        g->base += g->l->task->batch * moves_anyhow(g, t);
        g->unopened[i] += from_touch(g, t, PLACE_OUT);
    }
}

static void fill_steps(group_costs *g)
{
    const lagrange *l = g->l;
    const int64_t row = (int64_t)g->candidate * l->task->program->step_count;
    const bool is_tight = lagrange_is_tight(l, g->candidate, g->first, g->end);
    g->slack[g->end - g->first] = 0;
    for (int32_t k = g->end; k-- > g->first;) {
        const int64_t capacity = is_tight ? l->tight[row + k] : l->task->capacity;
        g->slack[k - g->first] =
            g->slack[k - g->first + 1] + l->price[row + k] * (l->need[row + k] - capacity);
        g->largest_need = max_i64(g->largest_need, l->need[row + k]);
    }
}

/* Gives each tensor with an interval in the group a slot that no other has at the same time. */
static mbs_status assign_slots(group_costs *g, mbs_error *error)
{
    const int32_t count = g->touch_end - g->touch_begin;
    int32_t *free_slots = mem_alloc(((size_t)count + 1) * sizeof *free_slots);
    if (free_slots == NULL)
        return error_memory(error);
    int32_t free_count = 0;
    for (int32_t i = 0; i < count; i++) {
        touch_costs *at = &g->touch[i];
        const mbs_touch *touch = &g->l->task->program->touches[g->touch_begin + i];
        at->slot = at->ends ? g->touch[touch->previous - g->touch_begin].slot : -1;
        if (at->begins && !at->ends)
            at->slot = free_count > 0 ? free_slots[--free_count] : g->slots++;
        else if (at->ends && !at->begins)
            free_slots[free_count++] = at->slot;
    }
    mem_free(free_slots);
    return MBS_OK;
}

mbs_status group_costs_open(group_costs *g, const lagrange *l, int32_t candidate, int32_t first,
                            int32_t end, mbs_error *error)
{
    const mbs_step *steps = l->task->program->steps;
    *g = (group_costs){.l = l,
                       .candidate = candidate,
                       .first = first,
                       .end = end,
                       .touch_begin = steps[first].touch_begin,
                       .touch_end = steps[end - 1].touch_end};
    const size_t touches = (size_t)(g->touch_end - g->touch_begin);
    g->touch = mem_calloc(touches + 1, sizeof *g->touch);
    g->unopened = mem_calloc(touches + 1, sizeof *g->unopened);
    g->slack = mem_calloc((size_t)(end - first) + 1, sizeof *g->slack);
    if (g->touch == NULL || g->unopened == NULL || g->slack == NULL)
        return error_memory(error);
    pins_move(l->pins, first, end);
    if (l->task->pin)
        g->pinnable = pins_worthwhile(l->pins, l->list.iterations[candidate]);
    fill_steps(g);
    fill_tensors(g);
    return assign_slots(g, error);
}

void group_costs_close(group_costs *g)
{
    mem_free(g->touch);
    mem_free(g->unopened);
    mem_free(g->slack);
}

int64_t group_parameters(const group_costs *g, int32_t k, int64_t peak)
{
    const int64_t price = group_price_before(g, g->end) - group_price_before(g, k);
    const int64_t room = g->pinnable > 0 ? g->l->task->capacity - peak : 0;
    int64_t pinned;
    return lagrange_parameters(g->l, g->candidate, g->first, g->end, price, room, &pinned);
}
