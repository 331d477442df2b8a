/* dp's plan, written down from its choices. */
#ifndef PLAN_DP_DP_EMIT_H
#define PLAN_DP_DP_EMIT_H

#include "plan/planner.h"

/* The last group before a cut. */
typedef struct dp_choice {
    int32_t first;
    int32_t candidate; /* its I in the list, or DP_PASSES */
} dp_choice;

#define DP_PASSES (-1)

/* `choice` is per cut; `cuts` is room for as many. */
void dp_emit(mbs_plan *plan, const plan_task *task, const candidates *list, const dp_choice *choice,
             int32_t *cuts);

#endif
