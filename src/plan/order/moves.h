/* Which moves of steps are allowed (model, section 14). */
#ifndef PLAN_ORDER_MOVES_H
#define PLAN_ORDER_MOVES_H

#include "program/program.h"

/* Whether a block of steps that moves may begin, or end, before step k: not inside a pair of a step
 * and the update that follows it. */
bool move_may_cut(const mbs_program *program, int32_t k);

/*
 * Whether step k must come behind one of [first, end): it reads what that writes, adds to the same
 * accumulators, or is of another phase.
 */
bool move_depends(const mbs_program *program, int32_t k, int32_t first, int32_t end);

#endif
