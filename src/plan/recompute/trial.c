#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "plan/recompute/signature.h"
#include "plan/recompute/state.h"

void recompute_trial_close(recompute_trial *trial)
{
    mbs_program_free(trial->program);
    mem_free(trial->signature);
    mem_free(trial->cuts);
    mem_free(trial->cost);
    for (int32_t i = 0; i < 2; i++)
        dp_range_close(&trial->window[i].range);
    *trial = (recompute_trial){0};
}

/* The group that step k is in. */
static int32_t group_of(const recompute_state *state, int32_t k)
{
    int32_t low = 0;
    int32_t high = state->group_count;
    while (high - low > 1) {
        int32_t middle = low + (high - low) / 2;
        if (state->cuts[middle] <= k)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/*
 * Widens [first, end) to whole groups and `margin` more on either side. An empty part of the old
 * program is where steps were put in.
 */
static void widen(recompute_window *w, const recompute_state *state, int32_t margin)
{
    const int32_t steps = state->program->step_count;
    const int32_t last = w->end > w->first ? w->end - 1 : w->first;
    const int32_t group_first = group_of(state, w->first - (w->first > 0 && w->first == w->end));
    const int32_t group_last = group_of(state, last < steps ? last : steps - 1);
    const int32_t group_end = group_last + 1 + margin;
    w->group_first = group_first > margin ? group_first - margin : 0;
    w->group_end = group_end < state->group_count ? group_end : state->group_count;
    w->new_first -= w->first - state->cuts[w->group_first];
    w->first = state->cuts[w->group_first];
    w->new_end += state->cuts[w->group_end] - w->end;
    w->end = state->cuts[w->group_end];
}

/* The steps of [first, end) and [first, new_end) that differ; false if none do. */
static bool find_window(recompute_window *w, const uint64_t *a, const uint64_t *b, int32_t first,
                        int32_t end, int32_t new_end)
{
    int32_t from = first;
    while (from < end && from < new_end && a[from] == b[from])
        from++;
    while (end > from && new_end > from && a[end - 1] == b[new_end - 1]) {
        end--;
        new_end--;
    }
    *w = (recompute_window){.first = from,
                            .end = end,
                            .new_first = from,
                            .new_end = new_end,
                            .change_first = from,
                            .change_end = end,
                            .new_change_end = new_end};
    return end > from || new_end > from;
}

static void find_windows(recompute_trial *trial, const recompute_state *state, int32_t margin)
{
    const int32_t loss = program_forward_end(state->program);
    recompute_window *w = trial->window;
    int32_t count = 0;
    if (find_window(&w[count], state->signature, trial->signature, 0, loss, loss))
        widen(&w[count++], state, margin);
    if (find_window(&w[count], state->signature, trial->signature, loss, state->program->step_count,
                    trial->program->step_count))
        widen(&w[count++], state, margin);
    if (count == 2 && w[0].end >= w[1].first) { /* they share groups */
        w[0].change_end = w[1].change_end;
        w[0].new_change_end = w[1].new_change_end;
        w[0].end = w[0].end > w[1].end ? w[0].end : w[1].end;
        w[0].new_end = w[1].new_end + (w[0].end - w[1].end);
        w[0].group_end = w[0].group_end > w[1].group_end ? w[0].group_end : w[1].group_end;
        assert(w[0].first <= w[1].first);
        count = 1;
    }
    trial->window_count = count;
}

static void find_layers(recompute_trial *trial, const recompute_state *state)
{
    trial->first_layer = INT32_MAX;
    trial->last_layer = -1;
    for (int32_t i = 0; i < trial->window_count; i++)
        for (int32_t k = trial->window[i].first; k < trial->window[i].end; k++) {
            const int32_t layer = state->program->steps[k].layer_id;
            if (layer >= 0 && layer < trial->first_layer)
                trial->first_layer = layer;
            if (layer > trial->last_layer)
                trial->last_layer = layer;
        }
}

/* Where the first step that is in both programs, at or behind old step k, is in the new one. */
static int32_t same_step(const recompute_state *state, const recompute_trial *trial,
                         const recompute_window *w, int32_t k)
{
    const mbs_program *p = state->program;
    while (k < w->change_end && p->steps[k].pass == STEP_REMAT)
        k++;
    if (k >= w->change_end)
        return w->new_change_end;
    const uint64_t key = signature_step(&p->steps[k]);
    int32_t at = w->change_first;
    while (at < w->new_change_end && signature_step(&trial->program->steps[at]) != key)
        at++;
    return at;
}

/* Where groups begin that keep the old cuts, but for the steps that differ. */
static void mark_starts(bool *starts, const recompute_state *state, const recompute_trial *trial,
                        const recompute_window *w)
{
    memset(starts, 0, (size_t)(w->new_end - w->new_first) + 1);
    starts[w->change_first - w->new_first] = true;
    starts[w->new_change_end - w->new_first] = true;
    for (int32_t g = w->group_first; g < w->group_end; g++) {
        int32_t cut = state->cuts[g];
        if (cut >= w->change_end)
            cut += w->new_end - w->end;
        else if (cut > w->change_first)
            cut = same_step(state, trial, w, cut);
        starts[cut - w->new_first] = true;
        /* a step may begin a group with what is recomputed for it */
        while (cut > w->new_first && trial->program->steps[cut - 1].pass == STEP_REMAT)
            cut--;
        starts[cut - w->new_first] = true;
    }
}

/*
 * Solves a window as far as it can come to less than `limit`: with the old cuts, which is quick,
 * then with any, for which that is a lower limit.
 */
static bool solve_window(recompute_window *w, const recompute_state *state,
                         const recompute_trial *trial, recompute_effort effort, double limit,
                         bool *starts)
{
    mark_starts(starts, state, trial, w);
    if (!dp_range_solve(&w->range, starts, limit))
        return false;
    if (effort == EFFORT_SAME_CUTS)
        return true;
    return dp_range_solve(&w->range, NULL, fmin(limit, dp_range_above(dp_range_least(&w->range))));
}

/* Solves the windows; `objective` stays infinite if they do not come to less than their old groups
 * and the allowance, unless these are to be left at any cost. */
static bool solve_windows(recompute_trial *trial, const recompute_model *model,
                          const recompute_state *state, double allowance, recompute_effort effort)
{
    bool *starts = mem_alloc((size_t)trial->program->step_count + 1);
    plan_task task = model->task;
    double old = 0;  /* of the groups in windows */
    double rest = 0; /* the least of the windows that are not solved yet, */
    double cost = 0; /* and what the others come to */
    bool solved = starts != NULL;
    task.program = trial->program;
    for (int32_t i = 0; i < trial->window_count && solved; i++) {
        recompute_window *w = &trial->window[i];
        solved = dp_range_open(&w->range, &task, &model->list, w->new_first, w->new_end);
        if (solved)
            rest += w->range.rest[0];
        for (int32_t g = w->group_first; g < w->group_end; g++)
            old += state->cost[g];
    }
    const double limit = state->dram.over > 0 ? INFINITY : old + allowance;
    for (int32_t i = 0; i < trial->window_count && solved && cost + rest < limit; i++) {
        recompute_window *w = &trial->window[i];
        rest -= w->range.rest[0];
        solved = solve_window(w, state, trial, effort, limit - cost - rest, starts);
        cost += dp_range_least(&w->range);
    }
    trial->least = (isfinite(cost) ? cost + rest : limit) - old;
    if (solved && cost + rest < limit)
        trial->objective = state->objective - old + cost;
    mem_free(starts);
    return solved;
}

/* Appends groups to cuts and costs: the old ones [first, end), moved by `shift` steps. */
static void copy_groups(int32_t *cuts, double *cost, int32_t *count, const recompute_state *state,
                        int32_t first, int32_t end, int32_t shift)
{
    for (int32_t g = first; g < end; g++) {
        cuts[*count] = state->cuts[g] + shift;
        cost[(*count)++] = state->cost[g];
    }
}

/* Likewise the groups of a window, in their order. */
static void copy_window(int32_t *cuts, double *cost, int32_t *count, const recompute_window *w)
{
    const dp_range *range = &w->range;
    const int32_t base = w->new_first;
    int32_t groups = 0;
    for (int32_t cut = w->new_end; cut > base; cut = range->choice[cut - base].first)
        groups++;
    int32_t at = *count += groups;
    for (int32_t cut = w->new_end; cut > base; cut = range->choice[cut - base].first) {
        const int32_t first = range->choice[cut - base].first;
        cuts[--at] = first;
        cost[at] = range->best[cut - base] - range->best[first - base];
    }
}

/* The groups that the trial leaves as they are, and those of its windows. */
static bool gather_groups(recompute_trial *trial, const recompute_state *state)
{
    const size_t room = (size_t)trial->program->step_count + 1;
    trial->cuts = mem_alloc(room * sizeof *trial->cuts);
    trial->cost = mem_alloc(room * sizeof *trial->cost);
    if (trial->cuts == NULL || trial->cost == NULL)
        return false;
    int32_t count = 0;
    int32_t group = 0;
    int32_t shift = 0;
    for (int32_t i = 0; i < trial->window_count; i++) {
        const recompute_window *w = &trial->window[i];
        copy_groups(trial->cuts, trial->cost, &count, state, group, w->group_first, shift);
        copy_window(trial->cuts, trial->cost, &count, w);
        group = w->group_end;
        shift = w->new_end - w->end;
    }
    copy_groups(trial->cuts, trial->cost, &count, state, group, state->group_count, shift);
    trial->cuts[count] = trial->program->step_count;
    trial->group_count = count;
    return true;
}

/* Counts what the trial needs of DRAM; one that is no better there is no gain. */
static mbs_status judge_dram(recompute_trial *trial, const recompute_model *model,
                             const recompute_state *state, mbs_error *error)
{
    mbs_status status =
        recompute_count_dram(&trial->dram, trial->program, model->task.batch, model->max_dram,
                             trial->cuts, trial->group_count, error);
    if (trial->dram.over > 0 && trial->dram.over >= state->dram.over)
        trial->objective = INFINITY;
    return status;
}

mbs_status recompute_try(recompute_trial *trial, const recompute_model *model,
                         const recompute_state *state, const unsigned char *set, double allowance,
                         recompute_effort effort, mbs_error *error)
{
    *trial = (recompute_trial){.objective = INFINITY, .least = -INFINITY, .last_layer = -1};
    mbs_status status =
        program_family_build(&trial->program, model->family, MBS_RECOMPUTE_NONE, set, error);
    if (status != MBS_OK)
        return status;
    trial->macs = recompute_macs(trial->program, true);
    if (trial->macs > model->max_macs)
        return MBS_OK;
    trial->signature = signature_create(trial->program);
    if (trial->signature == NULL)
        return error_memory(error);
    find_windows(trial, state, effort == EFFORT_MORE ? 1 : 0);
    find_layers(trial, state);
    if (!solve_windows(trial, model, state, allowance, effort))
        return error_memory(error);
    if (!isfinite(trial->objective))
        return MBS_OK;
    if (!gather_groups(trial, state))
        return error_memory(error);
    return judge_dram(trial, model, state, error);
}

void recompute_apply(recompute_state *state, recompute_trial *trial, const recompute_model *model,
                     const unsigned char *set)
{
    unsigned char *kept = state->set;
    memcpy(kept, set, (size_t)model->layer_count);
    state->set = NULL;
    recompute_state_close(state);
    *state = (recompute_state){.set = kept,
                               .program = trial->program,
                               .signature = trial->signature,
                               .cuts = trial->cuts,
                               .cost = trial->cost,
                               .group_count = trial->group_count,
                               .macs = trial->macs,
                               .dram = trial->dram};
    for (int32_t g = 0; g < state->group_count; g++)
        state->objective += state->cost[g];
    trial->program = NULL;
    trial->signature = NULL;
    trial->cuts = NULL;
    trial->cost = NULL;
    recompute_trial_close(trial);
}
