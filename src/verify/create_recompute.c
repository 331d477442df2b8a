/* Planning with recomputation: the program is chosen, then planned and replayed like any other. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "mbsopt/cost.h"
#include "plan/joint/joint.h"
#include "plan/origin.h"
#include "plan/recompute/recompute.h"

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
    char *name = mem_alloc(size);
    if (name == NULL)
        return error_memory(error);
    snprintf(name, size, "%s+%s", plan->planner_name, suffix);
    mem_free(plan->planner_name);
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

/* What the planner proved holds for one choice of layers alone. */
static mbs_status forget_bound(mbs_plan *plan)
{
    plan->outcome = MBS_HEURISTIC;
    plan->bound_bytes = 0;
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
    return status == MBS_OK ? forget_bound(*plan) : status;
}

static mbs_status plan_best_set(mbs_plan **plan, const request *of, const recompute_sets *sets,
                                mbs_error *error)
{
    mbs_status status = take_better(plan, of, sets->set[sets->best], error);
    return status == MBS_OK ? forget_bound(*plan) : status;
}

/* What ends ilp, or the search for a bound: the caller, the time, or what is known already. */
typedef struct watch {
    const mbs_plan_options *options;
    double start_s;
    double end_s;
    int64_t best; /* what the best plan so far moves; 0: there is none */
    int64_t bound;
    bool cancelled;
} watch;

static bool is_over(watch *w)
{
    const mbs_progress progress = {plan_now_s() - w->start_s, w->best, w->bound};
    w->cancelled = w->cancelled || (w->options->progress != NULL &&
                                    w->options->progress(&progress, w->options->progress_context));
    return w->cancelled || plan_now_s() >= w->end_s;
}

static bool stop_bounding(void *context)
{
    return is_over(context);
}

/* ilp on one of several sets: also over once it is proven to be no better than the best. */
static int stop_planning(const mbs_progress *progress, void *context)
{
    watch *w = context;
    const int64_t traffic = progress->incumbent_bytes;
    mbs_progress all = *progress;
    all.elapsed_s = plan_now_s() - w->start_s;
    all.incumbent_bytes = w->best > 0 && w->best < traffic ? w->best : traffic;
    all.bound_bytes = w->bound;
    w->cancelled = w->cancelled || (w->options->progress != NULL &&
                                    w->options->progress(&all, w->options->progress_context));
    return w->cancelled || (w->best > 0 && progress->bound_bytes >= w->best);
}

static bool is_double(const recompute_sets *sets, int policy, size_t layers)
{
    for (int i = 0; i < policy; i++)
        if (sets->set[i] != NULL && memcmp(sets->set[i], sets->set[policy], layers) == 0)
            return true;
    return false;
}

/* The policies whose sets are different, that of dp's best plan first. */
static int order_sets(int order[MBS_RECOMPUTE_COUNT], const recompute_sets *sets, size_t layers)
{
    int count = 0;
    for (int i = 0; i < MBS_RECOMPUTE_COUNT; i++) {
        if (sets->set[i] == NULL || is_double(sets, i, layers))
            continue;
        int at = count++;
        for (; at > 0 && sets->objective[order[at - 1]] > sets->objective[i]; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    return count;
}

/* ilp on each set, in what is left of the time; a set that is proven to be worse takes none. */
static mbs_status plan_sets(mbs_plan **plan, const request *of, const recompute_sets *sets,
                            watch *w, mbs_error *error)
{
    int order[MBS_RECOMPUTE_COUNT];
    const int count = order_sets(order, sets, (size_t)of->network->layer_count);
    request one = *of;
    mbs_status status = MBS_OK;
    one.options.progress = stop_planning;
    one.options.progress_context = w;
    for (int i = 0; i < count && status == MBS_OK; i++) {
        const double left_s = w->end_s - plan_now_s();
        one.options.time_limit_s = left_s > 0 && !w->cancelled ? left_s / (count - i) : 0;
        status = take_better(plan, &one, sets->set[order[i]], error);
        w->best = status == MBS_OK ? (*plan)->traffic.total : 0;
    }
    return status;
}

/* ilp: the bound on all sets first, in at most half of the time, then each set. */
static mbs_status plan_exact(mbs_plan **plan, const request *of, const recompute_sets *sets,
                             double max_percent, mbs_error *error)
{
    const double limit_s = of->options.time_limit_s;
    watch w = {.options = &of->options, .start_s = plan_now_s()};
    w.end_s = w.start_s + limit_s / 2;
    w.best = (int64_t)sets->objective[sets->best];
    mbs_status status =
        is_over(&w)
            ? MBS_OK
            : joint_network_bound(&w.bound, of->network, &of->program_options, of->hardware,
                                  &of->options, max_percent, w.best, stop_bounding, &w, error);
    if (status != MBS_OK)
        return status;
    w.end_s = w.start_s + limit_s;
    w.best = 0;
    status = plan_sets(plan, of, sets, &w, error);
    if (status == MBS_OK) {
        assert(*plan != NULL); /* one set at least is there: the empty one */
        /* what ilp proved holds for one choice of layers alone, this for all */
        (*plan)->outcome = w.bound == (*plan)->traffic.total ? MBS_OPTIMAL : MBS_HEURISTIC;
        (*plan)->bound_bytes = w.bound;
    }
    return status;
}

static mbs_status plan_auto(mbs_plan **plan, request *of, double max_percent, mbs_error *error)
{
    const mbs_planner planner = of->options.planner;
    recompute_sets sets;
    if (planner == MBS_PLANNER_ILP || planner == MBS_PLANNER_BEST)
        of->options.objective = MBS_TRAFFIC;
    mbs_status status = recompute_find(&sets, of->network, &of->program_options, of->hardware,
                                       &of->options, max_percent, error);
    if (status == MBS_OK && planner == MBS_PLANNER_MBS2)
        status = plan_each(plan, of, &sets, error);
    else if (status == MBS_OK && planner == MBS_PLANNER_DP)
        status = plan_best_set(plan, of, &sets, error);
    else if (status == MBS_OK)
        status = plan_exact(plan, of, &sets, max_percent, error);
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
    if (status == MBS_OK && policy != MBS_RECOMPUTE_NONE)
        status = plan_tell_origin(*plan, hardware, options, recompute, NULL, error);
    if (status != MBS_OK) {
        mbs_plan_free(*plan);
        *plan = NULL;
    }
    return status;
}
