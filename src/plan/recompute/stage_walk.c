#include "base/error.h"
#include "base/memory.h"
#include "plan/recompute/stage.h"
#include "plan/recompute/walk.h"

/* Growths of a group for each step of the program, times the steps. */
#define WALK_WORK 100

/* Programs of more steps have no walks: there the sweeps take long, and a walk finds little. */
#define FEW_STEPS 200

/* The first walk may lose more at first than the one that goes on from the best of it: times the
 * work for each step, as a share of what each step has of the objective. */
static const double slacks[] = {8e-4, 2e-4};
#define WALK_COUNT ((int)(sizeof slacks / sizeof slacks[0]))

/* What is added above the limit costs at last, where all that the limit allows costs the start's
 * traffic. */
#define LAST_PRICE 2

/* A walk may add up to so many times the limit. */
#define WALK_OVERSHOOT 1.5

/* The best set of the walk in the stage before is where this one begins if it is better. */
static mbs_status add_walked(recompute_front *local, const lane *l, const recompute_model *model,
                             mbs_error *error)
{
    recompute_state state;
    if (l->walked == NULL)
        return MBS_OK;
    mbs_status status = recompute_state_open(&state, model, l->walked, error);
    if (status == MBS_OK)
        status = recompute_front_add(local, &state, model->layer_count, error);
    recompute_state_close(&state);
    return status;
}

static mbs_status keep_walked(const auto_search *a, lane *l, const recompute_found *best,
                              mbs_error *error)
{
    mem_free(l->walked);
    l->walked = stage_copy_set(a, best->set);
    return l->walked != NULL ? MBS_OK : error_memory(error);
}

mbs_status stage_walk(const auto_search *a, recompute_front *local, lane *l, const stage *of,
                      int sweep, mbs_error *error)
{
    const double limit = stage_top(a, of);
    const recompute_model model = stage_for_traffic(a, WALK_OVERSHOOT * limit);
    const double steps = a->model->plain->step_count;
    const double each = WALK_WORK * steps;
    recompute_walk walk = {.limit = limit,
                           .price = LAST_PRICE * a->unit * a->model->plain_macs / limit,
                           .seed = (uint64_t)sweep + 1};
    if (steps > FEW_STEPS)
        return MBS_OK;
    mbs_status status = add_walked(local, l, &model, error);
    for (int i = 0; i < WALK_COUNT && status == MBS_OK && !stage_is_over(a); i++) {
        const recompute_found *best = recompute_front_best(local, limit);
        recompute_state state = {0};
        if (best == NULL)
            return MBS_OK;
        walk.slack = slacks[i] * each / steps;
        status = recompute_state_open(&state, &model, best->set, error);
        if (status == MBS_OK && isfinite(state.objective))
            status =
                recompute_walk_from(&state, &model, &walk, each * steps / WALK_COUNT, local, error);
        recompute_state_close(&state);
    }
    const recompute_found *best = recompute_front_best(local, limit);
    return status == MBS_OK && best != NULL ? keep_walked(a, l, best, error) : status;
}
