/* Planning in another order of steps (model, section 14). */
#include <math.h>

#include "base/error.h"
#include "plan/exact/compulsory.h"
#include "plan/order/order.h"
#include "plan/run/run.h"
#include "verify/create_programs.h"

/* Of the limit of work, for a search that nobody asked for; and what it takes at least, in growths
 * of groups for each step, to find anything. */
#define QUICK_PART 0.5
#define LEAST_WORK 1e3

/* Of plan_watch_work, about. */
#define TICKS_OF_GROWTH 25

/* What the plan in the given order moves, and what any in it does at least; 0: not known. */
typedef struct given_order {
    int64_t bytes;
    int64_t bound_bytes;
} given_order;

bool create_searches_order(const create_request *of)
{
    return of->options.order == MBS_ORDER_SEARCH && mbs_planner_searches_order(of->options.planner);
}

bool create_may_search_order(const create_request *of)
{
    return create_searches_order(of) ||
           (of->options.order == MBS_ORDER_AUTO && of->options.planner == MBS_PLANNER_BEST);
}

/* Whether no order has a plan that moves less. */
static bool is_least(const mbs_plan *plan, const create_request *of)
{
    return plan->objective == MBS_TRAFFIC &&
           plan->traffic.total == exact_compulsory(plan->program, of->options.batch) &&
           create_dram_excess(plan, of) == 0;
}

/* Whether there is work enough for a search that may find something. */
static bool effort_of(order_effort *effort, const create_request *of, int32_t steps)
{
    const int64_t limit = plan_work_limit(&of->options);
    *effort = of->options.order == MBS_ORDER_SEARCH ? ORDER_THOROUGH : ORDER_QUICK;
    if (of->options.order == MBS_ORDER_SEARCH || limit == INT64_MAX)
        return true;
    effort->first = fmin(effort->first, QUICK_PART * (double)limit / TICKS_OF_GROWTH / steps);
    return effort->first >= LEAST_WORK;
}

/* The program's names become those of `to`, whose steps and tensors have them already. */
static void hand_over_names(mbs_program *from, mbs_program *to)
{
    to->names = from->names;
    from->names = NULL;
}

/* Plans the program that was found, by dp alone if that is enough, and keeps the better of the two
 * plans; frees the other. */
static mbs_status plan_found(mbs_plan **plan, mbs_program *found, bool dp_is_enough,
                             const create_request *of, mbs_error *error)
{
    create_chain chain = {.work_limit = plan_work_limit(&of->options)};
    mbs_plan_options options = of->options;
    mbs_plan *other = NULL;
    if (dp_is_enough) {
        options.planner = MBS_PLANNER_DP;
        options.work_limit = 0;
    }
    if (create_dram_excess(*plan, of) == 0)
        chain.enough = (*plan)->traffic.total;
    mbs_status status = plan_create_below(&other, found, of->hardware, &options, &chain, error);
    const bool better = other != NULL && create_order(other, *plan, of) < 0;
    if (better) {
        hand_over_names((*plan)->owned_program, found);
        other->owned_program = found;
        mbs_plan_free(*plan);
        *plan = other;
    } else {
        mbs_plan_free(other);
        mbs_program_free(found);
    }
    if (status != MBS_ERR_STOPPED)
        return status;
    mbs_error_clear(error); /* there is a plan */
    return MBS_OK;
}

/* What was proven holds for one order alone, what must move in any case for all; `given` is the
 * plan in the given order. */
static void forget_proof(mbs_plan *plan, const create_request *of, const given_order *given)
{
    const bool is_traffic = plan->objective == MBS_TRAFFIC;
    if (is_traffic && plan->traffic.total <= given->bytes) { /* with less DRAM it may move more */
        plan->given_bytes = given->bytes;
        plan->given_bound_bytes = given->bound_bytes;
    }
    plan->bound_bytes = is_traffic ? exact_compulsory(plan->program, of->options.batch) : 0;
    plan->outcome =
        is_traffic && plan->bound_bytes == plan->traffic.total ? MBS_OPTIMAL : MBS_HEURISTIC;
}

/* dp's bound is one of its own space alone. */
static given_order note_given(const mbs_plan *plan, const create_request *of)
{
    const bool exact = of->options.planner != MBS_PLANNER_DP;
    return (given_order){plan->traffic.total, exact ? plan->bound_bytes : 0};
}

/* *found is null if no other order is known to be better, *own as of order_find; *stopped: the
 * caller's word ended it. */
static mbs_status find(mbs_program **found, double *own, bool *stopped, const mbs_plan *plan,
                       const create_request *of, const order_effort *effort, mbs_error *error)
{
    mbs_plan *empty;
    plan_task task;
    plan_watch watch;
    *found = NULL;
    mbs_status status =
        plan_open(&empty, &task, plan->program, of->hardware, &of->options, "dp", error);
    if (status != MBS_OK)
        return status;
    plan_watch_open(&watch, &of->options, plan_is_limited(of->options.planner));
    watch.work_limit = INT64_MAX; /* it has one of its own */
    watch.known.incumbent_bytes = plan->traffic.total;
    task.watch = &watch;
    status = order_find(found, own, &task, plan, effort, error);
    *stopped = watch.cancelled;
    if (watch.cancelled) {
        mbs_program_free(*found);
        *found = NULL;
    }
    mbs_plan_free(empty);
    return status;
}

/*
 * One search, from the plan's order on; *searched says whether there was work and time for it.
 * Where best has proven dp's plan to be the best in the given order, or found no better one and is
 * to be quick, dp is enough for another order: what takes long is a proof.
 */
static mbs_status search(bool *searched, bool *stopped, mbs_plan **plan, bool is_proven,
                         const create_request *asked, double end_s, mbs_error *error)
{
    create_request of = *asked;
    order_effort effort;
    mbs_program *found;
    double own;
    of.options.time_limit_s = fmax(end_s - plan_now_s(), 0);
    *stopped = false;
    *searched = effort_of(&effort, &of, (*plan)->program->step_count) &&
                (create_searches_order(&of) || of.options.time_limit_s > 0);
    if (!*searched)
        return MBS_OK;
    mbs_status status = find(&found, &own, stopped, *plan, &of, &effort, error);
    if (status != MBS_OK || found == NULL)
        return status;
    const bool dp_is_enough = of.options.planner == MBS_PLANNER_BEST &&
                              (is_proven || of.options.order == MBS_ORDER_AUTO) &&
                              own <= (double)(*plan)->traffic.total;
    of.options.time_limit_s = fmax(end_s - plan_now_s(), 0);
    return plan_found(plan, found, dp_is_enough, &of, error);
}

mbs_status create_in_order(mbs_plan **plan, const create_request *of, double end_s,
                           mbs_error *error)
{
    const given_order given = note_given(*plan, of);
    const bool is_proven = (*plan)->outcome == MBS_OPTIMAL;
    const bool is_asked = create_searches_order(of);
    const bool in_vain = is_least(*plan, of);
    create_request unasked = *of; /* what best does so, it does where it is asked, too */
    unasked.options.order = MBS_ORDER_AUTO;
    bool searched = false;
    bool stopped = false;
    mbs_status status = MBS_OK;
    if (!in_vain && of->options.planner == MBS_PLANNER_BEST)
        status = search(&searched, &stopped, plan, is_proven, &unasked, end_s, error);
    if (!in_vain && is_asked && status == MBS_OK && !stopped)
        status = search(&searched, &stopped, plan, is_proven, of, end_s, error);
    if (status == MBS_OK && (is_asked || searched))
        forget_proof(*plan, of, &given);
    return status;
}
