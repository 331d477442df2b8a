#include "plan/recompute/auto.h"

#include <math.h>

#include "base/error.h"
#include "base/memory.h"
#include "plan/recompute/stage.h"

/* Whatever the limit that is asked for, what is within lower ones is searched for first and in the
 * same way. */
static const stage stages[] = {
    {{0}, 1}, {{2, 5, 10}, 3}, {{15, 25}, 2}, {{35, 50}, 2}, {{75, 100}, 2}, {{INFINITY}, 1},
};
#define STAGE_COUNT ((int)(sizeof stages / sizeof stages[0]))

/* The state becomes the choice at a place. */
static mbs_status keep_state(auto_search *a, int32_t place, recompute_state *state,
                             mbs_error *error)
{
    recompute_choice *choice = &a->sets->list[place];
    *choice = (recompute_choice){.set = state->set, .objective = state->objective};
    state->set = NULL;
    if (!isfinite(choice->objective))
        return MBS_OK;
    choice->starts = recompute_starts(state);
    return choice->starts != NULL ? MBS_OK : error_memory(error);
}

/* What was found without regard to DRAM; if nothing was, the start. */
static mbs_status keep_free(auto_search *a, int32_t place, mbs_error *error)
{
    recompute_choice *choice = &a->sets->list[place];
    if (!a->is_traffic && a->best.set != NULL) {
        const bool more = a->more.set != NULL && a->more.objective < a->best.objective;
        return keep_state(a, place, more ? &a->more : &a->best, error);
    }
    const int32_t count = a->is_traffic ? a->front.count : 0;
    recompute_found *best = NULL;
    for (int32_t i = 0; i < count && a->front.found[i].macs <= a->model->max_macs; i++)
        best = &a->front.found[i];
    if (best != NULL) {
        *choice = (recompute_choice){best->set, best->objective, best->starts};
        best->set = NULL;
        best->starts = NULL;
        return MBS_OK;
    }
    *choice = (recompute_choice){.set = stage_copy_set(a, a->start->set), .objective = INFINITY};
    return choice->set != NULL ? MBS_OK : error_memory(error);
}

/* Auto is what was found within the limit, at least for traffic, or needs least. */
static mbs_status keep_fitting(auto_search *a, mbs_error *error)
{
    recompute_choice *choice = &a->sets->list[MBS_RECOMPUTE_AUTO];
    fitting *best = a->is_traffic ? &a->found : &a->other;
    if (best->best.set != NULL)
        return keep_state(a, MBS_RECOMPUTE_AUTO, &best->best, error);
    if (a->found.best.set != NULL) {
        mbs_status status = keep_state(a, MBS_RECOMPUTE_AUTO, &a->found.best, error);
        choice->objective = INFINITY; /* it is told in bytes */
        return status;
    }
    *choice = (recompute_choice){a->found.least.set, INFINITY, a->found.least.starts};
    a->found.least = (recompute_least){0};
    return MBS_OK;
}

/* Whether there is no more to search for: the stages before have all that is asked for. */
static bool is_enough(const auto_search *a, int i)
{
    const double most = a->model->max_macs;
    if (i == 0)
        return false;
    if (stage_is_over(a) || !(a->model->plain_macs > 0))
        return true;
    if (a->limited && isinf(most) && a->found.best.set != NULL)
        return true; /* as little as it takes */
    return stage_top(a, &stages[i - 1]) >= most;
}

static mbs_status search_all(auto_search *a, int effort, mbs_error *error)
{
    mbs_status status = MBS_OK;
    for (int i = 0; i < STAGE_COUNT && status == MBS_OK && !is_enough(a, i); i++) {
        status = i == 0 ? stage_search_free(a, &stages[i], error)
                        : stage_sweep(a, &stages[i], a->is_traffic ? effort : 1, error);
        const recompute_found *best = recompute_front_best(&a->front, a->model->max_macs);
        if (status == MBS_OK && a->is_traffic && best != NULL)
            a->model->task.watch->known.incumbent_bytes = (int64_t)best->objective;
        if (status == MBS_OK && !a->is_traffic)
            status = stage_search_cost(a, &stages[i], effort, error);
        if (status == MBS_OK && a->limited)
            status = stage_fit(a, &stages[i], error);
    }
    return status;
}

/* The unit of prices: all of the start's traffic for all multiply-accumulates. */
static mbs_status find_unit(auto_search *a, mbs_error *error)
{
    const recompute_model model = stage_for_traffic(a, 0);
    recompute_state state;
    mbs_status status = recompute_state_open(&state, &model, a->start->set, error);
    if (status == MBS_OK && isfinite(state.objective) && model.plain_macs > 0)
        a->unit = state.objective / model.plain_macs;
    recompute_state_close(&state);
    return status;
}

mbs_status auto_find(recompute_sets *sets, const recompute_model *model, int32_t start, int effort,
                     mbs_error *error)
{
    const recompute_choice from = sets->list[start];
    auto_search a = {.sets = sets,
                     .model = model,
                     .start = &from,
                     .limited = model->max_dram != DRAM_UNLIMITED,
                     .is_traffic = model->task.objective == MBS_TRAFFIC};
    /* what is above a limit of DRAM has no objective there, so it is asked for anew */
    mbs_status status = find_unit(&a, error);
    if (status == MBS_OK)
        status = search_all(&a, effort, error);
    if (status == MBS_OK)
        status = keep_free(&a, a.limited ? RECOMPUTE_FREE : MBS_RECOMPUTE_AUTO, error);
    if (status == MBS_OK && a.limited) {
        sets->list[RECOMPUTE_FREE].objective = INFINITY; /* if it fits, auto is no worse */
        status = keep_fitting(&a, error);
    }
    recompute_front_free(&a.front);
    for (int i = 0; i < 2; i++) {
        mem_free(a.lanes[i].set);
        mem_free(a.lanes[i].walked);
    }
    recompute_state_close(&a.best);
    recompute_state_close(&a.more);
    fitting_free(&a.found);
    fitting_free(&a.other);
    return status;
}
