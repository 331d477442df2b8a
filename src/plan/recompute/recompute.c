#include "plan/recompute/recompute.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "plan/recompute/fit.h"

int mbs_planner_recomputes(mbs_planner planner)
{
    return planner == MBS_PLANNER_MBS2 || planner == MBS_PLANNER_DP || planner == MBS_PLANNER_ILP ||
           planner == MBS_PLANNER_BEST;
}

void mbs_plan_recompute(const mbs_plan *plan, mbs_recompute_info *info)
{
    const mbs_program *p = plan->program;
    *info = (mbs_recompute_info){0};
    for (int32_t k = 0; k < p->step_count; k++) {
        const mbs_step *step = &p->steps[k];
        if (step->pass != STEP_REMAT)
            continue;
        if (step->copy > 1) {
            info->anew++;
            continue;
        }
        info->layers++;
        if (step->gemm.m > 0)
            info->convolutions++;
        else if (strncmp(step->kind, "norm", 4) == 0 || strncmp(step->kind, "batch_norm", 10) == 0)
            info->norms++;
        else
            info->activations++;
    }
    const double again = recompute_macs(p, true);
    const double plain = recompute_macs(p, false) - again;
    info->macs_percent = plain > 0 ? 100 * again / plain : 0;
}

void recompute_sets_free(recompute_sets *sets)
{
    for (int i = 0; i < RECOMPUTE_SETS; i++) {
        mem_free(sets->set[i]);
        mem_free(sets->starts[i]);
    }
    *sets = (recompute_sets){0};
}

/* The set of a fixed policy: the layers that its program recomputes. */
static mbs_status policy_set(recompute_sets *sets, const recompute_model *model,
                             mbs_recompute policy, mbs_error *error)
{
    mbs_program *program = NULL;
    mbs_status status = program_family_build(&program, model->family, policy, NULL, error);
    if (status != MBS_OK)
        return status;
    unsigned char *set = mem_calloc((size_t)model->layer_count, 1);
    for (int32_t k = 0; set != NULL && k < program->step_count; k++)
        if (program->steps[k].pass == STEP_REMAT)
            set[program->steps[k].layer_id] = 1;
    sets->set[policy] = set;
    if (set != NULL && recompute_macs(program, true) > model->max_macs) {
        mem_free(set);
        sets->set[policy] = NULL;
        set = NULL;
    } else if (set == NULL) {
        status = error_memory(error);
    }
    mbs_program_free(program);
    return status;
}

/* Where the state's groups begin. */
static mbs_status keep_starts(bool **starts, const recompute_state *state, mbs_error *error)
{
    *starts = NULL;
    if (!isfinite(state->objective))
        return MBS_OK;
    *starts = recompute_starts(state);
    return *starts != NULL ? MBS_OK : error_memory(error);
}

/* Searches from a set, and keeps what comes out in *best if that is better. */
static mbs_status search_from(recompute_state *best, const recompute_model *model,
                              const unsigned char *set, recompute_effort effort, double work,
                              mbs_error *error)
{
    recompute_state state;
    mbs_status status = recompute_state_open(&state, model, set, error);
    if (status == MBS_OK && isfinite(state.objective)) /* else it was stopped */
        status = recompute_search(&state, model, effort, work * state.program->step_count, error);
    if (status == MBS_OK && (best->set == NULL || state.objective < best->objective)) {
        recompute_state_close(best);
        *best = state;
        if (model->task.objective == MBS_TRAFFIC && isfinite(state.objective))
            model->task.watch->known.incumbent_bytes = (int64_t)state.objective;
        return MBS_OK;
    }
    recompute_state_close(&state);
    return status;
}

/* Searches from `start`, or goes on from *best within a higher limit. */
static mbs_status search_on(recompute_state *best, const recompute_model *model,
                            const unsigned char *start, mbs_error *error)
{
    if (best->set != NULL)
        return search_from(best, model, best->set, EFFORT_GROUPS, SECOND_WORK, error);
    /* one search finds its way through long groups, the other looks closer from the start */
    mbs_status status = search_from(best, model, start, EFFORT_SAME_CUTS, FIRST_WORK, error);
    return status == MBS_OK ? search_from(best, model, start, EFFORT_GROUPS, SECOND_WORK, error)
                            : status;
}

