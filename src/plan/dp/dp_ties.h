/*
 * dp's tie-break: of all plans of the least traffic the quickest.
 *
 * For each cut all groups are kept that the least before it may end with. What of them is on a way
 * of the least to the end is a small graph, whose shortest path by time is the plan. Times add up
 * over groups as traffic does, so it is the least of both in this order. Groups that all such ways
 * have in common are not looked at, which on most networks is nearly all.
 */
#ifndef PLAN_DP_DP_TIES_H
#define PLAN_DP_DP_TIES_H

#include "plan/dp/dp_emit.h"

typedef struct dp_ties {
    dp_choice *ways; /* cut after cut */
    int32_t count;
    int32_t room;
    int32_t *begin; /* per cut: where its ways begin; the next one's is their end */
    int32_t cut;    /* the one at hand */
    bool failed;    /* memory is out */
} dp_ties;

/* False if memory is out; free with dp_ties_close in any case. */
bool dp_ties_open(dp_ties *ties, int32_t steps);
void dp_ties_close(dp_ties *ties);

/* Goes on to the next cut, from 1 on, which has no ways yet. */
void dp_ties_next(dp_ties *ties);

/* Adds a last group before the cut at hand, to those that are there if it is `as_good` as they
 * are, else in their place. */
void dp_ties_add(dp_ties *ties, dp_choice way, bool as_good);

/*
 * Makes `choice`, per cut, the quickest way to the last cut, of equals the one that was added
 * first or, of the same steps in strips, has the fewest. `like` is a plan of the task. Where the
 * program has no shapes, so that no time is known, all are equal. MBS_ERR_MEMORY, also if ties
 * could not be kept.
 */
mbs_status dp_ties_break(dp_choice *choice, const dp_ties *ties, const mbs_plan *like,
                         const plan_task *task, const candidates *list, mbs_error *error);

#endif
