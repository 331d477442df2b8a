#include "base/error.h"
#include "base/memory.h"
#include "plan/recompute/stage.h"

/* In the first sweep; the others look at everything. */
#define SLACK 1e-3

/* ---- What a sweep came through --------------------------------------------------------------- */

/* The percent that so many multiply-accumulates are the most of. */
static double percent_of(const auto_search *a, double macs)
{
    return ceil(100 * macs / a->model->plain_macs - 1e-9);
}

/* The best of each percent is cut anew: only then is its objective that of its plan, and no set
 * within less can come to less than it seemed to. */
static mbs_status take_front(auto_search *a, recompute_front *local, double max_macs,
                             mbs_error *error)
{
    const recompute_model model = stage_for_traffic(a, max_macs);
    mbs_status status = MBS_OK;
    for (int32_t i = 0; i < local->count && status == MBS_OK; i++) {
        recompute_found *found = &local->found[i];
        const recompute_found *next = i + 1 < local->count ? found + 1 : NULL;
        recompute_state state = {0};
        if (found->macs > max_macs)
            break;
        if (next != NULL && next->macs <= max_macs &&
            percent_of(a, next->macs) == percent_of(a, found->macs))
            continue;
        status = recompute_state_open(&state, &model, found->set, error);
        if (status == MBS_OK && isfinite(state.objective))
            status = recompute_front_add(&a->front, &state, model.layer_count, error);
        else if (status == MBS_OK) /* it was stopped */
            status = recompute_front_move(&a->front, found, error);
        recompute_state_close(&state);
    }
    return status;
}

mbs_status stage_begin_next(const auto_search *a, lane *l, const unsigned char *set, double price,
                            mbs_error *error)
{
    mem_free(l->set);
    l->set = stage_copy_set(a, set);
    l->price = price;
    return l->set != NULL ? MBS_OK : error_memory(error);
}

/* Appends the best within a limit to the list. */
static mbs_status take_outcome(auto_search *a, const recompute_found *found, mbs_error *error)
{
    recompute_choice *list =
        mem_grow(a->sets->list, &a->sets->capacity, a->sets->count, sizeof *list);
    if (list == NULL)
        return error_memory(error);
    a->sets->list = list;
    recompute_choice *choice = &list[a->sets->count];
    *choice = (recompute_choice){.set = stage_copy_set(a, found->set), .objective = INFINITY};
    if (choice->set == NULL)
        return error_memory(error);
    a->sets->count++;
    if (!a->limited && a->is_traffic)
        choice->objective = found->objective;
    return MBS_OK;
}

/* The best within a limit of those that the last sweep came through; null if there is none. */
static const recompute_found *best_of(const auto_search *a, const recompute_front *local,
                                      double percent)
{
    return recompute_front_best(local, stage_macs(a, percent));
}

/* What came out of a sweep, within its limits as far as these are asked for. */
static mbs_status take_sweep(auto_search *a, recompute_front *local, const stage *of,
                             mbs_error *error)
{
    mbs_status status = MBS_OK;
    for (int32_t i = 0; i < of->count && status == MBS_OK; i++) {
        const double limit = stage_macs(a, of->limits[i]);
        const recompute_found *found = best_of(a, local, of->limits[i]);
        if (found != NULL && a->is_traffic && limit <= a->model->max_macs)
            status = take_outcome(a, found, error);
    }
    return status == MBS_OK ? take_front(a, local, stage_macs(a, of->limits[of->count - 1]), error)
                            : status;
}

/* ---- One after another ----------------------------------------------------------------------- */

mbs_status stage_search_from(recompute_state *state, const recompute_model *model,
                             const unsigned char *set, recompute_effort effort, double work,
                             recompute_front *front, mbs_error *error)
{
    mbs_status status = recompute_state_open(state, model, set, error);
    if (status == MBS_OK && isfinite(state->objective)) /* else it was stopped */
        status =
            recompute_search(state, model, effort, work * state->program->step_count, front, error);
    return status;
}

/* What adds nothing: one search finds its way through long groups, the other looks closer from the
 * start. */
