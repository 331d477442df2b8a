/* Where a group is cut in two with the least harm. */
#ifndef EXPLAIN_DIVISION_H
#define EXPLAIN_DIVISION_H

#include "explain/variant.h"

/* The group cut in two where that moves least. */
typedef struct division {
    int32_t cuts;  /* places to cut it, */
    int32_t tried; /* of them looked at, or known to be worse without a look */
    int32_t at;    /* the second part's first step; -1: there is no place where both parts fit */
    variant parts[2];
} division;

/*
 * The cut after which the two parts, each run as is best for it, move least; the first of several.
 * Cuts are looked at in the order of what they move of activations, and no longer once that alone,
 * with parameters moved as little as may be, is more than the best. It ends, with fewer `tried`,
 * after some millions of touches. The only error is MBS_ERR_MEMORY.
 */
mbs_status division_find(division *found, variants *of, const mbs_group *group, mbs_error *error);

#endif
