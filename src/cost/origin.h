/* What made a plan. */
#ifndef COST_ORIGIN_H
#define COST_ORIGIN_H

#include <stdbool.h>

#include "mbsopt/plan.h"

/* What made a plan: all null where that is not known, else none. */
typedef struct plan_origin {
    char *program;
    char *hardware;
    char *hardware_digest;
    char *options;
} plan_origin;

/* Copies `info` (all null, or none) in place of what is there; false if memory is out. */
bool plan_origin_set(plan_origin *origin, const mbs_origin_info *info);
void plan_origin_free(plan_origin *origin);

#endif