static mbs_status search_free(auto_search *a, recompute_front *local, mbs_error *error)
{
    static const recompute_effort efforts[] = {EFFORT_SAME_CUTS, EFFORT_GROUPS};
    static const double work[] = {FIRST_WORK, SECOND_WORK};
    const recompute_model model = stage_for_traffic(a, 0);
    mbs_status status = MBS_OK;
    for (int i = 0; i < 2 && status == MBS_OK; i++) {
        recompute_state state;
        status =
            stage_search_from(&state, &model, a->start->set, efforts[i], work[i], local, error);
        recompute_state_close(&state);
    }
    return status;
}

/* One sweep, which begins with `from`; the prices, the step and the slack are the caller's. */
static mbs_status sweep_once(const auto_search *a, recompute_front *local, const stage *of,
                             const unsigned char *from, recompute_sweep *sweep, double work,
                             mbs_error *error)
{
    double limits[sizeof of->limits / sizeof of->limits[0]];
    for (int32_t i = 0; i < of->count; i++)
        limits[i] = stage_macs(a, of->limits[i]);
    const recompute_model model = stage_for_traffic(a, OVERSHOOT * limits[of->count - 1]);
    sweep->limits = limits;
    sweep->limit_count = of->count;
    recompute_state state;
    mbs_status status = recompute_state_open(&state, &model, from, error);
    if (status == MBS_OK && isfinite(state.objective))
        status = recompute_sweep_prices(&state, &model, sweep, work * state.program->step_count,
                                        local, error);
    sweep->limits = NULL;
    recompute_state_close(&state);
    return status;
}

/* What is best within each limit, finished. */
static mbs_status finish_each(const auto_search *a, recompute_front *local, const stage *of,
                              mbs_error *error)
{
    mbs_status status = MBS_OK;
    for (int32_t i = 0; i < of->count && status == MBS_OK && !stage_is_over(a); i++) {
        const recompute_model model = stage_for_traffic(a, stage_macs(a, of->limits[i]));
        const recompute_found *best = best_of(a, local, of->limits[i]);
        recompute_state state = {0};
        if (best == NULL)
            continue;
        status = recompute_state_open(&state, &model, best->set, error);
        if (status == MBS_OK && isfinite(state.objective))
            status = recompute_finish(&state, &model, SECOND_WORK * state.program->step_count,
                                      local, error);
        recompute_state_close(&state);
    }
    return status;
}

mbs_status stage_sweep(auto_search *a, const stage *of, int effort, mbs_error *error)
{
    recompute_sweep sweep = {.unit = a->unit, .step = PRICE_STEP, .slack = SLACK};
    lane next = {0};
    mbs_status status = MBS_OK;
    for (int i = 0; i < effort && status == MBS_OK && !(i > 0 && stage_is_over(a)); i++) {
        recompute_front local = {0};
        const lane *from = i < 2 ? &a->lanes[i] : &next;
        if (from->set == NULL)
            break;
        sweep.price = from->price;
        status = sweep_once(a, &local, of, from->set, &sweep, i == 0 ? SWEEP_WORK : THOROUGH_WORK,
                            error);
        const recompute_found *best = best_of(a, &local, of->limits[of->count - 1]);
        if (status == MBS_OK && best != NULL)
            status = stage_begin_next(a, &next, best->set, AGAIN_PRICE * sweep.price, error);
        if (status == MBS_OK && i < 2 && local.count > 0)
            status = stage_begin_next(a, &a->lanes[i], local.found[local.count - 1].set,
                                      sweep.price, error);
        if (status == MBS_OK)
            status = stage_walk(a, &local, i < 2 ? &a->lanes[i] : &next, of, i, error);
        if (status == MBS_OK && effort > 1)
            status = finish_each(a, &local, of, error);
        if (status == MBS_OK)
            status = take_sweep(a, &local, of, error);
        recompute_front_free(&local);
        sweep.step = stage_next_step(sweep.step);
        sweep.slack = 0;
    }
    mem_free(next.set);
    mem_free(next.walked);
    return status;
}

mbs_status stage_search_free(auto_search *a, const stage *of, mbs_error *error)
{
    recompute_front local = {0};
    mbs_status status = search_free(a, &local, error);
    const recompute_found *best = best_of(a, &local, 0);
    for (int i = 0; i < 2 && status == MBS_OK; i++)
        status = stage_begin_next(a, &a->lanes[i], best != NULL ? best->set : a->start->set,
                                  FIRST_PRICE, error);
    if (status == MBS_OK)
        status = take_sweep(a, &local, of, error);
    recompute_front_free(&local);
    return status;
}
