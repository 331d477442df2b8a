/* The search for an order of steps: moves at random, each made unless it loses much (model, section
 * 14).
 */
#include <math.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "cost/traffic.h"
#include "mbsopt/cost.h"
#include "plan/dp/dp.h"
#include "plan/order/order.h"
#include "plan/order/state.h"

/* A block has up to so many steps, and moves past up to so many others, more often past few. */
#define BLOCK_STEPS 12
#define DISTANCE    64

/* All is cut anew after so many times the work that this takes. */
#define CUT_ANEW_AFTER 20

/* What a move may lose at first of what its groups come to: about what so many of the program's
 * steps have of it. */
#define SLACK 3.0

typedef struct search {
    order_state state;
    double work; /* the most there may be */
    uint64_t random;
    double anew;       /* with so much work done all is cut anew */
    mbs_program *best; /* the best order so far; null: that with which the walk began, */
    double least;      /* and what it comes to */
    double began;      /* what the order comes to with which the walk began */
    mbs_error *error;
} search;

static bool goes_on(const search *s)
{
    return s->state.work < s->work && !plan_watch_is_over(s->state.task.watch);
}

static order_move draw_move(search *s)
{
    const int32_t block = 1 + random_below(&s->random, BLOCK_STEPS);
    const int32_t past = 1 + random_below(&s->random, 1 + random_below(&s->random, DISTANCE));
    const bool right = random_below(&s->random, 2) == 0;
    const int32_t first = random_below(&s->random, s->state.program->step_count);
    return (order_move){first, first + (right ? block : past), first + block + past};
}

/* The order is the best so far. */
static mbs_status keep(search *s)
{
    mbs_program_free(s->best);
    s->best = program_copy(s->state.program);
    s->least = s->state.objective;
    return s->best != NULL ? MBS_OK : error_memory(s->error);
}

/* Moves that are looked at cut the groups that they touch anew, and no others. */
static mbs_status cut_anew(search *s)
{
    const double before = s->state.work;
    mbs_status status = order_cut_anew(&s->state, s->error);
    s->anew = s->state.work + CUT_ANEW_AFTER * (s->state.work - before);
    return status;
}

static mbs_status step(search *s)
{
    const order_move move = draw_move(s);
    bool made;
    s->state.work += ORDER_DRAWN;
    if (!order_may_move(&s->state, &move))
        return MBS_OK;
    const double left = 1 - s->state.work / s->work;
    const double slack =
        SLACK / s->state.program->step_count * left * left * random_below(&s->random, 1024) / 1024;
    mbs_status status = order_try(&made, &s->state, &move, slack, s->error);
    if (status == MBS_OK && s->state.work >= s->anew)
        status = cut_anew(s);
    if (status == MBS_OK && order_gains(&s->state, s->least))
        status = keep(s);
    return status;
}

/* Moves of the order of `task`, from its own on; *found as order_find has it. */
static mbs_status walk(mbs_program **found, search *s, const plan_task *task, const mbs_plan *fixed,
                       double work)
{
    s->work = work;
    *found = NULL;
    mbs_status status = order_open(&s->state, task, fixed, s->error);
    s->anew = CUT_ANEW_AFTER * s->state.work;
    s->began = s->least = s->state.objective;
    if (!isfinite(s->least)) /* it was stopped */
        s->work = 0;
    while (status == MBS_OK && goes_on(s))
        status = step(s);
    if (status == MBS_OK && s->best != NULL && !program_renumber(s->best))
        status = error_memory(s->error);
    if (status == MBS_OK)
        *found = s->best;
    else
        mbs_program_free(s->best);
    s->best = NULL;
    order_close(&s->state);
    return status;
}

/* ---- With strips ----------------------------------------------------------------------------- */

/* An order and dp's plan of it, with strips. */
typedef struct planned {
    mbs_program *program; /* null: the task's own */
    mbs_plan *plan;
    double objective;
} planned;

