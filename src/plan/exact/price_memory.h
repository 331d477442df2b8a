/*
 * Prices handed on from one search to the next, of nearly the same program: any prices make a
 * bound, and these soon make a good one.
 */
#ifndef PLAN_EXACT_PRICE_MEMORY_H
#define PLAN_EXACT_PRICE_MEMORY_H

#include "plan/exact/lagrange.h"

typedef struct price_memory {
    const mbs_program *program; /* null: nothing is kept yet */
    int shift;                  /* they are scaled by 2^shift */
    int64_t *price;             /* [candidate * steps + step] */
} price_memory;

/* Copies the prices; borrows the program. Keeps nothing if memory is out, which is no error. Free
 * with price_memory_free in any case. */
void price_memory_keep(price_memory *memory, const lagrange *l);
void price_memory_free(price_memory *memory);

/*
 * Sets the prices to those kept, of the same batch, step by step: one that the kept program lacks
 * shares those of the next step that it has, which gets those of the steps before it that only the
 * kept program has. Whether any are kept; a null pointer keeps none.
 */
bool price_memory_recall(const price_memory *memory, lagrange *l);

#endif
