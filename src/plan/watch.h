/* When a search is to end: the caller's word, or the time. Asked now and then by what may take
 * long. */
#ifndef PLAN_WATCH_H
#define PLAN_WATCH_H

#include <stdbool.h>

#include "mbsopt/plan.h"

/* One call of the library that plans; a null pointer to one is asked in vain. */
typedef struct plan_watch {
    mbs_progress_function *progress; /* or null */
    void *context;
    mbs_progress known; /* what the caller is told */
    struct price_memory
        *prices;          /* ilp: those of a like program, if any, and then its own; or null */
    mbs_plan *dp_plan;    /* ilp: dp's plan of the program, whose choices it takes; or null */
    int64_t dp_bytes;     /* ilp: what dp's plan moves, with which it began */
    int64_t enough_bytes; /* ilp: plans that move as much are of no use; 0: all are */
    int64_t work;         /* done so far, in ticks (plan_watch_work) */
    int64_t work_limit;   /* INT64_MAX: none */
    double start_s;
    double end_s;  /* INFINITY: no limit */
    double next_s; /* the caller is not asked again before */
    bool cancelled;
    double cancelled_s;
} plan_watch;

/* Begins now. The limits of work and time are heeded if `limited`. */
void plan_watch_open(plan_watch *w, const mbs_plan_options *options, bool limited);

/* The same for what has no limit and is no search. */
void plan_watch_open_for(plan_watch *w, mbs_progress_function *progress, void *context);

/*
 * Counts work that has been done: a tick is about what it takes to look at two touches of one
 * group. It is counted and not timed, so that a search that it ends is the same on every machine.
 */
static inline void plan_watch_work(plan_watch *w, int64_t ticks)
{
    if (w != NULL)
        w->work += ticks;
}

/* Ticks that are left; INT64_MAX without a limit. */
int64_t plan_watch_work_left(const plan_watch *w);

/* The limit that the options set, or the planner's own, in ticks; INT64_MAX: none. */
int64_t plan_work_limit(const mbs_plan_options *options);

/* Tells the caller how far it is; whether to end. */
bool plan_watch_ask(plan_watch *w);

/* The same, quickly: the caller is told some times a second. */
bool plan_watch_is_over(plan_watch *w);

/* The same of a plan_watch, as a sink asks (sink_watch). */
bool plan_watch_stops(void *watch);

/*
 * Whether it has been over for a third of a second, or half as much work again: until then what can
 * still be finished may be, such as the plan of what was found so far.
 */
bool plan_watch_is_past(plan_watch *w);

/* Says that there is no plan yet; returns MBS_ERR_STOPPED. */
mbs_status plan_watch_stopped(mbs_error *error);

/* Seconds on a clock that only goes forward. */
double plan_now_s(void);

#endif
