#include "plan/exact/lagrange.h"

#include "cost/footprint.h"
#include "plan/exact/chain.h"

static int64_t sum_row(const lagrange *l, int32_t c)
{
    return (int64_t)c * (l->task->program->step_count + 1);
}

int64_t lagrange_footprint(const lagrange *l, int32_t c, int32_t k, int64_t resident,
                           over_kind over)
{
    const mbs_program *p = l->task->program;
    const mbs_step *step = &p->steps[k];
    const int64_t b = l->list.sub_batch[c];
    int64_t operands = program_operand_bytes(p, k);
    if (over != OVER_NONE) {
        const int64_t shared = p->tensors[p->touches[step->write_begin].tensor].bytes;
        operands -= shared;
        resident -= over == OVER_BOTH ? shared : 0;
    }
    if (!l->task->stream)
        return b * operands;
    return min_i64(b * operands, b * resident + step_parameter_bytes(step) +
                                     (step->whole_sample ? operands - resident : 0));
}

static void update_links(lagrange *l, int32_t c, int32_t first, int32_t end)
{
    const mbs_program *p = l->task->program;
    chain_link *link = l->link + (int64_t)c * p->touch_count;
    for (int32_t t = p->steps[first].touch_begin; t < p->steps[end - 1].touch_end; t++) {
        const int32_t from = p->touches[t].previous;
        if (from < 0)
            continue;
        const int64_t bytes = p->tensors[p->touches[t].tensor].bytes;
        link[t].begin = chain_end_cost(l, c, from);
        link[t].keep = chain_hold_cost(l, c, from, bytes) + chain_end_cost(l, c, t);
    }
}

void lagrange_update_steps(lagrange *l, int32_t c, int32_t first, int32_t end)
{
    const int64_t capacity = l->task->capacity;
    const int64_t *price = l->price + lagrange_step_row(l, c);
    const int64_t *need = l->need + lagrange_step_row(l, c);
    int64_t *price_sum = l->price_sum + sum_row(l, c);
    const int64_t *tight = l->tight + lagrange_step_row(l, c);
    int64_t *slack_sum = l->slack_sum + sum_row(l, c);
    int64_t *tight_sum = l->tight_sum + sum_row(l, c);
    for (int32_t k = first; k < end; k++) {
        price_sum[k + 1] = price_sum[k] + price[k];
        /* a step that cannot run with the candidate is in none of its groups */
        const bool runs = need[k] <= capacity;
        slack_sum[k + 1] = slack_sum[k] + (runs ? price[k] * (need[k] - capacity) : 0);
        tight_sum[k + 1] = tight_sum[k] + (runs ? price[k] * (need[k] - tight[k]) : 0);
    }
    update_links(l, c, first, end);
}

void lagrange_update(lagrange *l, int32_t c)
{
    lagrange_update_steps(l, c, 0, l->task->program->step_count);
}

void lagrange_update_all(lagrange *l)
{
    for (int32_t c = 0; c < l->list.count; c++)
        lagrange_update(l, c);
}

int64_t lagrange_parameter_moves(const lagrange *l, int32_t c, int32_t first, int32_t end)
{
    const int64_t iterations = l->list.iterations[c];
    return iterations * (l->weight_sum[end] - l->weight_sum[first]) +
           (2 * iterations - 1) * (l->accumulator_sum[end] - l->accumulator_sum[first]) +
           l->once_sum[end] - l->once_sum[first] + program_head_bytes(l->task->program, first);
}

/* What pinning some of these bytes gains at `price` each; *room is what is left, *pinned grows. */
static inline int64_t buy(int shift, int64_t saves, int64_t bytes, int64_t price, int64_t *room,
                          int64_t *pinned)
{
    const int64_t gain = (saves << shift) - price;
    if (gain <= 0)
        return 0;
    const int64_t bought = min_i64(*room, bytes);
    *room -= bought;
    *pinned += bought;
    return gain * bought;
}

/* What parameters that no other layer has move, once and `again` times more, less what pinning them
 * gains: first accumulators, which are read and written each time. */
static inline int64_t own_parameters(int shift, int64_t again, int64_t weights,
                                     int64_t accumulators, int64_t once, int64_t price,
                                     int64_t room, int64_t *pinned)
{
    const int64_t bound = (once + again * (weights + 2 * accumulators)) << shift;
    const int64_t gained = buy(shift, 2 * again, accumulators, price, &room, pinned);
    return bound - gained - buy(shift, again, weights, price, &room, pinned);
}

/* What the parameters of groups that begin at one step move at one candidate (`parameters`), of a
 * program in which layers share none. */
typedef struct row_parameters {
    const int64_t *weights; /* sums, likewise below */
    const int64_t *accumulators;
    const int64_t *once;
    const int64_t *price;
    int64_t weights_before; /* of the group's first step, likewise below */
    int64_t accumulators_before;
    int64_t once_before;
    int64_t price_before;
    int64_t again;
    int64_t capacity;
    int shift;
    bool pin;
} row_parameters;

