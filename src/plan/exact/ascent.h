/* Moving prices uphill: the subgradient method with a target level (docs/exact.md). */
#ifndef PLAN_EXACT_ASCENT_H
#define PLAN_EXACT_ASCENT_H

#include "plan/exact/lagrange.h"

/*
 * The bound at the present prices, scaled, and into `excess`, zeroed before, how much the choice
 * behind it overfills the buffer at each priced step. Negative to give up.
 */
typedef int64_t ascent_value(void *context, double *excess);

typedef struct ascent {
    lagrange *l;
    int64_t *price; /* the prices to move: `count` of l->price */
    size_t count;
    ascent_value *value;
    void *context;
    int iterations;      /* at most */
    int patience;        /* steps without gain before the level comes down */
    double gap;          /* how far above the best bound the level starts, scaled */
    double smallest;     /* gap at which to stop, scaled */
    double *excess;      /* room for `count` */
    int64_t *best_price; /* likewise */
} ascent;

/* Leaves the best prices found in place and returns their bound, scaled; negative if given up. */
int64_t ascend(ascent *a);

#endif
