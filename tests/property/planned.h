/* Plans of property tests: made, replayed once more, and held to what is so of every plan. */
#ifndef TESTS_PLANNED_H
#define TESTS_PLANNED_H

#include "mbsopt/mbsopt.h"

/* The plan is the caller's (mbs_plan_free); `label` says in messages what was planned. */
mbs_plan *replayed_plan(const mbs_program *program, const mbs_hardware *hardware,
                        const mbs_plan_options *options, const char *label);

/* The bytes that `planner`'s plan moves, whichever planner the options name. */
int64_t replayed_traffic(const mbs_program *program, const mbs_hardware *hardware,
                         const mbs_plan_options *options, mbs_planner planner, const char *label);

#endif
