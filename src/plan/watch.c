#include "plan/watch.h"

#include <math.h>
#include <time.h>

#include "base/error.h"

#define ASK_EVERY_S 0.05
/* For dp's plan, which ilp begins with: who waits for an answer is not made to wait long, a limit
 * is kept to the second. */
#define GRACE_CANCELLED_S 0.3
#define GRACE_LIMIT_S     0.9

/* Of one core: about a second. */
#define TICKS_PER_UNIT 1.5e8
#define MOST_TICKS     0x1p60

double plan_now_s(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static int64_t ticks(double units)
{
    return (int64_t)fmin(ceil(units * TICKS_PER_UNIT), MOST_TICKS);
}

/* Who sets a time limit and none of work is not held up by ours. */
int64_t plan_work_limit(const mbs_plan_options *options)
{
    if (options->work_limit > 0)
        return ticks(options->work_limit);
    if (isfinite(options->time_limit_s))
        return INT64_MAX;
    if (options->planner == MBS_PLANNER_ILP)
        return ticks(MBS_WORK_ILP);
    return options->planner == MBS_PLANNER_BEST ? ticks(MBS_WORK_BEST) : INT64_MAX;
}

int64_t plan_watch_work_left(const plan_watch *w)
{
    if (w == NULL || w->work_limit == INT64_MAX)
        return INT64_MAX;
    return w->work < w->work_limit ? w->work_limit - w->work : 0;
}

void plan_watch_open(plan_watch *w, const mbs_plan_options *options, bool limited)
{
    const double now_s = plan_now_s();
    const bool timed = limited && isfinite(options->time_limit_s);
    *w = (plan_watch){.progress = options->progress,
                      .context = options->progress_context,
                      .start_s = now_s,
                      .work_limit = limited ? plan_work_limit(options) : INT64_MAX,
                      .end_s = timed ? now_s + options->time_limit_s : INFINITY,
                      .next_s = now_s + ASK_EVERY_S};
}

void plan_watch_open_for(plan_watch *w, mbs_progress_function *progress, void *context)
{
    const mbs_plan_options options = {.progress = progress, .progress_context = context};
    plan_watch_open(w, &options, false);
}

bool plan_watch_ask(plan_watch *w)
{
    if (w == NULL)
        return false;
    const double now_s = plan_now_s();
    if (w->cancelled || now_s >= w->end_s || w->work >= w->work_limit)
        return true;
    w->next_s = now_s + ASK_EVERY_S;
    w->known.elapsed_s = now_s - w->start_s;
    if (w->progress != NULL && w->progress(&w->known, w->context)) {
        w->cancelled = true;
        w->cancelled_s = now_s;
    }
    return w->cancelled;
}

bool plan_watch_is_over(plan_watch *w)
{
    if (w == NULL || w->cancelled || w->work >= w->work_limit)
        return w != NULL;
    const double now_s = plan_now_s();
    return now_s >= w->end_s || (now_s >= w->next_s && plan_watch_ask(w));
}

bool plan_watch_stops(void *watch)
{
    return plan_watch_is_over(watch);
}

bool plan_watch_is_past(plan_watch *w)
{
    if (!plan_watch_is_over(w))
        return false;
    if (w->work_limit != INT64_MAX && w->work > w->work_limit + w->work_limit / 2)
        return true;
    const double cancelled_s = w->cancelled ? w->cancelled_s + GRACE_CANCELLED_S : INFINITY;
    return plan_now_s() >= fmin(cancelled_s, w->end_s + GRACE_LIMIT_S);
}

mbs_status plan_watch_stopped(mbs_error *error)
{
    return error_set(error, MBS_ERR_STOPPED, "stopped before there was a plan");
}
