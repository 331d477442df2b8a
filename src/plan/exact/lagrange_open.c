/* The relaxed problem set up for a task: footprints, what may stay, how far costs are scaled. */
#include <math.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/wide.h"
#include "cost/footprint.h"
#include "plan/exact/chain.h"
#include "plan/exact/lagrange.h"
#include "plan/exact/tight.h"

/* Sums of scaled costs stay below this. */
#define SCALED_LIMIT 0x1p60

#define MAX_SHIFT 20
#define MIN_SHIFT 4

/*
 * A step takes min(b·S, K + b·R) bytes, with S its operands, R those of them that are resident and
 * K what streaming needs besides (for a norm each operand that is not resident counts one sample).
 * That is concave in R; the line through its ends, need at R=0 and b·S at R=S, lies below it. An
 * operand that becomes resident adds its part of the line's rise. Where what the step writes first
 * may go over an operand (section 12), S is without it. Is it known which operand that is, R counts
 * what is written in its place: if that operand leaves, the two are resident if what is written is
 * (or if the operand arrives, which is left out); if it stays it takes b times its bytes more,
 * whatever the mode, as if it crossed the step (chain_hold_begin). Else R counts the operand in
 * place of what is written.
 */
static void fill_footprints(lagrange *l, int32_t c)
{
    const mbs_program *p = l->task->program;
    const int64_t b = l->list.sub_batch[c];
    for (int32_t k = 0; k < p->step_count; k++) {
        const mbs_step *step = &p->steps[k];
        const over_kind over = lagrange_over(l, k);
        int64_t operands = program_operand_bytes(p, k);
        if (over != OVER_NONE)
            operands -= p->tensors[p->touches[step->write_begin].tensor].bytes;
        int64_t staged = b * operands;
        int64_t need = lagrange_footprint(l, c, k, 0, over);
        for (int32_t t = step->touch_begin; t < step->touch_end; t++) {
            const bool goes_over =
                over != OVER_NONE &&
                t == (lagrange_knows_over(l, k) ? step->replaceable : step->write_begin);
            int64_t bytes = p->tensors[p->touches[t].tensor].bytes;
            int64_t rest;
            l->end_bytes[(int64_t)c * p->touch_count + t] =
                operands == 0 || goes_over ? 0 : mul_div(staged - need, bytes, operands, &rest);
        }
        if (step->coupled && l->list.iterations[c] > 1)
            need = IMPOSSIBLE;
        l->need[lagrange_step_row(l, c) + k] = need;
    }
}

/* An interval may stay if with it alone every step from its begin to its end can fit. */
static bool may_stay(const lagrange *l, int32_t c, int32_t t)
{
    const mbs_program *p = l->task->program;
    const int64_t *need = l->need + lagrange_step_row(l, c);
    const int64_t bytes = p->tensors[p->touches[t].tensor].bytes;
    if (p->touches[t].next < 0)
        return false;
    const int32_t begin = p->touches[t].step;
    const int32_t end = p->touches[p->touches[t].next].step;
    const bool kept = lagrange_knows_over(l, begin) && t == p->steps[begin].replaceable;
    for (int32_t k = begin + 1; k < end; k++)
        if (need[k] > l->task->capacity - l->list.sub_batch[c] * bytes)
            return false;
    return lagrange_footprint(l, c, begin, bytes, kept ? OVER_NONE : lagrange_over(l, begin)) <=
               l->task->capacity &&
           lagrange_footprint(l, c, end, bytes, lagrange_over(l, end)) <= l->task->capacity;
}

/* Of the parameters that others use too, accumulators twice. */
static int64_t shared_bytes(const mbs_step *step)
{
    const parameter_use *weights = &step->weight_use;
    const parameter_use *accumulators = &step->accumulator_use;
    return (weights->previous >= 0 || weights->next >= 0 ? weights->common : 0) +
           (accumulators->previous >= 0 || accumulators->next >= 0 ? 2 * accumulators->common : 0);
}

