#include "plan/order/state.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

/* What putting a touch into place takes, in growths of a group. */
#define MOVING 0.05

/* Gains below this part of the objective are none: sums of doubles are that exact. */
#define NO_GAIN 1e-9

/* Of so many groups in a row the bound is kept. */
#define MOST_KEPT 4

int32_t order_group_of(const order_state *state, int32_t k)
{
    int32_t low = 0;
    int32_t high = state->group_count;
    while (high - low > 1) {
        const int32_t middle = low + (high - low) / 2;
        if (state->cuts[middle] <= k)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static void forget_bounds(order_state *state)
{
    for (int32_t i = 0; i < MOST_KEPT * state->group_count; i++)
        state->bound[i] = -1;
}

/* Puts the range's groups in the place of groups [first, end), whose steps it has. */
static void take_groups(order_state *state, const dp_range *range, int32_t first, int32_t end)
{
    const int32_t base = range->first;
    state->changed_first = base;
    state->changed_end = range->end;
    int32_t groups = 0;
    for (int32_t cut = range->end; cut > base; cut = range->choice[cut - base].first)
        groups++;
    const size_t behind = (size_t)(state->group_count - end);
    memmove(&state->cuts[first + groups], &state->cuts[end], (behind + 1) * sizeof *state->cuts);
    memmove(&state->cost[first + groups], &state->cost[end], behind * sizeof *state->cost);
    state->group_count += groups - (end - first);
    int32_t at = first + groups;
    for (int32_t cut = range->end; cut > base; cut = range->choice[cut - base].first) {
        const int32_t begin = range->choice[cut - base].first;
        state->cuts[--at] = begin;
        state->cost[at] = range->best[cut - base] - range->best[begin - base];
    }
    forget_bounds(state);
    state->objective = 0;
    for (int32_t g = 0; g < state->group_count; g++)
        state->objective += state->cost[g];
}

/* Cuts groups [first, end) anew; takes what comes out if it is less than `limit`. */
static mbs_status cut_groups(bool *taken, order_state *state, int32_t first, int32_t end,
                             double limit, mbs_error *error)
{
    dp_range range;
    *taken = false;
    bool solved =
        dp_range_open(&range, &state->task, &state->list, state->cuts[first], state->cuts[end]);
    if (solved && range.rest[0] < limit)
        solved = isfinite(limit) ? dp_range_solve(&range, NULL, limit) : dp_range_solve_all(&range);
    if (solved && range.rest[0] < limit && dp_range_least(&range) < limit) {
        take_groups(state, &range, first, end);
        *taken = true;
    }
    state->work += (double)range.grown;
    dp_range_close(&range);
    return solved ? MBS_OK : error_memory(error);
}

mbs_status order_cut_anew(order_state *state, mbs_error *error)
{
    bool taken;
    return cut_groups(&taken, state, 0, state->group_count, state->objective * (1 - NO_GAIN),
                      error);
}

/* The order in which the move puts its steps. */
static void fill_order(order_state *state, const order_move *move)
{
    int32_t count = 0;
    for (int32_t k = move->middle; k < move->end; k++)
        state->order[count++] = k;
    for (int32_t k = move->first; k < move->middle; k++)
        state->order[count++] = k;
}

/*
 * What the steps of groups [first, end) move at least, in whichever order: all in one group with
 * one iteration, nothing dropped.
 */
static mbs_status bound_groups(double *bound, order_state *state, int32_t first, int32_t end,
                               mbs_error *error)
{
    double *kept =
        end - first > MOST_KEPT ? NULL : &state->bound[MOST_KEPT * first + end - first - 1];
    *bound = 0;
    if (kept == NULL || *kept < 0) {
        dp_range range;
        const bool opened =
            dp_range_open(&range, &state->task, &state->list, state->cuts[first], state->cuts[end]);
        if (opened)
            *bound = range.rest[0];
        dp_range_close(&range);
        if (!opened)
            return error_memory(error);
        if (kept != NULL)
            *kept = *bound;
    } else {
        *bound = *kept;
    }
    return MBS_OK;
}

static bool make_move(order_state *state, const order_move *move)
{
    fill_order(state, move);
    const mbs_step *steps = state->program->steps;
    state->work += MOVING * (steps[move->end - 1].touch_end - steps[move->first].touch_begin);
    return program_permute(state->program, move->first, move->end, state->order);
}

mbs_status order_try(bool *made, order_state *state, const order_move *move, mbs_error *error)
{
    const int32_t first = order_group_of(state, move->first);
    const int32_t end = order_group_of(state, move->end - 1) + 1;
    const order_move back = {move->first, move->first + move->end - move->middle, move->end};
    double old = 0;
    *made = false;
    for (int32_t g = first; g < end; g++)
        old += state->cost[g];
    const double limit = old - NO_GAIN * state->objective;
    double bound;
    mbs_status status = bound_groups(&bound, state, first, end, error);
    if (status != MBS_OK || !(bound < limit))
        return status;
    if (!make_move(state, move))
        return error_memory(error);
    status = cut_groups(made, state, first, end, limit, error);
    if (!*made && !make_move(state, &back))
        return error_memory(error);
    return status;
}

mbs_status order_force(order_state *state, const order_move *move, mbs_error *error)
{
    const int32_t first = order_group_of(state, move->first);
    const int32_t end = order_group_of(state, move->end - 1) + 1;
    bool taken;
    if (!make_move(state, move))
        return error_memory(error);
    mbs_status status = cut_groups(&taken, state, first, end, INFINITY, error);
    if (status == MBS_OK && !taken)
        state->objective = INFINITY; /* it was stopped: what is known is of the order before */
    return status;
}

mbs_status order_save(order_state *saved, const order_state *state, mbs_error *error)
{
    const size_t cuts = (size_t)state->group_count + 1;
    *saved = (order_state){.program = program_copy(state->program),
                           .cuts = mem_alloc(cuts * sizeof *saved->cuts),
                           .cost = mem_alloc(cuts * sizeof *saved->cost),
                           .group_count = state->group_count,
                           .objective = state->objective};
    if (saved->program == NULL || saved->cuts == NULL || saved->cost == NULL)
        return error_memory(error);
    memcpy(saved->cuts, state->cuts, cuts * sizeof *saved->cuts);
    memcpy(saved->cost, state->cost, (cuts - 1) * sizeof *saved->cost);
    return MBS_OK;
}

void order_restore(order_state *state, order_state *saved)
{
    const size_t cuts = (size_t)saved->group_count + 1;
    mbs_program_free(state->program);
    state->program = saved->program;
    state->task.program = saved->program;
    saved->program = NULL;
    memcpy(state->cuts, saved->cuts, cuts * sizeof *saved->cuts);
    memcpy(state->cost, saved->cost, (cuts - 1) * sizeof *saved->cost);
    state->group_count = saved->group_count;
    state->objective = saved->objective;
    forget_bounds(state);
    order_close(saved);
}

mbs_status order_open(order_state *state, const plan_task *task, mbs_error *error)
{
    bool taken = false;
    *state = (order_state){.task = *task, .program = program_copy(task->program)};
    state->task.objective = MBS_TRAFFIC;
    mbs_status status = candidates_create(&state->list, task->batch, error);
    if (status != MBS_OK)
        return status;
    const size_t cuts = (size_t)task->program->step_count + 1;
    state->cuts = mem_alloc(cuts * sizeof *state->cuts);
    state->cost = mem_alloc(cuts * sizeof *state->cost);
    state->order = mem_alloc(cuts * sizeof *state->order);
    state->bound = mem_alloc(MOST_KEPT * cuts * sizeof *state->bound);
    if (state->program == NULL || state->cuts == NULL || state->cost == NULL ||
        state->order == NULL || state->bound == NULL)
        return error_memory(error);
    state->task.program = state->program;
    state->cuts[0] = 0;
    state->cuts[1] = task->program->step_count;
    state->cost[0] = INFINITY;
    state->group_count = 1;
    state->objective = INFINITY;
    return cut_groups(&taken, state, 0, 1, INFINITY, error);
}

void order_close(order_state *state)
{
    mbs_program_free(state->program);
    candidates_free(&state->list);
    mem_free(state->cuts);
    mem_free(state->cost);
    mem_free(state->order);
    mem_free(state->bound);
    *state = (order_state){0};
}
