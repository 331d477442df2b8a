/* Planning from a network: the program is chosen, then planned and replayed like any other. */
#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "mbsopt/cost.h"
#include "plan/exact/compulsory.h"
#include "plan/joint/joint.h"
#include "plan/origin.h"
#include "plan/recompute/dram.h"
#include "plan/recompute/recompute.h"
#include "plan/run/run.h"
#include "verify/create_programs.h"

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

/* Replaces *plan by `other`, which it owns then, if that is better. */
static void keep_better(mbs_plan **plan, mbs_plan *other, const create_request *of)
{
    const bool better = *plan == NULL || create_order(other, *plan, of) < 0;
    mbs_plan_free(better ? *plan : other);
    if (better)
        *plan = other;
}

/* Replaces *plan by that of `set` if that is better. */
static mbs_status take_better(mbs_plan **plan, const create_request *of, const unsigned char *set,
                              mbs_error *error)
{
    mbs_plan *other;
    mbs_status status = create_set(&other, of, set, error);
    if (status == MBS_OK)
        keep_better(plan, other, of);
    return status;
}

/* What the planner proved holds for one choice of layers alone. */
static mbs_status forget_bound(mbs_plan *plan)
{
    plan->outcome = MBS_HEURISTIC;
    plan->bound_bytes = 0;
    return MBS_OK;
}

/* Whether there is no set at the place, or the same one at another before `end`. */
static bool is_double(const recompute_sets *sets, int32_t place, int32_t end,
                      const create_request *of)
{
    const unsigned char *set = sets->list[place].set;
    const size_t layers = (size_t)of->network->layer_count;
    for (int32_t i = 0; i < end && set != NULL; i++)
        if (i != place && i != MBS_RECOMPUTE_AUTO && sets->list[i].set != NULL &&
            memcmp(sets->list[i].set, set, layers) == 0)
            return true;
    return set == NULL;
}

/* Whether what is best within any percent is so for dp alone, and others have enough besides. */
static bool is_dps_alone(const create_request *of)
{
    return of->options.planner == MBS_PLANNER_MBS2 && of->max_dram == 0;
}

/*
 * The best of all sets, for a planner of which dp's on whole samples may be a worse one. What is
 * best within any percent is left out, or planned in whole samples, as it was found: only so is
 * nothing better that is found within less.
 */
static mbs_status plan_each(mbs_plan **plan, const create_request *of, const recompute_sets *sets,
                            mbs_error *error)
{
    create_request whole = *of;
    whole.options.no_strips = whole.options.no_strips || of->max_dram == 0;
    mbs_status status = MBS_OK;
    for (int32_t i = 0; i <= sets->count && status == MBS_OK; i++) {
        const bool last = i == sets->count;
        const int32_t place = last ? MBS_RECOMPUTE_AUTO : i;
        const bool over = plan_watch_is_over(of->watch) && place != sets->best;
        if ((i == MBS_RECOMPUTE_AUTO) || over || is_double(sets, place, i, of))
            continue;
        if (last && *plan != NULL && is_dps_alone(of))
            continue;
        status = take_better(plan, last ? &whole : of, sets->list[place].set, error);
    }
    if (status != MBS_OK)
        return status;
    assert(*plan != NULL); /* the best set is always planned */
    return forget_bound(*plan);
}

/* dp's plan of the best set; the search's own groups once it has been cancelled. */
static mbs_status plan_best_set(mbs_plan **plan, const create_request *of,
                                const recompute_sets *sets, mbs_error *error)
{
    const bool *starts = of->watch->cancelled ? sets->list[sets->best].starts : NULL;
    mbs_status status = create_set_from(plan, of, sets->list[sets->best].set, starts, error);
    return status == MBS_OK ? forget_bound(*plan) : status;
}

/* Ends the planning of one of the sets: by the caller, who is told of the whole call. */
static int stop_planning(const mbs_progress *progress, void *context)
{
    const create_request *of = context;
    mbs_progress *known = &of->watch->known;
    const int64_t traffic = progress->incumbent_bytes;
    if (traffic > 0 && (known->incumbent_bytes == 0 || traffic < known->incumbent_bytes))
        known->incumbent_bytes = traffic;
    return plan_watch_ask(of->watch);
}