/* The state becomes a policy's set. */
static mbs_status keep_set(recompute_sets *sets, int policy, recompute_state *state,
                           mbs_error *error)
{
    mbs_status status = keep_starts(&sets->starts[policy], state, error);
    if (status != MBS_OK)
        return status;
    sets->set[policy] = state->set;
    sets->objective[policy] = state->dram.over > 0 ? INFINITY : state->objective;
    state->set = NULL;
    return MBS_OK;
}

/* Auto is what was found within the limit, at least for traffic, or needs least. */
static mbs_status keep_fitting(recompute_sets *sets, fitting *best, fitting *found,
                               mbs_error *error)
{
    if (best->best.set != NULL)
        return keep_set(sets, MBS_RECOMPUTE_AUTO, &best->best, error);
    if (found->best.set != NULL) {
        mbs_status status = keep_set(sets, MBS_RECOMPUTE_AUTO, &found->best, error);
        sets->objective[MBS_RECOMPUTE_AUTO] = INFINITY; /* it is told in bytes */
        return status;
    }
    sets->set[MBS_RECOMPUTE_AUTO] = found->least.set;
    sets->starts[MBS_RECOMPUTE_AUTO] = found->least.starts;
    sets->objective[MBS_RECOMPUTE_AUTO] = INFINITY;
    found->least = (recompute_least){0};
    return MBS_OK;
}

typedef struct auto_search {
    const recompute_model *model;
    const unsigned char *start;
    bool limited;    /* is DRAM? */
    bool is_traffic; /* is that the objective? */
    recompute_state best;
    recompute_state traffic;
    fitting found; /* for traffic, */
    fitting other; /* and for another objective */
} auto_search;

/* Brings all that is found on to what at most max_macs make possible. */
static mbs_status search_within(auto_search *a, double max_macs, mbs_error *error)
{
    recompute_model within = *a->model;
    recompute_model limits = *a->model;
    within.max_dram = DRAM_UNLIMITED;
    within.max_macs = limits.max_macs = max_macs;
    mbs_status status = search_on(&a->best, &within, a->start, error);
    if (status == MBS_OK && !a->is_traffic) {
        recompute_model for_traffic = within;
        for_traffic.task.objective = MBS_TRAFFIC;
        status = search_on(&a->traffic, &for_traffic, a->start, error);
        if (status == MBS_OK)
            status =
                search_from(&a->best, &within, a->traffic.set, EFFORT_GROUPS, SECOND_WORK, error);
    }
    limits.task.objective = MBS_TRAFFIC;
    if (status == MBS_OK && a->limited)
        status =
            fit_within(&a->found, &limits, a->is_traffic ? &a->best : &a->traffic, a->start, error);
    limits.task.objective = a->model->task.objective;
    if (status == MBS_OK && a->limited && !a->is_traffic)
        status = fit_near(&a->other, &limits, &a->best, &a->found, error);
    return status;
}

/* ---- All limits of multiply-accumulates ------------------------------------------------------ */

/*
 * Searches within the lowest limit from `start`, which adds no multiply-accumulates, then from what
 * came out within each higher one, so that more is never worse than one of these with less. For
 * time and energy also from the outcomes for traffic, which are often near good ones.
 */
static mbs_status find_auto(recompute_sets *sets, const recompute_model *model,
                            const unsigned char *start, mbs_error *error)
{
    static const double percents[] = {10, 25, 50, 100, INFINITY};
    auto_search a = {.model = model,
                     .start = start,
                     .limited = model->max_dram != DRAM_UNLIMITED,
                     .is_traffic = model->task.objective == MBS_TRAFFIC};
    double max_macs = -1;
    mbs_status status = MBS_OK;
    for (size_t i = 0; status == MBS_OK && max_macs < model->max_macs &&
                       !(a.best.set != NULL && plan_watch_is_over(model->task.watch));
         i++) {
        if (a.limited && isinf(model->max_macs) && a.found.best.set != NULL)
            break; /* as little as it takes */
        max_macs = isinf(percents[i])
                       ? model->max_macs
                       : fmin(percents[i] / 100 * model->plain_macs, model->max_macs);
        status = search_within(&a, max_macs, error);
    }
    if (status == MBS_OK) {
        assert(a.best.program != NULL); /* no limit is below 0, so one was searched within */
        status = keep_set(sets, a.limited ? RECOMPUTE_FREE : MBS_RECOMPUTE_AUTO, &a.best, error);
    }
    if (status == MBS_OK && a.limited) {
        sets->objective[RECOMPUTE_FREE] = INFINITY; /* if it fits, auto is no worse */
        status = keep_fitting(sets, a.is_traffic ? &a.found : &a.other, &a.found, error);
    }
    recompute_state_close(&a.best);
    recompute_state_close(&a.traffic);
    fitting_free(&a.found);
    fitting_free(&a.other);
    return status;
}

