/* best: the better of dp and ilp. */
#ifndef PLAN_RUN_BEST_H
#define PLAN_RUN_BEST_H

#include "plan/planner.h"

planner_function plan_best;

#endif
