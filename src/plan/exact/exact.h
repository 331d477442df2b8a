/* The search of the ilp planner: what its parts share (docs/exact.md). */
#ifndef PLAN_EXACT_EXACT_H
#define PLAN_EXACT_EXACT_H

#include "plan/exact/column.h"

typedef struct exact {
    const plan_task *task;
    lagrange l;
    mbs_plan *plan;    /* the best so far; replaced as better ones are found */
    int64_t incumbent; /* its bytes */
    int64_t bound;     /* bytes: no plan moves less */

    /* per cut between steps, for paths over all groups */
    int64_t *distance;     /* scaled, from the start */
    int64_t *distance_end; /* scaled, to the end */
    int32_t *from;         /* the first step of the last group, or a column */
    int32_t *from_candidate;
    int32_t *to; /* the same from the other side: where the next group ends */
    int32_t *to_candidate;
    int64_t *reached;    /* scaled: of paths that are just looked for */
    int64_t *row;        /* room for lagrange_row */
    int32_t *row_limit;  /* [candidate * steps + first]: groups that end later cannot improve */
    int64_t *row_best;   /* likewise, scaled: the least of a plan with one of them, as last seen */
    double *excess;      /* [candidate * steps + step] */
    int64_t *best_price; /* likewise */
    column_list columns;
    column_list strips; /* strip groups that may be part of a better plan */
    column_path path;
    mbs_plan *scratch;
} exact;

/* Whether to stop: time or the caller. Reports progress now and then. */
bool exact_stop(void *search);

/* Raises the proven bound (bytes); never above the incumbent. */
void exact_raise_bound(exact *x, int64_t bytes);

/* Makes x->path (last group first), whose columns are solved, the incumbent of `bytes`. */
mbs_status exact_take_path(exact *x, const column_list *list, int64_t bytes, mbs_error *error);

/* Whether the bound has met the incumbent, or come as near as was asked for. */
bool exact_closed(const exact *x);

/*
 * Finds good prices for all candidates together, with them a bound, and collects the groups that
 * may be part of a plan better than the incumbent.
 */
mbs_status exact_price_buffer(exact *x, mbs_error *error);

/*
 * Solves the groups of the path in x->from and x->from_candidate, or the same steps with smaller
 * sub-batches: perhaps they make a better plan. Overwrites x->path.
 */
mbs_status exact_try_path(exact *x, mbs_error *error);

/* Refines collected groups on shortest paths until one is solved and shortest, or time is up. */
mbs_status exact_refine(exact *x, mbs_error *error);

#endif