static mbs_status find_sets(recompute_sets *sets, const recompute_model *model, mbs_error *error)
{
    mbs_recompute start = MBS_RECOMPUTE_NONE; /* the better of those that add nothing */
    double least = INFINITY;
    mbs_status status = MBS_OK;
    plan_watch *watch = model->task.watch;
    for (int i = 0; i < MBS_RECOMPUTE_AUTO && status == MBS_OK; i++) {
        if (i > 0 && plan_watch_is_past(watch))
            break;
        recompute_state state = {0};
        status = policy_set(sets, model, (mbs_recompute)i, error);
        if (status == MBS_OK && sets->set[i] != NULL)
            status = recompute_state_open(&state, model, sets->set[i], error);
        if (status == MBS_OK && sets->set[i] != NULL) {
            status = keep_starts(&sets->starts[i], &state, error);
            sets->objective[i] = state.dram.over > 0 ? INFINITY : state.objective;
            if (state.macs == 0 && state.objective < least) {
                start = (mbs_recompute)i;
                least = state.objective;
            }
        }
        recompute_state_close(&state);
    }
    if (status == MBS_OK && !plan_watch_is_over(watch))
        status = find_auto(sets, model, sets->set[start], error);
    sets->best = MBS_RECOMPUTE_NONE;
    for (int i = 0; i < RECOMPUTE_SETS && status == MBS_OK; i++)
        if (sets->set[i] != NULL && sets->objective[i] < sets->objective[sets->best])
            sets->best = i;
    if (status == MBS_OK && isinf(sets->objective[sets->best]) &&
        sets->set[MBS_RECOMPUTE_AUTO] != NULL && model->max_dram != DRAM_UNLIMITED)
        sets->best = MBS_RECOMPUTE_AUTO;
    return status;
}

mbs_status recompute_open_plain(mbs_program **plain, mbs_plan **plan, plan_task *task,
                                const mbs_network *network, const mbs_program_options *options,
                                const mbs_hardware *hardware, const mbs_plan_options *plan_options,
                                mbs_error *error)
{
    mbs_program_options plain_options = *options;
    plain_options.recompute = MBS_RECOMPUTE_NONE;
    plain_options.recompute_layers = NULL;
    *plan = NULL;
    mbs_status status = mbs_program_create(plain, network, &plain_options, error);
    return status == MBS_OK ? plan_open(plan, task, *plain, hardware, plan_options, "dp", error)
                            : status;
}

mbs_status recompute_find(recompute_sets *sets, const mbs_network *network,
                          const mbs_program_options *program_options, const mbs_hardware *hardware,
                          const mbs_plan_options *options, double max_percent, int64_t max_dram,
                          plan_watch *watch, mbs_error *error)
{
    recompute_model model = {
        .network = network, .layer_count = network->layer_count, .max_dram = max_dram};
    program_family *family = NULL;
    mbs_program *plain = NULL;
    mbs_plan *plan = NULL;
    *sets = (recompute_sets){0};
    mbs_status status = recompute_open_plain(&plain, &plan, &model.task, network, program_options,
                                             hardware, options, error);
    if (status == MBS_OK)
        status = program_family_create(&family, network, program_options, error);
    if (status == MBS_OK)
        status = candidates_create(&model.list, options->batch, error);
    if (status == MBS_OK) {
        model.task.watch = watch;
        model.family = family;
        model.plain = plain;
        model.plain_macs = sets->plain_macs = recompute_macs(plain, false);
        model.max_macs = sets->max_macs =
            isinf(max_percent) ? max_percent : max_percent / 100 * model.plain_macs;
        status = find_sets(sets, &model, error);
    }
    candidates_free(&model.list);
    program_family_free(family);
    mbs_plan_free(plan);
    mbs_program_free(plain);
    return status;
}
