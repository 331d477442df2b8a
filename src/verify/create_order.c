/* Planning in another order of steps (model, section 14). */
#include <math.h>

#include "base/error.h"
#include "plan/exact/compulsory.h"
#include "plan/order/order.h"
#include "plan/run/run.h"
#include "verify/create_programs.h"

/* What the plan in the given order moves, and what any in it does at least; 0: not known. */
typedef struct given_order {
    int64_t bytes;
    int64_t bound_bytes;
} given_order;

bool create_searches_order(const create_request *of)
{
    return of->options.order == MBS_ORDER_SEARCH && mbs_planner_searches_order(of->options.planner);
}

/* The program's names become those of `to`, whose steps and tensors have them already. */
static void hand_over_names(mbs_program *from, mbs_program *to)
{
    to->names = from->names;
    from->names = NULL;
}

/* Whether dp's plan of the plan's program is as good. */
static mbs_status is_dps(bool *result, const mbs_plan *plan, const create_request *of,
                         mbs_error *error)
{
    mbs_plan *dp;
    mbs_status status = create_dp(&dp, plan->program, of, error);
    *result = status == MBS_OK && dp->traffic.total <= plan->traffic.total;
    mbs_plan_free(dp);
    return status;
}

/*
 * Plans the program that was found, and keeps the better of the two plans; frees the other. Where
 * best has proven dp's plan to be the best in the order before, dp alone plans this one: what takes
 * long is a proof.
 */
static mbs_status plan_found(mbs_plan **plan, mbs_program *found, const create_request *of,
                             mbs_error *error)
{
    create_chain chain = {.work_limit = plan_work_limit(&of->options)};
    mbs_plan_options options = of->options;
    mbs_plan *other = NULL;
    bool dp_is_enough = false;
    mbs_status status = MBS_OK;
    if (options.planner == MBS_PLANNER_BEST && (*plan)->outcome == MBS_OPTIMAL)
        status = is_dps(&dp_is_enough, *plan, of, error);
    if (dp_is_enough) {
        options.planner = MBS_PLANNER_DP;
        options.work_limit = 0;
    }
    if (create_dram_excess(*plan, of) == 0)
        chain.enough = (*plan)->traffic.total;
    if (status == MBS_OK)
        status = plan_create_below(&other, found, of->hardware, &options, &chain, error);
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

mbs_status create_in_order(mbs_plan **plan, const create_request *asked, double end_s,
                           mbs_error *error)
{
    const given_order given = note_given(*plan, asked);
    create_request of = *asked;
    mbs_plan *empty;
    mbs_program *found = NULL;
    plan_task task;
    plan_watch watch;
    of.options.time_limit_s = fmax(end_s - plan_now_s(), 0);
    mbs_status status =
        plan_open(&empty, &task, (*plan)->program, of.hardware, &of.options, "dp", error);
    if (status != MBS_OK)
        return status;
    plan_watch_open(&watch, &of.options, plan_is_limited(of.options.planner));
    watch.work_limit = INT64_MAX; /* it has one of its own */
    watch.known.incumbent_bytes = (*plan)->traffic.total;
    task.watch = &watch;
    status = order_find(&found, &task, *plan, ORDER_WORK, error);
    of.options.time_limit_s = fmax(end_s - plan_now_s(), 0);
    if (status == MBS_OK && found != NULL && !watch.cancelled)
        status = plan_found(plan, found, &of, error);
    else
        mbs_program_free(found);
    if (status == MBS_OK)
        forget_proof(*plan, &of, &given);
    mbs_plan_free(empty);
    return status;
}
