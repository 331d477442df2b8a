/* Planning and the replay of what comes out, together. */
#ifndef VERIFY_CREATE_H
#define VERIFY_CREATE_H

#include <stdbool.h>

#include "mbsopt/plan.h"

struct price_memory;

/*
 * As mbs_plan_create, where plans that move `enough` bytes are of no use; 0: all are. ilp and best
 * then end once that is proven of all. `prices` (or null) are handed on from one search to the
 * next.
 */
mbs_status plan_create_below(mbs_plan **plan, const mbs_program *program,
                             const mbs_hardware *hardware, const mbs_plan_options *options,
                             int64_t enough, struct price_memory *prices, mbs_error *error);

/* As mbs_plan_create, of dp's plan with groups that begin where `starts` says (plan_run_from). */
mbs_status plan_create_from(mbs_plan **plan, const mbs_program *program,
                            const mbs_hardware *hardware, const mbs_plan_options *options,
                            const bool *starts, mbs_error *error);

#endif
