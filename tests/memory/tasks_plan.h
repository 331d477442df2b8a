/* Tasks that make plans, and what is made of plans for other programs; `which` of each. */
#ifndef TESTS_MEMORY_TASKS_PLAN_H
#define TESTS_MEMORY_TASKS_PLAN_H

#include "tasks.h"

/* The planner. */
mbs_status task_plan(const task *this, mbs_error *error);
mbs_status task_plan_for_time(const task *this, mbs_error *error);

/* The planner, which chooses itself what to recompute. */
mbs_status task_plan_recomputing(const task *this, mbs_error *error);

/* None: dp's plan with groups of strips, of a network's split program. */
mbs_status task_plan_strips(const task *this, mbs_error *error);

/* None: ilp where dp's plan is not optimal, so that groups are searched and GLPK is asked. */
mbs_status task_search(const task *this, mbs_error *error);

/* None: a plan that must be changed to be placed in the buffer. */
mbs_status task_place(const task *this, mbs_error *error);
mbs_status task_map(const task *this, mbs_error *error);

/* The solution's form, in the order of inputs.h. */
mbs_status task_import_solution(const task *this, mbs_error *error);

/* 0 for LP, 1 for MPS. */
mbs_status task_export_model(const task *this, mbs_error *error);

/* The format's number. */
mbs_status task_export_plan(const task *this, mbs_error *error);

/* 0 for whole samples, 1 for strips. */
mbs_status task_simulate(const task *this, mbs_error *error);

#endif