static void fill_sums(lagrange *l)
{
    const mbs_program *p = l->task->program;
    for (int32_t k = 0; k < p->step_count; k++) {
        const mbs_step *step = &p->steps[k];
        l->passes_cost[k] = plan_passes_bytes(l->task, k);
        l->weight_sum[k + 1] = l->weight_sum[k] + step->weight_bytes;
        l->accumulator_sum[k + 1] = l->accumulator_sum[k] + step->accumulator_bytes;
        l->once_sum[k + 1] = l->once_sum[k] + program_once_bytes(p, k);
        l->shared_sum[k + 1] = l->shared_sum[k] + shared_bytes(step);
    }
}

/* The largest shift that keeps every scaled sum below the limit, or -1. */
static int choose_shift(const lagrange *l)
{
    const mbs_program *p = l->task->program;
    double traffic = 0;
    double operands = 0;
    for (int32_t k = 0; k < p->step_count; k++) {
        traffic += (double)l->passes_cost[k];
        operands += (double)program_operand_bytes(p, k);
    }
    traffic += (double)l->task->batch *
               (double)(l->weight_sum[p->step_count] + 2 * l->accumulator_sum[p->step_count]);
    double charged = 0; /* for buffer, at the highest prices */
    for (int32_t c = 0; c < l->list.count; c++) {
        double bytes = (double)l->task->capacity * (double)p->step_count +
                       (double)l->list.sub_batch[c] * operands;
        charged = fmax(charged, (double)l->highest_price[c] * bytes);
    }
    int shift = MAX_SHIFT;
    while (shift >= MIN_SHIFT && 2 * (traffic + charged) * ldexp(1, shift) >= SCALED_LIMIT)
        shift--;
    return shift >= MIN_SHIFT ? shift : -1;
}

/* The step of the touch before; -1: none. */
static int32_t step_before(const mbs_program *p, int32_t t)
{
    const int32_t previous = p->touches[t].previous;
    return previous >= 0 ? p->touches[previous].step : -1;
}

static void fill_touches(lagrange *l)
{
    const mbs_program *p = l->task->program;
    for (int32_t k = 0; k < p->step_count; k++)
        l->step[k] =
            (row_step){p->steps[k].touch_end, p->steps[k].coupled_to, (int32_t)p->steps[k].phase};
    for (int32_t t = 0; t < p->touch_count; t++) {
        const mbs_touch *touch = &p->touches[t];
        const mbs_tensor *tensor = &p->tensors[touch->tensor];
        const bool reads = t < p->steps[touch->step].write_begin;
        const int64_t drop = (l->task->batch * tensor->bytes) << l->shift;
        l->touch[t] =
            (row_touch){.drop = drop,
                        .enters = reads || tensor->kept || touch->next >= 0 ? drop : 0,
                        .tensor = touch->tensor,
                        .previous = step_before(p, t),
                        .earlier = touch->previous >= 0 ? step_before(p, touch->previous) : -1,
                        .producer = touch->next < 0 && !tensor->kept ? tensor->producer : -1};
    }
}

