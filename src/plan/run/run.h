/* The planner that the options name, run. */
#ifndef PLAN_RUN_RUN_H
#define PLAN_RUN_RUN_H

#include "plan/planner.h"

/* Runs the planner that `options` names and sums up its plan; not yet verified. */
mbs_status plan_run(mbs_plan **plan, const mbs_program *program, const mbs_hardware *hardware,
                    const mbs_plan_options *options, mbs_error *error);

#endif
