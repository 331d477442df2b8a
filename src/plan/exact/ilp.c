/* ilp: the least traffic of all schedules, with a proven bound (model, sections 5 and 6). */

#include "plan/exact/ilp.h"

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "cost/traffic.h"
#include "plan/dp/dp.h"
#include "plan/exact/compulsory.h"
#include "plan/exact/exact.h"
#include "plan/exact/strip_columns.h"
#include "plan/solver/solver.h"

/* Above this the tables over pairs of steps would not fit in memory: dp's plan, a plain bound. */
#define MAX_STEPS 5000

static bool allocate(exact *x)
{
    const size_t steps = (size_t)x->task->program->step_count;
    const size_t all = (size_t)x->l.list.count * steps;
    x->distance = mem_alloc((steps + 1) * sizeof *x->distance);
    x->distance_end = mem_alloc((steps + 1) * sizeof *x->distance_end);
    x->from = mem_alloc((steps + 1) * sizeof *x->from);
    x->from_candidate = mem_alloc((steps + 1) * sizeof *x->from_candidate);
    x->to = mem_alloc((steps + 1) * sizeof *x->to);
    x->to_candidate = mem_alloc((steps + 1) * sizeof *x->to_candidate);
    x->reached = mem_alloc((steps + 1) * sizeof *x->reached);
    x->row_best = mem_calloc(all, sizeof *x->row_best);
    x->row = mem_alloc((steps + 1) * sizeof *x->row);
    x->row_limit = mem_alloc(all * sizeof *x->row_limit);
    x->excess = mem_alloc((all + steps) * sizeof *x->excess);
    x->best_price = mem_alloc((all + steps) * sizeof *x->best_price);
    x->path.columns = mem_alloc(steps * sizeof *x->path.columns);
    x->scratch = plan_allocate(x->task->program, "");
    if (x->distance == NULL || x->distance_end == NULL || x->from == NULL ||
        x->from_candidate == NULL || x->to == NULL || x->to_candidate == NULL ||
        x->reached == NULL || x->row_best == NULL || x->row == NULL || x->row_limit == NULL ||
        x->excess == NULL || x->best_price == NULL || x->path.columns == NULL || x->scratch == NULL)
        return false;
    for (size_t i = 0; i < all; i++)
        x->row_limit[i] = (int32_t)steps;
    x->scratch->batch = x->task->batch;
    x->scratch->buffer_bytes = x->task->capacity;
    return true;
}

static void release(exact *x)
{
    lagrange_close(&x->l);
    mem_free(x->distance);
    mem_free(x->distance_end);
    mem_free(x->from);
    mem_free(x->from_candidate);
    mem_free(x->to);
    mem_free(x->to_candidate);
    mem_free(x->reached);
    mem_free(x->row_best);
    mem_free(x->row);
    mem_free(x->row_limit);
    mem_free(x->excess);
    mem_free(x->best_price);
    mem_free(x->path.columns);
    column_list_free(&x->columns);
    column_list_free(&x->strips);
    mbs_plan_free(x->scratch);
}

static mbs_status search(void *context, mbs_error *error)
{
    exact *x = context;
    if (x->task->program->step_count > MAX_STEPS || exact_closed(x) || exact_stop(x))
        return MBS_OK;
    mbs_status status = lagrange_open(&x->l, x->task, true, error);
    if (status == MBS_ERR_INPUT)
        return MBS_OK; /* sizes too large for scaled sums: dp's plan and the plain bound stand */
    if (status == MBS_OK && !allocate(x))
        status = error_memory(error);
    if (status == MBS_OK)
        status = strip_columns_find(&x->strips, &x->l, x->incumbent, error);
    if (status == MBS_OK && !exact_stop(x)) /* else not all strip groups may be known */
        status = exact_price_buffer(x, error);
    if (status == MBS_OK && !exact_closed(x) && !exact_stop(x))
        status = exact_refine(x, error);
    return status;
}

/* Takes over dp's plan, of the task's program, if it is known. */
static mbs_status begin_with_dp(mbs_plan *plan, const plan_task *task, mbs_error *error)
{
    mbs_plan *known = task->watch->dp_plan;
    if (known == NULL)
        return plan_dp(plan, task, error);
    plan_exchange_choices(plan, known);
    return MBS_OK;
}

/*
 * Makes of the plan found the quickest that moves as little of those that dp can make with groups
 * of its own and of the plan's.
 */
static mbs_status hasten(mbs_plan *plan, const plan_task *task, mbs_error *error)
{
    plan_task again = *task;
    mbs_plan *quicker = plan_allocate_like(plan, plan->planner_name);
    if (quicker == NULL)
        return error_memory(error);
    again.given = plan;
    again.watch = NULL;
    mbs_status status = plan_dp(quicker, &again, error);
    if (status == MBS_OK)
        plan_exchange_choices(plan, quicker);
    mbs_plan_free(quicker);
    return status;
}

mbs_status plan_ilp(mbs_plan *plan, const plan_task *task, mbs_error *error)
{
    exact x = {.task = task, .plan = plan};
    mbs_status status = begin_with_dp(plan, task, error);
    if (status != MBS_OK)
        return status;
    const int64_t enough = task->watch->enough_bytes;
    x.incumbent = task->watch->dp_bytes = plan_count(plan).total;
    if (enough > 0)
        x.incumbent = min_i64(x.incumbent, enough);
    x.bound = min_i64(exact_compulsory(task->program, task->batch), x.incumbent);
    status = solver_isolate(search, &x, error);
    release(&x);
    if (status == MBS_OK && plan_count(plan).total < task->watch->dp_bytes)
        status = hasten(plan, task, error);
    plan->outcome = x.bound >= plan_count(plan).total ? MBS_OPTIMAL : MBS_FEASIBLE;
    plan->bound_bytes = x.bound;
    return status;
}
