/* ilp: the least traffic of all schedules (docs/exact.md). */
#ifndef PLAN_EXACT_ILP_H
#define PLAN_EXACT_ILP_H

#include "plan/planner.h"

planner_function plan_ilp;

#endif
