/* The search for an order of steps (model, section 14). */
#ifndef PLAN_ORDER_ORDER_H
#define PLAN_ORDER_ORDER_H

#include "plan/planner.h"

/* The work of a search as a rule, in growths of dp's groups for each step of the program. */
#define ORDER_WORK 2e4

/*
 * Searches for an order of the steps of the task's program in which dp's plan comes to less of the
 * task's objective: *found is the program in it, and the caller's (mbs_program_free), but its names
 * are those of the task's; null if none was found that is better than the program's own. `like` is
 * a plan of the program for the task. Deterministic, unless the task's watch ends it; takes at most
 * about `work` growths of groups for each step. Errors: MBS_ERR_MEMORY.
 */
mbs_status order_find(mbs_program **found, const plan_task *task, const mbs_plan *like, double work,
                      mbs_error *error);

#endif
