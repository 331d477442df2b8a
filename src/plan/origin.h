/* What made a plan, as the plan tells it. */
#ifndef PLAN_ORIGIN_H
#define PLAN_ORIGIN_H

#include "cost/schedule.h"

/*
 * Lets the plan tell this version of the library, the hardware with its digest, and the options as
 * the command line writes them; `more`, if not null, stands behind them. Errors: MBS_ERR_MEMORY.
 */
mbs_status plan_tell_origin(mbs_plan *plan, const mbs_hardware *hardware,
                            const mbs_plan_options *options, const mbs_recompute_options *recompute,
                            const char *more, mbs_error *error);

#endif
