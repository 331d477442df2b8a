#include "verify/create_programs.h"

#include <math.h>

#include "base/checked.h"
#include "base/error.h"
#include "mbsopt/cost.h"
#include "plan/exact/price_memory.h"
#include "plan/run/run.h"
#include "verify/create.h"

/* A program of the request. */
typedef struct program_choice {
    create_request of;
    mbs_plan *dp; /* dp's plan of it, not replayed; null if it was not asked for or had no time */
    mbs_plan *plan;
} program_choice;

bool create_may_have_strips(const create_request *of)
{
    return mbs_planner_takes_strips(of->options.planner) && !of->options.no_strips &&
           !of->program_options.split_norms;
}

int64_t create_dram_excess(const mbs_plan *plan, const create_request *of)
{
    mbs_dram_peak peak;
    if (of->max_dram == 0)
        return 0;
    if (mbs_plan_dram_peak(plan, &peak, NULL) != MBS_OK)
        return INT64_MAX;
    return max_i64(peak.bytes - of->max_dram, 0);
}

/* What the request makes least: bytes, or with dp seconds or joules if they are asked for. */
static double objective_of(const mbs_plan *plan, const create_request *of)
{
    mbs_cost cost;
    if (of->options.planner != MBS_PLANNER_DP || of->options.objective == MBS_TRAFFIC ||
        mbs_plan_cost(plan, of->hardware, &cost) != MBS_OK)
        return (double)plan->traffic.total;
    return plan_objective_of(of->options.objective, of->options.weight, &cost);
}

int create_order(const mbs_plan *plan, const mbs_plan *than, const create_request *of)
{
    const int64_t excess = create_dram_excess(plan, of);
    const int64_t other_excess = create_dram_excess(than, of);
    if (excess != other_excess)
        return excess < other_excess ? -1 : 1;
    const double objective = objective_of(plan, of);
    const double other = objective_of(than, of);
    return (objective > other) - (objective < other);
}

/* For time and energy not all groups of strips are looked at, so none of the plans is proven best.
 */
static void forget_proof(mbs_plan *plan)
{
    if (plan->objective != MBS_TRAFFIC && plan->outcome == MBS_OPTIMAL)
        plan->outcome = MBS_HEURISTIC;
}

static mbs_status create_program(mbs_program **program, const create_request *of,
                                 const unsigned char *set, mbs_error *error)
{
    mbs_program_options options = of->program_options;
    *program = NULL;
    options.recompute_layers = set;
    return mbs_program_create(program, of->network, &options, error);
}

mbs_status create_set_from(mbs_plan **plan, const create_request *of, const unsigned char *set,
                           const bool *starts, mbs_error *error)
{
    mbs_program *program;
    *plan = NULL;
    mbs_status status = create_program(&program, of, set, error);
    if (status == MBS_OK)
        status =
            starts != NULL
                ? plan_create_from(plan, program, of->hardware, &of->options, starts, error)
                : plan_create_below(plan, program, of->hardware, &of->options, of->chain, error);
    if (status == MBS_OK)
        (*plan)->owned_program = program;
    else
        mbs_program_free(program);
    return status;
}

/* That one of the programs was stopped before it had a plan is no error. */
static mbs_status pass_over_stop(mbs_status status, mbs_error *error)
{
    if (status != MBS_ERR_STOPPED)
        return status;
    mbs_error_clear(error);
    return MBS_OK;
}

/* Plans one of the programs; without a plan if it was stopped. */
static mbs_status plan_choice(program_choice *choice, const unsigned char *set, mbs_error *error)
{
    return pass_over_stop(create_set_from(&choice->plan, &choice->of, set, NULL, error), error);
}

static mbs_status ask_dp(program_choice *choice, const unsigned char *set, mbs_error *error)
{
    mbs_program *program;
    mbs_plan_options options = choice->of.options;
    plan_watch watch;
    options.planner = MBS_PLANNER_DP;
    plan_watch_open(&watch, &options, false);
    mbs_status status = create_program(&program, &choice->of, set, error);
    if (status == MBS_OK)
        status = plan_run(&choice->dp, program, choice->of.hardware, &options, &watch, error);
    if (choice->dp != NULL)
        choice->dp->owned_program = program;
    else
        mbs_program_free(program);
    return pass_over_stop(status, error);
}

static int64_t dp_bytes(const program_choice *choice)
{
    return choice->dp != NULL ? choice->dp->traffic.total : INT64_MAX;
}

/* ilp, from dp's plan on where it is known. */
static mbs_status plan_from_dp(program_choice *choice, const unsigned char *set, mbs_error *error)
{
    const create_request *of = &choice->of;
    mbs_plan *dp = choice->dp;
    if (dp == NULL)
        return plan_choice(choice, set, error);
    of->chain->dp = dp;
    mbs_status status = plan_create_below(&choice->plan, dp->owned_program, of->hardware,
                                          &of->options, of->chain, error);
    of->chain->dp = NULL;
    if (status == MBS_OK) {
        choice->plan->owned_program = dp->owned_program;
        dp->owned_program = NULL;
    }
    return pass_over_stop(status, error);
}

static int64_t least_known(int64_t enough, int64_t bytes)
{
    return enough > 0 ? min_i64(enough, bytes) : bytes;
}

static bool is_quicker(const create_request *of, const mbs_plan *plan, const mbs_plan *than)
{
    mbs_cost cost;
    mbs_cost other;
    return mbs_plan_cost(plan, of->hardware, &cost) == MBS_OK &&
           mbs_plan_cost(than, of->hardware, &other) == MBS_OK && cost.time_s < other.time_s;
}

