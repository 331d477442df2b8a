#include "plan/order/state.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "plan/order/moves.h"

/* What it takes to put a touch into place, and what a growth for time or energy does, in growths
 * for traffic. */
#define MOVING      0.05
#define COST_GROWTH 10

/* Sums of doubles are that exact; of bytes they are whole numbers. */
#define ROUNDING 1e-12

bool order_gains(const order_state *state, double before)
{
    return state->objective < before * (1 - 1e3 * ROUNDING);
}

/* The group that step k is in. */
static int32_t group_of(const order_state *state, int32_t k)
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

static double cost_of(const order_state *state, int32_t first, int32_t end)
{
    double cost = 0;
    for (int32_t g = first; g < end; g++)
        cost += state->cost[g];
    return cost;
}

/* Puts the range's groups in the place of groups [first, end), whose steps it has. */
static void take_groups(order_state *state, const dp_range *range, int32_t first, int32_t end)
{
    const int32_t base = range->first;
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
    state->objective = cost_of(state, 0, state->group_count);
}

/* Cuts groups [first, end) anew; takes what comes out if it is less than `limit`. */
static mbs_status cut_groups(bool *taken, order_state *state, int32_t first, int32_t end,
                             double limit, mbs_error *error)
{
    dp_range range;
    const bool is_traffic = state->task.objective == MBS_TRAFFIC;
    *taken = false;
    bool solved =
        dp_range_open(&range, &state->task, &state->list, state->cuts[first], state->cuts[end]);
    if (solved && range.rest[0] < limit)
        solved = isfinite(limit) ? dp_range_solve(&range, NULL, limit) : dp_range_solve_all(&range);
    if (solved && range.rest[0] < limit && dp_range_least(&range) < limit) {
        take_groups(state, &range, first, end);
        *taken = true;
    }
    state->work += (is_traffic ? 1 : COST_GROWTH) * (double)(range.end - range.first + range.grown);
    dp_range_close(&range);
    return solved ? MBS_OK : error_memory(error);
}

/* The groups from `first` on that are not fixed; past them is *end. */
static void find_stretch(const order_state *state, int32_t *first, int32_t *end)
{
    while (*first < state->group_count && state->fixed[state->cuts[*first]])
        ++*first;
    *end = *first;
    while (*end < state->group_count && !state->fixed[state->cuts[*end]])
        ++*end;
}

mbs_status order_cut_anew(order_state *state, mbs_error *error)
{
    mbs_status status = MBS_OK;
    int32_t first = 0;
    int32_t end;
    for (find_stretch(state, &first, &end); first < end && status == MBS_OK;
         find_stretch(state, &first, &end)) {
        const double old = cost_of(state, first, end);
        const int32_t behind = state->group_count - end;
        bool taken;
        status = cut_groups(&taken, state, first, end, old * (1 - ROUNDING), error);
        first = state->group_count - behind;
    }
    return status;
}

bool order_may_move(const order_state *state, const order_move *move)
{
    const mbs_program *p = state->program;
    if (move->end > p->step_count || p->steps[move->first].phase != p->steps[move->end - 1].phase ||
        !move_may_cut(p, move->first) || !move_may_cut(p, move->middle) ||
        !move_may_cut(p, move->end))
        return false;
    for (int32_t k = move->first; k < move->end; k++)
        if (state->fixed[k] || (k >= move->middle && move_depends(p, k, move->first, move->middle)))
            return false;
    return true;
}

static bool make_move(order_state *state, const order_move *move)
{
    const mbs_step *steps = state->program->steps;
    int32_t count = 0;
    for (int32_t k = move->middle; k < move->end; k++)
        state->order[count++] = k;
    for (int32_t k = move->first; k < move->middle; k++)
        state->order[count++] = k;
    state->work += MOVING * (steps[move->end - 1].touch_end - steps[move->first].touch_begin);
    return program_permute(state->program, move->first, move->end, state->order);
}

mbs_status order_try(bool *made, order_state *state, const order_move *move, double slack,
                     mbs_error *error)
{
    const int32_t first = group_of(state, move->first);
    const int32_t end = group_of(state, move->end - 1) + 1;
    const order_move back = {move->first, move->first + move->end - move->middle, move->end};
    const double old = cost_of(state, first, end);
    *made = false;
    if (!make_move(state, move))
        return error_memory(error);
    mbs_status status = cut_groups(made, state, first, end, old * (1 + ROUNDING + slack), error);
    if (!*made && !make_move(state, &back))
        return error_memory(error);
    return status;
}

/* The plan's strip groups, and all others of a stretch as one. */
static void fix_strips(order_state *state, const mbs_plan *plan)
{
    bool before = true; /* whether the group before is fixed */
    state->group_count = 0;
    for (int32_t g = 0; g < plan->group_count; g++) {
        const mbs_group *group = &plan->groups[g];
        const bool is_fixed = group->strips > 1;
        for (int32_t k = group->first; k < group->end; k++)
            state->fixed[k] = is_fixed;
        if (is_fixed || before) {
            state->cuts[state->group_count] = group->first;
            state->cost[state->group_count++] = is_fixed ? 0 : INFINITY;
        }
        before = is_fixed;
    }
    state->cuts[state->group_count] = plan->program->step_count;
    state->objective = cost_of(state, 0, state->group_count);
}

mbs_status order_open(order_state *state, const plan_task *task, const mbs_plan *fixed,
                      mbs_error *error)
{
    *state = (order_state){.task = *task, .program = program_copy(task->program)};
    mbs_status status = candidates_create(&state->list, task->batch, error);
    if (status != MBS_OK)
        return status;
    const size_t cuts = (size_t)task->program->step_count + 1;
    state->fixed = mem_alloc(cuts * sizeof *state->fixed);
    state->cuts = mem_alloc(cuts * sizeof *state->cuts);
    state->cost = mem_alloc(cuts * sizeof *state->cost);
    state->order = mem_alloc(cuts * sizeof *state->order);
    if (state->program == NULL || state->fixed == NULL || state->cuts == NULL ||
        state->cost == NULL || state->order == NULL)
        return error_memory(error);
    state->task.program = state->program;
    if (task->objective == MBS_WEIGHTED && task->weight == 0)
        state->task.objective = MBS_TRAFFIC; /* the time decides between equals alone */
    memset(state->fixed, 0, cuts * sizeof *state->fixed);
    state->cuts[0] = 0;
    state->cuts[1] = task->program->step_count;
    state->cost[0] = state->objective = INFINITY;
    state->group_count = 1;
    if (fixed != NULL)
        fix_strips(state, fixed);
    return order_cut_anew(state, error);
}

void order_close(order_state *state)
{
    mbs_program_free(state->program);
    candidates_free(&state->list);
    mem_free(state->fixed);
    mem_free(state->cuts);
    mem_free(state->cost);
    mem_free(state->order);
    *state = (order_state){0};
}