/* The sets that are different, that of dp's best plan first; `order` has room for all. */
static int32_t order_sets(int32_t *order, const recompute_sets *sets, const create_request *of)
{
    int32_t count = 0;
    for (int32_t i = 0; i < sets->count; i++) {
        if (is_double(sets, i, i == MBS_RECOMPUTE_AUTO ? sets->count : i, of))
            continue;
        int32_t at = count++;
        for (; at > 0 && sets->list[order[at - 1]].objective > sets->list[i].objective; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    return count;
}

/* ilp on each set, in what is left of the time and work; a set that is proven to be worse takes
 * none. */
static mbs_status plan_sets(mbs_plan **plan, create_request *of, const recompute_sets *sets,
                            mbs_error *error)
{
    int32_t *order = mem_alloc((size_t)sets->count * sizeof *order);
    const int64_t end_work = of->watch->work_limit;
    if (order == NULL)
        return error_memory(error);
    const int32_t count = order_sets(order, sets, of);
    mbs_status status = MBS_OK;
    for (int32_t i = 0; i < count && status == MBS_OK; i++) {
        const bool over = plan_watch_ask(of->watch);
        if (over && *plan != NULL)
            break;
        of->options.time_limit_s = over ? 0 : (of->watch->end_s - plan_now_s()) / (count - i);
        of->chain->work_limit = limit_part(of->chain, end_work, count - i);
        status = take_better(plan, of, sets->list[order[i]].set, error);
        const bool fits = status == MBS_OK && create_dram_excess(*plan, of) == 0;
        of->chain->enough = fits ? (*plan)->traffic.total : 0;
    }
    mem_free(order);
    return status;
}

/* ilp: the bound on all sets first, in at most half of the time and work, then each set. */
static mbs_status plan_exact(mbs_plan **plan, create_request *of, const recompute_sets *sets,
                             double max_percent, mbs_error *error)
{
    const double end_s = of->watch->end_s;
    const double incumbent = sets->list[sets->best].objective;
    int64_t bound = 0;
    mbs_status status = MBS_OK;
    const int64_t end_work = of->watch->work_limit;
    of->watch->end_s = 0.5 * (plan_now_s() + end_s);
    if (end_work != INT64_MAX)
        of->watch->work_limit = end_work / 2;
    if (!plan_watch_ask(of->watch) && isfinite(incumbent))
        status =
            joint_network_bound(&bound, of->network, &of->program_options, of->hardware,
                                &of->options, max_percent, (int64_t)incumbent, of->watch, error);
    if (status != MBS_OK)
        return status;
    of->watch->end_s = end_s;
    of->watch->work_limit = end_work;
    of->chain->work = of->watch->work;
    of->watch->work = 0; /* what sets take is counted by the chain */
    status = plan_sets(plan, of, sets, error);
    if (status == MBS_OK) {
        assert(*plan != NULL); /* one set at least is there: the empty one */
        /* what ilp proved holds for one choice of layers alone, this for all, in whole samples */
        if ((*plan)->program->split)
            bound = min_i64(bound, exact_compulsory((*plan)->program, of->options.batch));
        const bool optimal = bound == (*plan)->traffic.total && !create_may_have_strips(of);
        (*plan)->outcome = optimal ? MBS_OPTIMAL : MBS_HEURISTIC;
        (*plan)->bound_bytes = bound;
    }
    return status;
}

/*
 * Where the plans so far need too much DRAM: the groups that the search found, which are not always
 * those that its set's plan has.
 */
static mbs_status plan_found_groups(mbs_plan **plan, const create_request *of,
                                    const recompute_sets *sets, mbs_error *error)
{
    const recompute_choice *found = &sets->list[MBS_RECOMPUTE_AUTO];
    mbs_plan *other;
    if (of->options.planner == MBS_PLANNER_MBS2 || found->starts == NULL ||
        create_dram_excess(*plan, of) == 0)
        return MBS_OK;
    mbs_status status = create_set_from(&other, of, found->set, found->starts, error);
    if (status != MBS_OK)
        return status;
    other->bound_bytes = (*plan)->bound_bytes;
    other->outcome = MBS_HEURISTIC;
    keep_better(plan, other, of);
    return MBS_OK;
}

static mbs_status plan_auto(mbs_plan **plan, const create_request *asked,
                            const mbs_recompute_options *recompute, mbs_error *error)
{
    const mbs_planner planner = asked->options.planner;
    const recompute_request request = {.max_percent = recompute->max_percent,
                                       .max_dram =
                                           asked->max_dram > 0 ? asked->max_dram : DRAM_UNLIMITED,
                                       .effort = recompute->effort > 1 ? recompute->effort : 1};
    create_request of = *asked;
    recompute_sets sets;
    plan_watch watch;
    plan_watch_open(&watch, &of.options, plan_is_limited(planner));
    of.watch = &watch;
    of.options.progress = stop_planning;
    of.options.progress_context = &of;
    if (planner != MBS_PLANNER_DP) /* the others heed no objective, and the search goes by it */
        of.options.objective = MBS_TRAFFIC;
    mbs_status status = recompute_find(&sets, of.network, &of.program_options, of.hardware,
                                       &of.options, &request, &watch, error);
    of.chain->stopped = watch.cancelled || plan_now_s() >= watch.end_s;
    const bool both = of.options.objective == MBS_TRAFFIC && create_may_have_strips(&of);
    if (status == MBS_OK &&
        (planner == MBS_PLANNER_MBS2 ||
         (planner == MBS_PLANNER_DP && (both || of.max_dram > 0) && !watch.cancelled)))
        status = plan_each(plan, &of, &sets, error);
    else if (status == MBS_OK && (planner == MBS_PLANNER_DP || watch.cancelled))
        status = plan_best_set(plan, &of, &sets, error);
    else if (status == MBS_OK)
        status = plan_exact(plan, &of, &sets, recompute->max_percent, error);
    if (status == MBS_OK)
        status = plan_found_groups(plan, &of, &sets, error);
    recompute_sets_free(&sets);
    return status;
}

/* MBS_OK if the plan needs no more DRAM than there may be. */
static mbs_status check_dram(const mbs_plan *plan, const create_request *of, mbs_error *error)
{
    mbs_dram_peak peak;
    if (of->max_dram == 0)
        return MBS_OK;
    mbs_status status = mbs_plan_dram_peak(plan, &peak, error);
    if (status != MBS_OK || peak.bytes <= of->max_dram)
        return status;
    return error_set(error, MBS_ERR_NO_PLAN,
                     "%s: no plan was found that needs at most %" PRId64
                     " bytes of DRAM; the least found is %" PRId64 "%s",
                     quoted(plan->program->network_name).text, of->max_dram, peak.bytes,
                     of->chain->stopped ? ", where the search was stopped" : "");
}

static mbs_status check_request(const mbs_program_options *program_options,
                                const mbs_plan_options *options,
                                const mbs_recompute_options *recompute, mbs_error *error)
{
    if ((unsigned)options->order >= MBS_ORDER_COUNT)
        return error_set(error, MBS_ERR_ARGUMENT, "no order of steps has the number %d",
                         (int)options->order);
    if ((unsigned)recompute->recompute >= MBS_RECOMPUTE_COUNT)
        return error_set(error, MBS_ERR_ARGUMENT, "no policy of recomputing has the number %d",
                         (int)recompute->recompute);
    if (program_options->order != NULL)
        return error_set(error, MBS_ERR_ARGUMENT,
                         "an order of steps is of one program, not of all that are planned here: "
                         "expected mbs_program_create and mbs_plan_create");
    if (!(recompute->max_percent >= 0))
        return error_set(error, MBS_ERR_INPUT,
                         "at most %g %% more multiply-accumulates: expected at least 0",
                         recompute->max_percent);
    if (recompute->max_dram_bytes < 0)
        return error_set(error, MBS_ERR_INPUT,
                         "at most %" PRId64 " bytes of DRAM: expected at least 0",
                         recompute->max_dram_bytes);
    return MBS_OK;
}

mbs_status mbs_plan_create_recompute(mbs_plan **plan, const mbs_network *network,
                                     const mbs_program_options *program_options,
                                     const mbs_hardware *hardware, const mbs_plan_options *options,
                                     const mbs_recompute_options *recompute, mbs_error *error)
{
    const mbs_plan_options resolved = plan_resolve(options);
    create_chain chain = {.work_limit = plan_work_limit(&resolved)};
    create_request of = {.network = network,
                         .program_options = *program_options,
                         .hardware = hardware,
                         .options = resolved,
                         .chain = &chain,
                         .max_dram = recompute->max_dram_bytes};
    *plan = NULL;
    mbs_status status = check_request(program_options, options, recompute, error);
    if (status != MBS_OK)
        return status;
    const bool plain = program_options->inference || !mbs_planner_recomputes(options->planner);
    of.program_options.recompute = plain ? MBS_RECOMPUTE_NONE : recompute->recompute;
    const mbs_recompute policy = of.program_options.recompute;
    if (policy == MBS_RECOMPUTE_AUTO)
        of.program_options.recompute = MBS_RECOMPUTE_NONE;
    const double end_s = plan_now_s() + of.options.time_limit_s;
    if (create_searches_order(&of)) /* of a limit of time, half is for the other order */
        of.options.time_limit_s /= 2;
    status = policy == MBS_RECOMPUTE_AUTO ? plan_auto(plan, &of, recompute, error)
                                          : create_set(plan, &of, NULL, error);
    if (status == MBS_OK && create_may_search_order(&of))
        status = create_in_order(plan, &of, end_s, error);
    if (status == MBS_OK)
        status = check_dram(*plan, &of, error);
    if (status == MBS_OK && policy != MBS_RECOMPUTE_NONE)
        status = name_plan(*plan, policy, error);
    /* what was asked for: its parts had less time */
    const mbs_recompute_options told = {policy, recompute->max_percent, recompute->max_dram_bytes,
                                        recompute->effort};
    if (status == MBS_OK)
        status = plan_tell_origin(*plan, hardware, options, &told, NULL, error);
    if (status != MBS_OK) {
        mbs_plan_free(*plan);
        *plan = NULL;
    }
    return status;
}