/* Either may be null. */
static bool is_better(const create_request *of, const mbs_plan *plan, const mbs_plan *than)
{
    if (plan == NULL || than == NULL)
        return plan != NULL;
    const int order = create_order(plan, than, of);
    return order < 0 || (order == 0 && is_quicker(of, plan, than));
}

/* Where ticks end of which `limit` may follow. */
static int64_t limit_after(int64_t work, int64_t limit)
{
    return limit == INT64_MAX ? INT64_MAX : work + limit;
}

/* Whether nothing was split, so that plans without strips are plans of both. */
static bool are_same(const mbs_program *a, const mbs_program *b)
{
    if (a->step_count != b->step_count || a->touch_count != b->touch_count)
        return false;
    for (int32_t k = 0; k < a->step_count; k++)
        if (a->steps[k].whole_sample != b->steps[k].whole_sample ||
            a->steps[k].coupled != b->steps[k].coupled ||
            a->steps[k].coupled_to != b->steps[k].coupled_to)
            return false;
    return true;
}

static bool has_strip_groups(const mbs_plan *plan)
{
    for (int32_t g = 0; g < plan->group_count; g++)
        if (plan->groups[g].strips > 1)
            return true;
    return false;
}

/* One search for both where nothing was split; *plan stays null where something was. */
static mbs_status plan_unsplit(mbs_plan **plan, const create_request *plain,
                               const create_request *split, const unsigned char *set,
                               mbs_error *error)
{
    mbs_program *as_it_is;
    mbs_program *with_strips = NULL;
    mbs_status status = create_program(&as_it_is, plain, set, error);
    if (status == MBS_OK)
        status = create_program(&with_strips, split, set, error);
    const bool same = status == MBS_OK && are_same(as_it_is, with_strips);
    if (same)
        status = plan_create_below(plan, with_strips, split->hardware, &split->options,
                                   split->chain, error);
    if (*plan != NULL) {
        mbs_program **its = has_strip_groups(*plan) ? &with_strips : &as_it_is;
        (*plan)->program = (*plan)->owned_program = *its;
        *its = NULL;
    }
    mbs_program_free(as_it_is);
    mbs_program_free(with_strips);
    return status;
}

/*
 * The program of which dp's plan is better comes first, for half of the time and work at most: what
 * it comes to, the other must come below.
 */
static mbs_status search_both(program_choice *plain, program_choice *split,
                              const unsigned char *set, mbs_error *error)
{
    const double end_s = plan_now_s() + plain->of.options.time_limit_s;
    create_chain *chain = plain->of.chain;
    const int64_t end_work = limit_after(chain->work, chain->work_limit);
    mbs_status status = plan_unsplit(&plain->plan, &plain->of, &split->of, set, error);
    if (status != MBS_OK || plain->plan != NULL)
        return status;
    status = ask_dp(plain, set, error);
    if (status == MBS_OK)
        status = ask_dp(split, set, error);
    if (status != MBS_OK)
        return status;
    program_choice *first = dp_bytes(split) < dp_bytes(plain) ? split : plain;
    program_choice *second = first == plain ? split : plain;
    first->of.options.time_limit_s = 0.5 * fmax(end_s - plan_now_s(), 0);
    chain->work_limit = limit_part(chain, end_work, 2);
    status = plan_from_dp(first, set, error);
    if (status != MBS_OK || first->plan == NULL)
        return status;
    second->of.options.time_limit_s = fmax(end_s - plan_now_s(), 0);
    chain->work_limit = limit_part(chain, end_work, 1);
    if (create_dram_excess(first->plan, &first->of) == 0)
        chain->enough = least_known(chain->enough, first->plan->traffic.total);
    status = plan_from_dp(second, set, error);
    if (status != MBS_OK || second->plan == NULL)
        return status;
    mbs_plan *better = is_better(&plain->of, split->plan, plain->plan) ? split->plan : plain->plan;
    better->bound_bytes = min_i64(first->plan->bound_bytes, second->plan->bound_bytes);
    better->outcome = better->bound_bytes >= better->traffic.total ? MBS_OPTIMAL : MBS_FEASIBLE;
    return MBS_OK;
}

static mbs_status plan_exactly(program_choice *plain, program_choice *split,
                               const unsigned char *set, mbs_error *error)
{
    price_memory prices = {0};
    create_chain *whole = plain->of.chain;
    create_chain chain = *whole;
    chain.prices = &prices;
    plain->of.chain = split->of.chain = &chain;
    mbs_status status = search_both(plain, split, set, error);
    plain->of.chain = split->of.chain = whole;
    whole->work = chain.work;
    mbs_plan_free(plain->dp);
    mbs_plan_free(split->dp);
    price_memory_free(&prices);
    return status;
}

mbs_status create_set(mbs_plan **plan, const create_request *of, const unsigned char *set,
                      mbs_error *error)
{
    if (!create_may_have_strips(of))
        return create_set_from(plan, of, set, NULL, error);
    program_choice plain = {.of = *of};
    program_choice split = {.of = *of};
    split.of.program_options.split_norms = 1;
    mbs_status status;
    if (plan_is_limited(of->options.planner)) {
        status = plan_exactly(&plain, &split, set, error);
    } else {
        status = create_set_from(&plain.plan, &plain.of, set, NULL, error);
        if (status == MBS_OK)
            status = plan_choice(&split, set, error);
    }
    *plan = status != MBS_OK                        ? NULL
            : is_better(of, split.plan, plain.plan) ? split.plan
                                                    : plain.plan;
    if (*plan != plain.plan)
        mbs_plan_free(plain.plan);
    if (*plan != split.plan)
        mbs_plan_free(split.plan);
    if (*plan != NULL)
        forget_proof(*plan);
    return status;
}
