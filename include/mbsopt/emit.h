/* Files written for other programs (section 9). */
#ifndef MBSOPT_EMIT_H
#define MBSOPT_EMIT_H

#include "mbsopt/plan.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The plan as an `mbsopt-plan/1` document, deterministic to the byte. *text is owned by the caller
 * (mbs_free). Errors: MBS_ERR_MEMORY, MBS_ERR_INPUT (a figure above 2^53, which JSON readers
 * round).
 */
MBS_API mbs_status mbs_plan_to_json(char **text, const mbs_plan *plan, mbs_error *error);

/*
 * The same with the members time_s, energy_j and utilisation (cost.h) of each group and of the
 * whole, as estimated on `hardware`; loading passes over them. Also: MBS_ERR_ARGUMENT (a loaded
 * plan, whose costs are not known).
 */
MBS_API mbs_status mbs_plan_to_json_with_cost(char **text, const mbs_plan *plan,
                                              const mbs_hardware *hardware, mbs_error *error);

#ifdef __cplusplus
}
#endif
#endif
