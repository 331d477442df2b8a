/* ilp: the least traffic of all schedules (docs/exact.md). */
#ifndef PLAN_EXACT_ILP_H
#define PLAN_EXACT_ILP_H

#include "plan/planner.h"

planner_function plan_ilp;

/*
 * What every schedule of the program moves, and of all programs that differ from it in what they
 * recompute or in whether norms are split: network inputs, kept sinks and all parameters once.
 */
int64_t exact_compulsory(const mbs_program *program, int64_t batch);

#endif
