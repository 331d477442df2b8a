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
    int64_t enough_bytes; /* ilp: plans that move as much are of no use; 0: all are */
    double start_s;
    double end_s;  /* INFINITY: no limit */
    double next_s; /* the caller is not asked again before */
    bool cancelled;
    double cancelled_s;
} plan_watch;

/* Begins now. The time limit is heeded if `limited`. */
void plan_watch_open(plan_watch *w, const mbs_plan_options *options, bool limited);

/* The same for what has no limit and is no search. */
void plan_watch_open_for(plan_watch *w, mbs_progress_function *progress, void *context);

/* Tells the caller how far it is; whether to end. */
bool plan_watch_ask(plan_watch *w);

/* The same, quickly: the caller is told some times a second. */
bool plan_watch_is_over(plan_watch *w);

/* The same of a plan_watch, as a sink asks (sink_watch). */
bool plan_watch_stops(void *watch);

/*
 * Whether it has been over for a third of a second: until then what can still be finished may be,
 * such as the plan of what was found so far.
 */
bool plan_watch_is_past(plan_watch *w);

/* Says that there is no plan yet; returns MBS_ERR_STOPPED. */
mbs_status plan_watch_stopped(mbs_error *error);

/* Seconds on a clock that only goes forward. */
double plan_now_s(void);

#endif
