#include "plan/recompute/state.h"

#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "cost/array.h"
#include "plan/recompute/signature.h"

double recompute_macs(const mbs_program *program, bool remat_only)
{
    double macs = 0;
    for (int32_t k = 0; k < program->step_count; k++)
        if (!remat_only || program->steps[k].pass == STEP_REMAT)
            macs += array_macs(&program->steps[k].gemm, 1);
    return macs;
}

/* Gives the state, which has room for them, the groups of a range that is the whole program. */
static void take_groups(recompute_state *state, const dp_range *range)
{
    const int32_t steps = state->program->step_count;
    int32_t count = 0;
    for (int32_t cut = steps; cut > 0; cut = range->choice[cut].first)
        count++;
    state->group_count = count;
    state->cuts[count] = steps;
    for (int32_t cut = steps; cut > 0; cut = range->choice[cut].first) {
        state->cuts[--count] = range->choice[cut].first;
        state->cost[count] = range->best[cut] - range->best[range->choice[cut].first];
    }
    state->objective = dp_range_least(range);
}

mbs_status recompute_state_open(recompute_state *state, const recompute_model *model,
                                const unsigned char *set, mbs_error *error)
{
    const size_t layers = (size_t)model->layer_count;
    *state = (recompute_state){.set = mem_alloc(layers > 0 ? layers : 1)};
    if (state->set == NULL)
        return error_memory(error);
    memcpy(state->set, set, layers);
    mbs_status status =
        program_family_build(&state->program, model->family, MBS_RECOMPUTE_NONE, set, error);
    if (status != MBS_OK)
        return status;
    const size_t cuts = (size_t)state->program->step_count + 1;
    state->macs = recompute_macs(state->program, true);
    state->signature = signature_create(state->program);
    state->cuts = mem_alloc(cuts * sizeof *state->cuts);
    state->cost = mem_alloc(cuts * sizeof *state->cost);
    state->objective = INFINITY;
    if (state->signature == NULL || state->cuts == NULL || state->cost == NULL)
        return error_memory(error);
    return recompute_cut_anew(state, model, error);
}

/* The state with the groups of a range that is its whole program, if they are no further above the
 * limit of DRAM. */
static mbs_status try_groups(recompute_state *state, const recompute_model *model,
                             const dp_range *range, mbs_error *error)
{
    const size_t cuts = (size_t)state->program->step_count + 1;
    recompute_state next = *state;
    next.cuts = mem_alloc(cuts * sizeof *next.cuts);
    next.cost = mem_alloc(cuts * sizeof *next.cost);
    if (next.cuts == NULL || next.cost == NULL) {
        mem_free(next.cuts);
        mem_free(next.cost);
        return error_memory(error);
    }
    take_groups(&next, range);
    mbs_status status = recompute_count_dram(&next.dram, state->program, model->task.batch,
                                             model->max_dram, next.cuts, next.group_count, error);
    const bool is_better =
        status == MBS_OK && (!isfinite(state->objective) || next.dram.over <= state->dram.over);
    mem_free(is_better ? state->cuts : next.cuts);
    mem_free(is_better ? state->cost : next.cost);
    if (is_better)
        *state = next;
    return status;
}

mbs_status recompute_cut_anew(recompute_state *state, const recompute_model *model,
                              mbs_error *error)
{
    plan_task task = model->task;
    dp_range range;
    task.program = state->program;
    bool solved = dp_range_open(&range, &task, &model->list, 0, state->program->step_count);
    if (solved)
        solved = isfinite(state->objective) ? dp_range_solve(&range, NULL, state->objective)
                                            : dp_range_solve_all(&range);
    mbs_status status = solved ? MBS_OK : error_memory(error);
    if (solved && isfinite(dp_range_least(&range)))
        status = try_groups(state, model, &range, error);
    dp_range_close(&range);
    return status;
}

bool *recompute_starts(const recompute_state *state)
{
    bool *starts = mem_calloc((size_t)state->program->step_count + 1, sizeof *starts);
    for (int32_t g = 0; starts != NULL && g < state->group_count; g++)
        starts[state->cuts[g]] = true;
    return starts;
}

void recompute_state_close(recompute_state *state)
{
    mem_free(state->set);
    mbs_program_free(state->program);
    mem_free(state->signature);
    mem_free(state->cuts);
    mem_free(state->cost);
    *state = (recompute_state){0};
}

void recompute_least_free(recompute_least *least)
{
    mem_free(least->set);
    mem_free(least->starts);
    *least = (recompute_least){0};
}
