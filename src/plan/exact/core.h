/* Prices moved by the bound over few groups, near the best of those that the last look found. */
#ifndef PLAN_EXACT_CORE_H
#define PLAN_EXACT_CORE_H

#include "plan/exact/exact.h"

/*
 * Moves the prices of all candidates together. *gap is how far above the bound they aim, scaled,
 * and comes down as it is not reached. What they are worth is for a look over all groups to find
 * out.
 */
void core_ascend(exact *x, double *gap);

#endif