static row_parameters row_parameters_from(const lagrange *l, int32_t c, int32_t first)
{
    const int64_t *price = l->price_sum + sum_row(l, c);
    return (row_parameters){.weights = l->weight_sum,
                            .accumulators = l->accumulator_sum,
                            .once = l->once_sum,
                            .price = price,
                            .weights_before = l->weight_sum[first],
                            .accumulators_before = l->accumulator_sum[first],
                            .once_before =
                                l->once_sum[first] - program_head_bytes(l->task->program, first),
                            .price_before = price[first],
                            .again = l->list.iterations[c] - 1,
                            .capacity = l->task->capacity,
                            .shift = l->shift,
                            .pin = l->task->pin};
}

/* Up to `end`, the largest footprint being at least `largest_need`. */
static inline int64_t row_parameters_to(const row_parameters *r, int32_t end, int64_t largest_need)
{
    const int64_t weights = r->weights[end] - r->weights_before;
    const int64_t accumulators = r->accumulators[end] - r->accumulators_before;
    const int64_t once = weights + accumulators + r->once[end] - r->once_before;
    const int64_t room = r->pin ? r->capacity - largest_need : 0;
    int64_t pinned = 0;
    return own_parameters(r->shift, r->again, weights, accumulators, once,
                          r->price[end] - r->price_before, room, &pinned);
}

static inline int64_t parameters(const lagrange *l, int32_t c, int32_t first, int32_t end,
                                 int64_t price, int64_t room, int64_t *pinned)
{
    const int64_t again = l->list.iterations[c] - 1;
    const int64_t weights = l->weight_sum[end] - l->weight_sum[first];
    const int64_t accumulators = l->accumulator_sum[end] - l->accumulator_sum[first];
    const int64_t once = weights + accumulators + l->once_sum[end] - l->once_sum[first] +
                         program_head_bytes(l->task->program, first);
    *pinned = 0;
    if (!l->task->program->shares)
        return own_parameters(l->shift, again, weights, accumulators, once, price, room, pinned);
    int64_t bound = (once + again * (weights + 2 * accumulators)) << l->shift;
    pins_move(l->pins, first, end);
    pin_walk walk = pins_begin(l->pins, again + 1);
    for (pin_share share; room > 0 && (share = pins_next(&walk)).saves > 0;)
        bound -= buy(l->shift, share.saves, share.bytes, price, &room, pinned);
    return bound;
}

int64_t lagrange_parameters(const lagrange *l, int32_t c, int32_t first, int32_t end, int64_t price,
                            int64_t room, int64_t *pinned)
{
    return parameters(l, c, first, end, price, room, pinned);
}

static inline int64_t group_parameters(const lagrange *l, int32_t c, int32_t first, int32_t end,
                                       int64_t largest_need, int64_t *pinned)
{
    const int64_t *sum = l->price_sum + sum_row(l, c);
    const int64_t room = l->task->pin ? l->task->capacity - largest_need : 0;
    return parameters(l, c, first, end, sum[end] - sum[first], room, pinned);
}

int64_t lagrange_group_parameters(const lagrange *l, int32_t c, int32_t first, int32_t end,
                                  int64_t largest_need, int64_t *pinned)
{
    return group_parameters(l, c, first, end, largest_need, pinned);
}

/* A tick for each two touches and steps of [first, end). */
static int64_t row_work(const mbs_program *p, int32_t first, int32_t end)
{
    if (end == first)
        return 1;
    return (end - first + p->steps[end - 1].touch_end - p->steps[first].touch_begin) / 2;
}

int32_t lagrange_row(lagrange *l, int32_t c, int32_t first, int32_t limit, int64_t *bound)
{
    const mbs_program *p = l->task->program;
    const int64_t capacity = l->task->capacity;
    const int64_t *need = l->need + lagrange_step_row(l, c);
    const int64_t *slack_sum = l->slack_sum + sum_row(l, c);
    const int64_t *tight_sum = l->tight_sum + sum_row(l, c);
    const chain_link *link = l->link + (int64_t)c * p->touch_count;
    const row_touch *touch = l->touch;
    const row_step *step = l->step;
    row_chain *chains = l->chains;
    int64_t tensors = 0;
    int64_t largest_need = 0;
    int64_t pinned;
    int32_t k = first;
    int32_t t = p->steps[first].touch_begin;
    const bool once = l->list.iterations[c] == 1;
    const bool shares = p->shares;
    const bool has_window = c == l->tight_candidate;
    const row_parameters moves = row_parameters_from(l, c, first);
    for (; k < limit && need[k] <= capacity; k++) {
        if (!once && step[k].coupled_to >= first) /* it reads a mini-batch's statistics made here */
            break;
        for (; t < step[k].touch_end; t++)
            tensors += chain_add(&chains[touch[t].tensor], &touch[t], link[t], first);
        largest_need = max_i64(largest_need, need[k]);
        const bool is_tight =
            has_window ? lagrange_is_tight(l, c, first, k + 1) : step[k].phase == step[first].phase;
        const int64_t *slack = is_tight ? tight_sum : slack_sum;
        bound[k + 1] = tensors + slack[k + 1] - slack[first] +
                       (shares ? group_parameters(l, c, first, k + 1, largest_need, &pinned)
                               : row_parameters_to(&moves, k + 1, largest_need));
    }
    plan_watch_work(l->task->watch, row_work(p, first, k));
    return k;
}

int64_t lagrange_bytes(const lagrange *l, int64_t scaled)
{
    return ceil_div(scaled, INT64_C(1) << l->shift);
}
