/*
 * dp on a part of a program: the least objective of some consecutive steps over all their cuts into
 * groups. Groups' costs add up, so this is what a change within those steps can gain (section 10).
 */
#ifndef PLAN_DP_DP_RANGE_H
#define PLAN_DP_DP_RANGE_H

#include <math.h>

#include "plan/dp/dp_emit.h"

/* Steps [first, end); values per cut first...end are at [cut - first]. */
typedef struct dp_range {
    plan_task task;
    const candidates *list; /* of the task's batch */
    int32_t first;
    int32_t end;
    double *rest; /* no way from the cut to the end comes to less */
    double *best; /* the least before the cut: bytes, seconds or joules, as the objective says; */
    dp_choice *choice;         /* its last group */
    struct cost_search *costs; /* for time and energy: what steps take */
    int64_t grown;             /* how often a group grew by a step: the work done */
    bool stopped;              /* by the task's watch: not all ways have been tried */
    bool counts;               /* for traffic too its work counts for the watch's limit */
} dp_range;

/*
 * Sets up the range of steps [first, end) and its `rest`: all of it one group with one iteration
 * moves no more, whatever fits. `list` and the program are borrowed. False if memory is out; free
 * with dp_range_close in any case.
 */
bool dp_range_open(dp_range *range, const plan_task *task, const candidates *list, int32_t first,
                   int32_t end);
void dp_range_close(dp_range *range);

/*
 * Fills in `best` and `choice`: what dp finds for a program that ends and begins there. Groups
 * begin where `starts` says, or anywhere if it is null. Only ways that come to less than `limit`
 * are certain to be found; dp_range_least is infinite if there is none. For traffic dp.c is quicker
 * on whole programs. False if memory is out.
 */
bool dp_range_solve(dp_range *range, const bool *starts, double limit);

/*
 * The same for all ways; it is the quickest for time and energy. If the watch stops it there may be
 * a way nonetheless, though not the best.
 */
bool dp_range_solve_all(dp_range *range);

/*
 * The whole program by its range, for the task's objective: groups begin where `starts` says, or
 * anywhere if it is null. Errors: MBS_ERR_MEMORY, MBS_ERR_STOPPED.
 */
mbs_status dp_range_plan(mbs_plan *plan, const plan_task *task, const bool *starts,
                         mbs_error *error);

/*
 * The whole program in groups that begin exactly where `starts` says, each as it is best for the
 * objective. Errors: MBS_ERR_MEMORY, MBS_ERR_NO_PLAN (one of more steps than one does not fit).
 */
mbs_status dp_range_plan_cuts(mbs_plan *plan, const plan_task *task, const bool *starts,
                              mbs_error *error);

static inline double dp_range_least(const dp_range *range)
{
    return range->best[range->end - range->first];
}

/* The least limit below which what comes to `cost` is certain to be found again. */
static inline double dp_range_above(double cost)
{
    return nextafter(cost, INFINITY);
}

/* Whether groups may begin at the cut and come to less than `limit`. */
static inline bool dp_range_begins(const dp_range *range, const bool *starts, double limit,
                                   int32_t cut)
{
    const int32_t i = cut - range->first;
    return (starts == NULL || starts[i]) && range->best[i] + range->rest[i] < limit;
}

/* Whether touch t of a step moves its tensor if all from the step to the end is one group, */
static inline bool dp_range_moves(const dp_range *range, const mbs_step *step, int32_t t)
{
    const mbs_program *p = range->task.program;
    const mbs_tensor *tensor = &p->tensors[p->touches[t].tensor];
    return t < step->write_begin || tensor->kept ||
           p->touches[tensor->last_touch].step >= range->end;
}

/* and the step in it that then need not read the tensor from DRAM; -1: none. */
static inline int32_t dp_range_spares(const dp_range *range, int32_t t)
{
    const mbs_program *p = range->task.program;
    const int32_t next = p->touches[t].next;
    return next >= 0 && p->touches[next].step < range->end ? p->touches[next].step : -1;
}

/* Whether to go on: false once the task's watch has ended it. */
static inline bool dp_range_goes_on(dp_range *range)
{
    range->stopped = range->stopped || plan_watch_is_past(range->task.watch);
    return !range->stopped;
}

/* Takes a group, or a step in passes, for the last one before cut `to` if that is better. */
void dp_range_relax(dp_range *range, double limit, int32_t to, double cost, dp_choice group);

/* The same for time and energy (dp_cost.c). */
bool dp_range_open_cost(dp_range *range);
void dp_range_close_cost(dp_range *range);
bool dp_range_solve_cost(dp_range *range, const bool *starts, double limit);

#endif
