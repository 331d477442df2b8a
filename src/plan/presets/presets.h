/* The planners that follow fixed or greedy rules (model, section 5). */
#ifndef PLAN_PRESETS_PRESETS_H
#define PLAN_PRESETS_PRESETS_H

#include "plan/planner.h"

planner_function plan_baseline; /* also archopt */
planner_function plan_il;
planner_function plan_mbs_fs;
planner_function plan_mbs1;
planner_function plan_mbs2;

#endif
