/*
 * Bounds over all groups that may be part of a better plan: a look over them from the first step to
 * the last, or back (docs/exact.md).
 *
 * Each look is a bound on all plans, and rules groups out by what the looks before found on their
 * other side. Distances are the highest that any look found: at whatever prices, no better plan
 * moves less before or after a cut.
 */
#ifndef PLAN_EXACT_LOOK_H
#define PLAN_EXACT_LOOK_H

#include "plan/exact/exact.h"

/* Distances at first: what moves in any case. */
void look_begin(exact *x);

/*
 * The bound at the present prices, scaled, with the path behind it in x->from and
 * x->from_candidate; look_target, and no path, if no better plan is left. INT64_MIN if it was
 * stopped: what was found until then holds.
 */
int64_t look_forward(exact *x);
int64_t look_back(exact *x);

/* Scaled: plans that move as much are no better than the incumbent. */
static inline int64_t look_target(const exact *x)
{
    return x->incumbent << x->l.shift;
}

/* Paths from the start, cut after cut: the shortest that reach each are in x->reached. */
void look_start_paths(exact *x);
/* The group [first, end), behind `before` (scaled) for the steps before it. */
void look_relax(exact *x, int64_t before, int32_t first, int32_t end, int64_t bound,
                int32_t candidate);
/* All groups from `first` on whose traffic is known: the step alone in passes, strips. */
void look_relax_known(exact *x, int64_t before, int32_t first);

#endif
