/* The search for an order of steps (model, section 14). */
#ifndef PLAN_ORDER_ORDER_H
#define PLAN_ORDER_ORDER_H

#include "plan/planner.h"

/* How long is searched, in growths of dp's groups for each step of the program. */
typedef struct order_effort {
    double first;  /* in short walks, */
    double second; /* and in longer ones that go on from the best order of these */
    int turns;     /* walks where there are strips, twice as many in either part */
} order_effort;

#define ORDER_THOROUGH ((order_effort){.first = 5e3, .second = 15e3, .turns = 4})
#define ORDER_QUICK    ((order_effort){.first = 5e3, .second = 0, .turns = 2})

/*
 * Searches for an order of the steps of the task's program in which dp's plan comes to less of the
 * task's objective: *found is the program in it, and the caller's (mbs_program_free), but its names
 * are those of the task's; null if none was found that is better than the program's own. *own is
 * what dp's plan of that one comes to, infinite if the watch ended it. `like` is a plan of the
 * program for the task. Deterministic, unless the task's watch ends it; takes at most
 * about as many growths of groups as `effort` says. Errors: MBS_ERR_MEMORY.
 */
mbs_status order_find(mbs_program **found, double *own, const plan_task *task, const mbs_plan *like,
                      const order_effort *effort, mbs_error *error);

#endif