static void planned_close(planned *p)
{
    mbs_plan_free(p->plan);
    mbs_program_free(p->program);
    *p = (planned){0};
}

static mbs_status plan_order(planned *p, const plan_task *task, const mbs_plan *like,
                             mbs_error *error)
{
    plan_task of = *task;
    mbs_cost cost;
    if (p->program != NULL)
        of.program = p->program;
    p->plan = plan_allocate_like(like, "dp");
    if (p->plan == NULL)
        return error_memory(error);
    p->plan->program = of.program;
    mbs_status status = plan_dp_objective(p->plan, &of, error);
    if (status != MBS_OK)
        return status;
    if (task->objective != MBS_TRAFFIC && mbs_plan_cost(p->plan, task->hardware, &cost) != MBS_OK)
        return error_memory(error);
    p->objective = task->objective == MBS_TRAFFIC
                       ? (double)plan_count(p->plan).total
                       : plan_objective_of(task->objective, task->weight, &cost);
    return MBS_OK;
}

/* One walk from the best order so far; what it finds takes its place if its plan is better. */
static mbs_status walk_from(planned *best, search *s, const plan_task *task, bool fixed,
                            double work)
{
    plan_task of = *task;
    planned next = {0};
    if (best->program != NULL)
        of.program = best->program;
    mbs_status status = walk(&next.program, s, &of, fixed ? best->plan : NULL, work);
    if (status == MBS_OK && next.program != NULL)
        status = plan_order(&next, task, best->plan, s->error);
    if (status == MBS_OK && next.program != NULL && next.objective < best->objective) {
        const planned old = *best;
        *best = next;
        next = old;
    }
    planned_close(&next);
    return status;
}

/* In turn as if there were no strip groups and with these fixed, each walk with `work`. */
static mbs_status walk_in_turn(planned *best, search *s, const plan_task *task, int turns,
                               double work)
{
    mbs_status status = MBS_OK;
    for (int i = 0; i < 2 * turns && status == MBS_OK && work > 0; i++)
        status = walk_from(best, s, task, i % 2 != 0, work);
    return status;
}

static mbs_status find_with_strips(mbs_program **found, double *own, search *s,
                                   const plan_task *task, const mbs_plan *like,
                                   const order_effort *effort)
{
    const double share = (double)task->program->step_count / (2 * effort->turns);
    planned best = {0};
    mbs_status status = plan_order(&best, task, like, s->error);
    *own = status == MBS_OK ? best.objective : INFINITY;
    if (status == MBS_OK)
        status = walk_in_turn(&best, s, task, effort->turns, effort->first * share);
    if (status == MBS_OK)
        status = walk_in_turn(&best, s, task, effort->turns, effort->second * share);
    if (status == MBS_ERR_STOPPED) {
        mbs_error_clear(s->error);
        status = MBS_OK;
    }
    *found = best.program;
    best.program = NULL;
    planned_close(&best);
    return status;
}

/* The best of a short walk and of a longer one, if any. In a longer walk more is lost at first,
 * which leads further, but not always to more. */
static mbs_status find_without_strips(mbs_program **found, double *own, search *s,
                                      const plan_task *task, const order_effort *effort)
{
    const double steps = task->program->step_count;
    plan_task of = *task;
    mbs_program *first;
    mbs_status status = walk(&first, s, task, NULL, effort->first * steps);
    *own = s->began;
    *found = NULL;
    if (first != NULL)
        of.program = first;
    if (status == MBS_OK && effort->second > 0)
        status = walk(found, s, &of, NULL, effort->second * steps);
    if (status == MBS_OK && *found == NULL)
        *found = first;
    else
        mbs_program_free(first);
    return status;
}

mbs_status order_find(mbs_program **found, double *own, const plan_task *task, const mbs_plan *like,
                      const order_effort *effort, mbs_error *error)
{
    search s = {.random = 1, .error = error};
    return plan_has_strips(task) ? find_with_strips(found, own, &s, task, like, effort)
                                 : find_without_strips(found, own, &s, task, effort);
}
