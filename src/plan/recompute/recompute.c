#include "plan/recompute/recompute.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "plan/recompute/auto.h"
#include "plan/recompute/state.h"

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

/* The set of a fixed policy: the layers that its program recomputes. */
static mbs_status policy_set(recompute_choice *choice, const recompute_model *model,
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
    if (set == NULL)
        status = error_memory(error);
    else if (recompute_macs(program, true) > model->max_macs)
        mem_free(set);
    else
        choice->set = set;
    mbs_program_free(program);
    return status;
}

/* The set of a fixed policy, and what dp's plan for it comes to, in *free if it adds nothing. */
static mbs_status find_policy(recompute_choice *choice, double *free, const recompute_model *model,
                              mbs_recompute policy, mbs_error *error)
{
    recompute_state state = {0};
    mbs_status status = policy_set(choice, model, policy, error);
    if (status == MBS_OK && choice->set != NULL)
        status = recompute_state_open(&state, model, choice->set, error);
    if (status == MBS_OK && choice->set != NULL) {
        *free = state.macs == 0 ? state.objective : INFINITY;
        choice->objective = state.dram.over > 0 ? INFINITY : state.objective;
        if (isfinite(state.objective)) {
            choice->starts = recompute_starts(&state);
            status = choice->starts != NULL ? MBS_OK : error_memory(error);
        }
    }
    recompute_state_close(&state);
    return status;
}

static void choose_best(recompute_sets *sets, const recompute_model *model)
{
    const recompute_choice *list = sets->list;
    sets->best = MBS_RECOMPUTE_NONE;
    for (int32_t i = 0; i < RECOMPUTE_LESS; i++)
        if (list[i].set != NULL && list[i].objective < list[sets->best].objective)
            sets->best = i;
    if (isinf(list[sets->best].objective) && list[MBS_RECOMPUTE_AUTO].set != NULL &&
        model->max_dram != DRAM_UNLIMITED)
        sets->best = MBS_RECOMPUTE_AUTO;
}

static mbs_status find_sets(recompute_sets *sets, const recompute_model *model, int effort,
                            mbs_error *error)
{
    int32_t start = MBS_RECOMPUTE_NONE; /* the better of those that add nothing */
    double least = INFINITY;
    plan_watch *watch = model->task.watch;
    mbs_status status = recompute_sets_open(sets, error);
    for (int32_t i = 0; i < MBS_RECOMPUTE_AUTO && status == MBS_OK; i++) {
        recompute_choice *choice = &sets->list[i];
        double free = INFINITY;
        if (i > 0 && plan_watch_is_past(watch))
            break;
        status = find_policy(choice, &free, model, (mbs_recompute)i, error);
        if (status == MBS_OK && free < least) {
            start = i;
            least = free;
        }
    }
    if (status == MBS_OK && !plan_watch_is_over(watch))
        status = auto_find(sets, model, start, effort, error);
    if (status == MBS_OK)
        choose_best(sets, model);
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
                          const mbs_plan_options *options, const recompute_request *request,
                          plan_watch *watch, mbs_error *error)
{
    recompute_model model = {
        .network = network, .layer_count = network->layer_count, .max_dram = request->max_dram};
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
        model.plain_macs = recompute_macs(plain, false);
        model.max_macs = isinf(request->max_percent)
                             ? request->max_percent
                             : request->max_percent / 100 * model.plain_macs;
        status = find_sets(sets, &model, request->effort, error);
    }
    candidates_free(&model.list);
    program_family_free(family);
    mbs_plan_free(plan);
    mbs_program_free(plain);
    return status;
}
