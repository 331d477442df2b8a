#include <math.h>

#include "base/error.h"
#include "base/memory.h"
#include "plan/recompute/stage.h"

/* ---- Time and energy ------------------------------------------------------------------------- */

/* The state, cut anew, becomes *best if it is better; it is closed otherwise. */
static mbs_status keep_better(recompute_state *best, recompute_state *state,
                              const recompute_model *model, mbs_status status, mbs_error *error)
{
    if (status == MBS_OK && isfinite(state->objective) && !plan_watch_is_over(model->task.watch))
        status = recompute_cut_anew(state, model, error);
    if (status == MBS_OK && (best->set == NULL || state->objective < best->objective)) {
        recompute_state_close(best);
        *best = *state;
        return MBS_OK;
    }
    recompute_state_close(state);
    return status;
}

static mbs_status try_from(recompute_state *best, const recompute_model *model,
                           const unsigned char *set, mbs_error *error)
{
    recompute_state state;
    mbs_status status =
        stage_search_from(&state, model, set, EFFORT_GROUPS, SECOND_WORK, NULL, error);
    return keep_better(best, &state, model, status, error);
}

/* One more sweep, for the objective itself, from `next` on, which becomes what it found. */
static mbs_status sweep_cost(auto_search *a, const recompute_model *model, lane *next,
                             recompute_sweep *sweep, mbs_error *error)
{
    recompute_front local = {0};
    recompute_model wide = *model;
    recompute_state state;
    wide.max_macs *= OVERSHOOT;
    mbs_status status = recompute_state_open(&state, &wide, next->set, error);
    sweep->unit = state.objective / model->plain_macs;
    sweep->price = next->price;
    if (status == MBS_OK && isfinite(state.objective))
        status = recompute_sweep_prices(&state, &wide, sweep,
                                        SWEEP_WORK * state.program->step_count, &local, error);
    recompute_state_close(&state);
    const recompute_found *found = recompute_front_best(&local, model->max_macs);
    if (status == MBS_OK && found != NULL)
        status = stage_begin_next(a, next, found->set, AGAIN_PRICE * sweep->price, error);
    if (status == MBS_OK && found != NULL) {
        status = recompute_state_open(&state, model, found->set, error);
        status = keep_better(&a->more, &state, model, status, error);
    }
    recompute_front_free(&local);
    return status;
}

/* Sweeps after the search, of which nothing later depends. */
static mbs_status try_sweeps(auto_search *a, const recompute_model *model, int effort,
                             mbs_error *error)
{
    recompute_sweep sweep = {.step = PRICE_STEP, .limits = &model->max_macs, .limit_count = 1};
    lane next = {0};
    mbs_status status = MBS_OK;
    if (effort > 1)
        status = stage_begin_next(a, &next, a->best.set, FIRST_PRICE, error);
    for (int i = 1; i < effort && status == MBS_OK && !stage_is_over(a); i++) {
        status = sweep_cost(a, model, &next, &sweep, error);
        sweep.step = stage_next_step(sweep.step);
    }
    mem_free(next.set);
    return status;
}

/* Within a limit: what is best for traffic, then from the better of that and of what is best within
 * less, at the last limit of the stage. */
static mbs_status search_cost_within(auto_search *a, double max_macs, bool search, int effort,
                                     mbs_error *error)
{
    recompute_model within = *a->model;
    within.max_macs = max_macs;
    within.max_dram = DRAM_UNLIMITED;
    const recompute_found *traffic = recompute_front_best(&a->front, max_macs);
    mbs_status status = MBS_OK;
    if (a->best.set == NULL)
        status = try_from(&a->best, &within, a->start->set, error);
    if (status == MBS_OK && traffic != NULL && max_macs == 0) {
        status = try_from(&a->best, &within, traffic->set, error);
    } else if (status == MBS_OK && traffic != NULL) {
        recompute_state state;
        status = recompute_state_open(&state, &within, traffic->set, error);
        status = keep_better(&a->best, &state, &within, status, error);
    }
    if (status == MBS_OK && search && max_macs > 0)
        status = try_from(&a->best, &within, a->best.set, error);
    return status == MBS_OK && search && max_macs > 0 ? try_sweeps(a, &within, effort, error)
                                                      : status;
}

mbs_status stage_search_cost(auto_search *a, const stage *of, int effort, mbs_error *error)
{
    mbs_status status = MBS_OK;
    for (int32_t i = 0; i < of->count && status == MBS_OK; i++) {
        const double limit = stage_macs(a, of->limits[i]);
        if (limit <= a->model->max_macs && !(a->best.set != NULL && stage_is_over(a)))
            status = search_cost_within(a, limit, i + 1 == of->count, effort, error);
    }
    return status;
}

/* ---- A limit of DRAM ------------------------------------------------------------------------- */

mbs_status stage_fit(auto_search *a, const stage *of, mbs_error *error)
{
    recompute_model limits = *a->model;
    limits.max_macs = fmin(stage_top(a, of), limits.max_macs);
    const recompute_found *found = recompute_front_best(&a->front, limits.max_macs);
    const recompute_model model = stage_for_traffic(a, limits.max_macs);
    recompute_state free = {0};
    limits.task.objective = MBS_TRAFFIC;
    const bool has_products = a->model->plain_macs > 0; /* else there is no stage but the first */
    if ((has_products && stage_top(a, of) == 0 && a->model->max_macs > 0) || found == NULL)
        return MBS_OK;
    mbs_status status = recompute_state_open(&free, &model, found->set, error);
    if (status == MBS_OK)
        status = fit_within(&a->found, &limits, &free, a->start->set, error);
    recompute_state_close(&free);
    limits.task.objective = a->model->task.objective;
    if (status == MBS_OK && !a->is_traffic)
        status = fit_near(&a->other, &limits, &a->best, &a->found, error);
    return status;
}
