/* The planner that the options name, run. */
#ifndef PLAN_RUN_RUN_H
#define PLAN_RUN_RUN_H

#include "plan/planner.h"

/* Whether the planner searches until the time limit. */
bool plan_is_limited(mbs_planner planner);

/* The options with the planner that does it: best is dp for what ilp does not minimise. */
mbs_plan_options plan_resolve(const mbs_plan_options *options);

/* Runs the planner that `options` names and sums up its plan; not yet verified. */
mbs_status plan_run(mbs_plan **plan, const mbs_program *program, const mbs_hardware *hardware,
                    const mbs_plan_options *options, plan_watch *watch, mbs_error *error);

/* The same for plan_dp_from; it cannot be stopped. */
mbs_status plan_run_from(mbs_plan **plan, const mbs_program *program, const mbs_hardware *hardware,
                         const mbs_plan_options *options, const bool *starts, mbs_error *error);

#endif
