/* Sets of layers to choose from. */
#ifndef PLAN_RECOMPUTE_SETS_H
#define PLAN_RECOMPUTE_SETS_H

#include <stdbool.h>
#include <stdint.h>

#include "mbsopt/program.h"

/* Places in the list of sets: by policy, then what auto finds without regard to DRAM, if that is
 * limited; what is behind was found for traffic within limits that are no higher. */
#define RECOMPUTE_FREE ((int32_t)MBS_RECOMPUTE_COUNT)
#define RECOMPUTE_LESS (RECOMPUTE_FREE + 1)

/* A set of layers, and what dp's plan for it in whole samples comes to. */
typedef struct recompute_choice {
    unsigned char *set; /* null: it adds too much, or there is none */
    double objective;   /* at most; infinite if that needs too much DRAM, or is not known */
    bool *starts;       /* per step of the set's program: a group of that plan begins there; null:
                           there is no such plan */
} recompute_choice;

/* Sets of layers; what none recomputes is the first. */
typedef struct recompute_sets {
    recompute_choice *list;
    int32_t count; /* at least RECOMPUTE_LESS */
    int32_t capacity;
    int32_t best; /* the first of the least objective, auto if none fits */
} recompute_sets;

/* No set at any place but RECOMPUTE_LESS of them. Free with recompute_sets_free in any case.
 * MBS_ERR_MEMORY. */
mbs_status recompute_sets_open(recompute_sets *sets, mbs_error *error);
void recompute_sets_free(recompute_sets *sets);

#endif
