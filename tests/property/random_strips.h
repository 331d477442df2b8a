/* Plans of split programs in any groups of strips, with the figures that cost gives them. */
#ifndef TESTS_RANDOM_STRIPS_H
#define TESTS_RANDOM_STRIPS_H

#include "mbsopt/mbsopt.h"

/*
 * Groups of up to 40 steps, most of them in strips, some bytes pinned, in a buffer that holds
 * everything. The plan is the caller's (mbs_plan_free).
 */
mbs_plan *random_strip_plan(const mbs_program *program, int64_t batch, uint64_t *state);

#endif
