#include "plan/recompute/fit.h"

#include <math.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "plan/recompute/moves.h"

/* Of so many layers that may be recomputed all sets are tried. */
#define MOST_TRIED 6

void fitting_free(fitting *found)
{
    recompute_state_close(&found->best);
    recompute_least_free(&found->least);
}

/* The state, for which the limit is enough, searched from; it is *best then if it is better. */
static mbs_status improve_within(recompute_state *best, recompute_state *state,
                                 const recompute_model *model, bool search, mbs_error *error)
{
    mbs_status status = MBS_OK;
    if (search)
        status = recompute_search(state, model, EFFORT_GROUPS,
                                  SECOND_WORK * state->program->step_count, NULL, error);
    if (status == MBS_OK && (best->set == NULL || state->objective < best->objective)) {
        recompute_state_close(best);
        *best = *state;
        *state = (recompute_state){0};
    }
    return status;
}

/* From `set` down to the limit, if it is above, and on from there unless it has been `searched`. */
static mbs_status fit_from(fitting *found, const recompute_model *model, const unsigned char *set,
                           bool searched, mbs_error *error)
{
    recompute_state state;
    mbs_status status = recompute_state_open(&state, model, set, error);
    const bool fits = state.dram.over == 0;
    if (status == MBS_OK && isfinite(state.objective) && state.dram.over > 0)
        status = recompute_fit(&state, model, model->max_dram,
                               FIRST_WORK * state.program->step_count, NULL, error);
    if (status == MBS_OK && isfinite(state.objective) && state.dram.over == 0)
        status = improve_within(&found->best, &state, model, !(searched && fits), error);
    recompute_state_close(&state);
    return status;
}

/* From the state to `target` bytes of DRAM, or to the limit if that is more. */
static mbs_status fit_to(recompute_state *state, recompute_least *least,
                         const recompute_model *model, int64_t target, mbs_error *error)
{
    recompute_model towards = *model;
    towards.max_dram = target;
    mbs_status status = recompute_count_dram(&state->dram, state->program, model->task.batch,
                                             target, state->cuts, state->group_count, error);
    return status == MBS_OK ? recompute_fit(state, &towards, max_i64(target, model->max_dram),
                                            FIRST_WORK * state->program->step_count, least, error)
                            : status;
}

/*
 * The way to the least DRAM, as far as the limit: first all that is there counts, then the peak is
 * lowered by a hundredth again and again. The way does not depend on the limit, so that the least
 * that it comes to is enough for itself.
 */
static mbs_status fit_least(fitting *found, const recompute_model *model, const unsigned char *set,
                            mbs_error *error)
{
    recompute_state state;
    mbs_status status = recompute_state_open(&state, model, set, error);
    int64_t before = INT64_MAX;
    int64_t target = 0;
    if (!isfinite(state.objective))
        before = 0; /* it was stopped */
    while (status == MBS_OK && state.dram.peak > model->max_dram && state.dram.peak < before) {
        before = target == 0 ? INT64_MAX : state.dram.peak;
        status = fit_to(&state, &found->least, model, target, error);
        target = state.dram.peak - state.dram.peak / 100;
    }
    if (status == MBS_OK && isfinite(state.objective) && state.dram.peak <= model->max_dram) {
        state.dram.over = 0;
        status = improve_within(&found->best, &state, model, true, error);
    }
    recompute_state_close(&state);
    return status;
}

/* The layers that may be recomputed; returns how many, or -1 if they are too many to try all sets,
 * or memory is out. */
static int32_t few_layers(int32_t few[MOST_TRIED], const recompute_model *model)
{
    int32_t count = 0;
    recompute_layer *layers = mem_alloc((size_t)model->layer_count * sizeof *layers);
    if (layers == NULL || !recompute_layers(layers, model->network, model->plain))
        count = -1;
    for (int32_t l = 0; count >= 0 && l < model->layer_count; l++) {
        if (!layers[l].allowed)
            continue;
        if (count == MOST_TRIED)
            count = -1;
        else
            few[count++] = l;
    }
    mem_free(layers);
    return count;
}

/* Every set of a small network, each computed again once for all that read it. */
static mbs_status try_all_sets(fitting *found, const recompute_model *model, mbs_error *error)
{
    int32_t few[MOST_TRIED];
    const int32_t count = few_layers(few, model);
    if (count < 0)
        return MBS_OK;
    unsigned char *set = mem_zeroed(model->layer_count, 1);
    mbs_status status = set != NULL ? MBS_OK : error_memory(error);
    for (int32_t mask = 0; mask < 1 << count && status == MBS_OK; mask++) {
        recompute_state state;
        for (int32_t i = 0; i < count; i++)
            set[few[i]] = (mask >> i & 1) != 0 ? MBS_RECOMPUTE_OUTPUT : 0;
        status = recompute_state_open(&state, model, set, error);
        if (status == MBS_OK && isfinite(state.objective) && state.dram.over == 0 &&
            state.macs <= model->max_macs)
            status = improve_within(&found->best, &state, model, false, error);
        recompute_state_close(&state);
    }
    mem_free(set);
    return status;
}

mbs_status fit_within(fitting *found, const recompute_model *model, const recompute_state *free,
                      const unsigned char *start, mbs_error *error)
{
    recompute_dram needed;
    mbs_status status = recompute_count_dram(&needed, free->program, model->task.batch,
                                             model->max_dram, free->cuts, free->group_count, error);
    if (status != MBS_OK || !isfinite(free->objective))
        return status;
    if (found->best.set != NULL && needed.over > 0) /* within less multiply-accumulates */
        status = fit_from(found, model, found->best.set, false, error);
    if (status == MBS_OK)
        status = fit_from(found, model, free->set, needed.over == 0, error);
    if (status == MBS_OK && needed.over > 0)
        status = fit_from(found, model, start, false, error);
    if (status == MBS_OK)
        status = try_all_sets(found, model, error);
    if (status == MBS_OK && found->best.set == NULL) /* on from what less multiply-accumulates do */
        status =
            fit_least(found, model, found->least.set != NULL ? found->least.set : start, error);
    return status;
}

mbs_status fit_near(fitting *found, const recompute_model *model, const recompute_state *free,
                    const fitting *traffic, mbs_error *error)
{
    mbs_status status = MBS_OK;
    if (isfinite(free->objective))
        status = fit_from(found, model, free->set, true, error);
    if (status == MBS_OK && traffic->best.set != NULL)
        status = fit_from(found, model, traffic->best.set, false, error);
    return status;
}
