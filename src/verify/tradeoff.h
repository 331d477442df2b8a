/* Plans between least traffic and least time (docs/tradeoff.md). */
#ifndef VERIFY_TRADEOFF_H
#define VERIFY_TRADEOFF_H

#include "mbsopt/plan.h"

/* One request: options of mbs_plan_network without limit_slowdown. */
typedef struct tradeoff {
    const mbs_network *network;
    const mbs_hardware *hardware;
    mbs_options options;
} tradeoff;

/* A plan with what it takes; owned by who holds it. */
typedef struct tradeoff_point {
    mbs_plan *plan;
    double bytes;
    double time_s;
} tradeoff_point;

/* Plans for the objective and weight. Errors: as of mbs_plan_network. */
mbs_status tradeoff_plan(tradeoff_point *point, const tradeoff *of, mbs_objective objective,
                         double weight, mbs_error *error);

/*
 * Looks for a plan that is better than both, by the weight at which `low`, of less traffic, and
 * `quick`, of less time, are worth the same: point->plan is null if there is none.
 */
mbs_status tradeoff_between(tradeoff_point *point, const tradeoff *of, const tradeoff_point *low,
                            const tradeoff_point *quick, mbs_error *error);

/*
 * Replaces *plan, of least traffic, by the one of least traffic that is at most `percent` slower
 * than baseline, among those that some weight makes. Errors: MBS_ERR_NO_PLAN if none is, and as of
 * mbs_plan_network.
 */
mbs_status tradeoff_limit(mbs_plan **plan, const tradeoff *of, double percent, mbs_error *error);

#endif
