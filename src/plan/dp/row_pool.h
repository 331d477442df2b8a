/*
 * Row counts after each of T strips, each array kept once under a number. Progress repeats from
 * step to step and from cut to cut, so what has been computed of an array is remembered: nearly
 * every operation is a look-up.
 */
#ifndef PLAN_DP_ROW_POOL_H
#define PLAN_DP_ROW_POOL_H

#include "cost/strips.h"

typedef struct pool_entry pool_entry;

typedef struct row_pool {
    int32_t strips;
    const row_link *links; /* by number; borrowed */
    int32_t *rows;         /* array i at [i · strips] */
    int32_t count;
    int32_t capacity;  /* in arrays */
    pool_entry *slots; /* what is remembered, by hash; a power of two of them */
    int32_t slot_count;
    int32_t used;
    bool failed; /* memory is out; every number is 0 from then on */
} row_pool;

/* No array. */
#define POOL_NONE (-1)

/* False if memory is out; close in any case. */
bool pool_open(row_pool *pool, int32_t strips, const row_link *links);
void pool_close(row_pool *pool);

/* Forgets all numbers. */
void pool_clear(row_pool *pool);

/* strips_spread. */
int32_t pool_spread(row_pool *pool, int64_t step_rows);

/* strips_need and strips_use by the link of that number, of a step whose rows done are `done`. */
int32_t pool_need(row_pool *pool, int32_t link, int32_t done);
int32_t pool_use(row_pool *pool, int32_t link, int32_t done);

/* The larger or the smaller of two in each strip; one may be POOL_NONE. */
int32_t pool_larger(row_pool *pool, int32_t a, int32_t b);
int32_t pool_smaller(row_pool *pool, int32_t a, int32_t b);

/* `all` where any is needed, else 0. */
int32_t pool_all_or_none(row_pool *pool, int32_t needed, int64_t all);

/* The same but for the last strip, after which there are `rows`. */
int32_t pool_finish(row_pool *pool, int32_t array, int64_t rows);

/* strips_rows; `used` may be POOL_NONE. */
strip_rows pool_rows(row_pool *pool, int32_t there, int32_t used);

#endif
