/* auto: the search for what to recompute, from limit to limit (model, section 10). */
#ifndef PLAN_RECOMPUTE_AUTO_H
#define PLAN_RECOMPUTE_AUTO_H

#include "plan/recompute/sets.h"
#include "plan/recompute/state.h"

/*
 * Searches from the policy `start`, which adds no multiply-accumulates, and puts what comes out
 * within the model's limits into the list, as recompute_find says. Errors: MBS_ERR_MEMORY and what
 * mbs_program_create says.
 */
mbs_status auto_find(recompute_sets *sets, const recompute_model *model, int32_t start, int effort,
                     mbs_error *error);

#endif
