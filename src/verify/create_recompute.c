/* Planning with recomputation: the program is chosen, then planned and replayed like any other. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "mbsopt/cost.h"
#include "plan/recompute.h"

/* One call of mbs_plan_create_recompute. */
typedef struct request {
    const mbs_network *network;
    mbs_program_options program_options;
    const mbs_hardware *hardware;
    mbs_plan_options options;
} request;

/* Plans the program that recomputes `set`, or what the options say if it is null. */
static mbs_status plan_set(mbs_plan **plan, const request *of, const unsigned char *set,
                           mbs_error *error)
{
    mbs_program_options options = of->program_options;
    mbs_program *program = NULL;
    *plan = NULL;
    options.recompute_layers = set;
    mbs_status status = mbs_program_create(&program, of->network, &options, error);
    if (status == MBS_OK)
        status = mbs_plan_create(plan, program, of->hardware, &of->options, error);
    if (status == MBS_OK)
        (*plan)->owned_program = program;
    else
        mbs_program_free(program);
    return status;
}

/* "dp+auto": the plans of different programs are told apart. */
static mbs_status name_plan(mbs_plan *plan, mbs_recompute policy, mbs_error *error)
{
    const char *suffix = mbs_recompute_name(policy);
    const size_t size = strlen(plan->planner_name) + strlen(suffix) + 2;
    char *name = malloc(size);
    if (name == NULL)
        return error_memory(error);
    snprintf(name, size, "%s+%s", plan->planner_name, suffix);
    free(plan->planner_name);
    plan->planner_name = name;
    return MBS_OK;
}

static double objective_of(const mbs_plan *plan, const request *of)
{
    mbs_cost cost;
    if (of->options.objective == MBS_TRAFFIC || mbs_plan_cost(plan, of->hardware, &cost) != MBS_OK)
        return (double)plan->traffic.total;
    return of->options.objective == MBS_TIME ? cost.time_s : cost.energy_j;
}

/* Replaces *plan by that of `set` if that is better. */
static mbs_status take_better(mbs_plan **plan, const request *of, const unsigned char *set,
                              mbs_error *error)
{
    mbs_plan *other;
    mbs_status status = plan_set(&other, of, set, error);
    if (status != MBS_OK)
        return status;
    if (*plan == NULL || objective_of(other, of) < objective_of(*plan, of)) {
        mbs_plan_free(*plan);
        *plan = other;
    } else {
        mbs_plan_free(other);
    }
    return MBS_OK;
}

/* mbs2's own choice among the sets, since dp's may be worse for it. */
static mbs_status plan_each(mbs_plan **plan, const request *of, const recompute_sets *sets,
                            mbs_error *error)
{
    mbs_status status = MBS_OK;
    for (int i = 0; i < MBS_RECOMPUTE_COUNT && status == MBS_OK; i++)
        if (sets->set[i] != NULL)
            status = take_better(plan, of, sets->set[i], error);
    return status;
}

/*
 * ilp on dp's choice; where recomputing gains dp less than ilp often does, also on the plain
 * program, each with half of the time.
 */
static mbs_status plan_exact(mbs_plan **plan, request *of, const recompute_sets *sets,
                             mbs_error *error)
{
    const double plain = sets->objective[MBS_RECOMPUTE_NONE];
    const bool both = sets->best != MBS_RECOMPUTE_NONE && sets->objective[sets->best] > 0.9 * plain;
    if (both)
        of->options.time_limit_s /= 2;
    mbs_status status = take_better(plan, of, sets->set[sets->best], error);
    if (status == MBS_OK && both)
        status = take_better(plan, of, sets->set[MBS_RECOMPUTE_NONE], error);
    return status;
}

static mbs_status plan_auto(mbs_plan **plan, request *of, double max_percent, mbs_error *error)
{
    recompute_sets sets;
    mbs_status status = recompute_find(&sets, of->network, &of->program_options, of->hardware,
                                       &of->options, max_percent, error);
    if (status == MBS_OK && of->options.planner == MBS_PLANNER_MBS2)
        status = plan_each(plan, of, &sets, error);
    else if (status == MBS_OK && of->options.planner == MBS_PLANNER_DP)
        status = take_better(plan, of, sets.set[sets.best], error);
    else if (status == MBS_OK)
        status = plan_exact(plan, of, &sets, error);
    if (status == MBS_OK) {
        /* what the planner proved holds for this choice of layers alone */
        (*plan)->outcome = MBS_HEURISTIC;
        (*plan)->bound_bytes = 0;
    }
    recompute_sets_free(&sets);
    return status;
}

mbs_status mbs_plan_create_recompute(mbs_plan **plan, const mbs_network *network,
                                     const mbs_program_options *program_options,
                                     const mbs_hardware *hardware, const mbs_plan_options *options,
                                     const mbs_recompute_options *recompute, mbs_error *error)
{
    request of = {network, *program_options, hardware, *options};
    *plan = NULL;
    if ((unsigned)recompute->recompute >= MBS_RECOMPUTE_COUNT)
        return error_set(error, MBS_ERR_ARGUMENT, "no policy of recomputing has the number %d",
                         (int)recompute->recompute);
    if (!(recompute->max_percent >= 0))
        return error_set(error, MBS_ERR_INPUT,
                         "at most %g %% more multiply-accumulates: expected at least 0",
                         recompute->max_percent);
    const bool plain = program_options->inference || !mbs_planner_recomputes(options->planner);
    of.program_options.recompute = plain ? MBS_RECOMPUTE_NONE : recompute->recompute;
    const mbs_recompute policy = of.program_options.recompute;
    if (policy == MBS_RECOMPUTE_AUTO)
        of.program_options.recompute = MBS_RECOMPUTE_NONE;
    mbs_status status = policy == MBS_RECOMPUTE_AUTO
                            ? plan_auto(plan, &of, recompute->max_percent, error)
                            : plan_set(plan, &of, NULL, error);
    if (status == MBS_OK && policy != MBS_RECOMPUTE_NONE)
        status = name_plan(*plan, policy, error);
    if (status != MBS_OK) {
        mbs_plan_free(*plan);
        *plan = NULL;
    }
    return status;
}