static bool allocate(lagrange *l)
{
    size_t candidate_count = (size_t)l->list.count;
    size_t steps = (size_t)l->task->program->step_count;
    size_t touches = (size_t)l->task->program->touch_count + 1;
    l->need = mem_calloc(candidate_count * steps, sizeof *l->need);
    l->end_bytes = mem_calloc(candidate_count * touches, sizeof *l->end_bytes);
    l->stays = mem_calloc(candidate_count * touches, sizeof *l->stays);
    l->tight = mem_calloc(candidate_count * steps, sizeof *l->tight);
    l->price = mem_calloc(candidate_count * steps, sizeof *l->price);
    l->price_sum = mem_calloc(candidate_count * (steps + 1), sizeof *l->price_sum);
    l->slack_sum = mem_calloc(candidate_count * (steps + 1), sizeof *l->slack_sum);
    l->tight_sum = mem_calloc(candidate_count * (steps + 1), sizeof *l->tight_sum);
    l->weight_sum = mem_calloc(steps + 1, sizeof *l->weight_sum);
    l->accumulator_sum = mem_calloc(steps + 1, sizeof *l->accumulator_sum);
    l->once_sum = mem_calloc(steps + 1, sizeof *l->once_sum);
    l->shared_sum = mem_calloc(steps + 1, sizeof *l->shared_sum);
    l->pins = mem_calloc(1, sizeof *l->pins);
    l->passes_cost = mem_calloc(steps, sizeof *l->passes_cost);
    l->chains = mem_calloc((size_t)l->task->program->tensor_count + 1, sizeof *l->chains);
    l->touch = mem_calloc(touches, sizeof *l->touch);
    l->step = mem_calloc(steps + 1, sizeof *l->step);
    l->link = mem_calloc(candidate_count * touches, sizeof *l->link);
    l->history = mem_calloc(touches, sizeof *l->history);
    l->change = mem_calloc(steps + 1, sizeof *l->change);
    l->highest_price = mem_calloc(candidate_count, sizeof *l->highest_price);
    return l->need != NULL && l->end_bytes != NULL && l->stays != NULL && l->tight != NULL &&
           l->tight_sum != NULL && l->price != NULL && l->price_sum != NULL &&
           l->slack_sum != NULL && l->weight_sum != NULL && l->accumulator_sum != NULL &&
           l->once_sum != NULL && l->shared_sum != NULL && l->pins != NULL &&
           pins_open(l->pins, l->task->program) && l->passes_cost != NULL && l->chains != NULL &&
           l->touch != NULL && l->step != NULL && l->link != NULL && l->history != NULL &&
           l->change != NULL && l->highest_price != NULL;
}

mbs_status lagrange_open(lagrange *l, const plan_task *task, bool is_run, mbs_error *error)
{
    *l = (lagrange){.task = task, .is_run = is_run, .tight_candidate = -1};
    mbs_status status = candidates_create(&l->list, task->batch, error);
    if (status != MBS_OK)
        return status;
    if (!allocate(l))
        return error_memory(error);
    fill_sums(l);
    for (int32_t c = 0; c < l->list.count; c++) {
        fill_footprints(l, c);
        for (int32_t t = 0; t < task->program->touch_count; t++)
            l->stays[(int64_t)c * task->program->touch_count + t] = may_stay(l, c, t);
        /* a byte dropped from the buffer costs 2N/b bytes at most, one pinned saves 2(m·I-1) */
        l->highest_price[c] = 2 * ceil_div(task->batch, l->list.sub_batch[c]) +
                              2 * pins_most_uses(l->pins) * l->list.iterations[c];
    }
    l->shift = choose_shift(l);
    if (l->shift < 0)
        return MBS_ERR_INPUT;
    fill_touches(l);
    return tight_capacities(l, error);
}

void lagrange_close(lagrange *l)
{
    candidates_free(&l->list);
    mem_free(l->need);
    mem_free(l->end_bytes);
    mem_free(l->stays);
    mem_free(l->tight);
    mem_free(l->tight_sum);
    mem_free(l->price);
    mem_free(l->price_sum);
    mem_free(l->slack_sum);
    mem_free(l->weight_sum);
    mem_free(l->accumulator_sum);
    mem_free(l->once_sum);
    mem_free(l->shared_sum);
    if (l->pins != NULL)
        pins_close(l->pins);
    mem_free(l->pins);
    mem_free(l->passes_cost);
    mem_free(l->chains);
    mem_free(l->touch);
    mem_free(l->step);
    mem_free(l->link);
    mem_free(l->history);
    mem_free(l->change);
    mem_free(l->highest_price);
}
