/* dp's plan, written down from its choices. */
#ifndef PLAN_DP_DP_EMIT_H
#define PLAN_DP_DP_EMIT_H

#include "plan/planner.h"

/* The last group before a cut. */
typedef struct dp_choice {
    int32_t first;
    int32_t candidate; /* its I in the list, or one of those below */
    int32_t strips;    /* with DP_STRIPS: T */
    int32_t given;     /* with DP_GIVEN: which group of the task's plan it is */
    int32_t under_way; /* what is pinned leaves room for so many iterations at once; 0: for one */
} dp_choice;

#define DP_PASSES (-1)
#define DP_STRIPS (-2)
#define DP_GIVEN  (-3)

/* Appends group [last.first, end), as the choice says. The only error is MBS_ERR_MEMORY. */
mbs_status dp_emit_group(mbs_plan *plan, const plan_task *task, const candidates *list,
                         dp_choice last, int32_t end, mbs_error *error);

/* `choice` is per cut; `cuts` is room for as many. The only error is MBS_ERR_MEMORY. */
mbs_status dp_emit(mbs_plan *plan, const plan_task *task, const candidates *list,
                   const dp_choice *choice, int32_t *cuts, mbs_error *error);

#endif
