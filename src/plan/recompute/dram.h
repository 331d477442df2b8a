/* What the groups of a set of recomputed layers need of DRAM, and how far that is above a limit. */
#ifndef PLAN_RECOMPUTE_DRAM_H
#define PLAN_RECOMPUTE_DRAM_H

#include "program/program.h"

/* No limit of DRAM. */
#define DRAM_UNLIMITED INT64_MAX

typedef struct recompute_dram {
    int64_t peak; /* bytes that must be there at one time; 0 without a limit */
    double over;  /* bytes above the limit times steps, summed over the groups; 0: it fits */
} recompute_dram;

/*
 * Of groups [cuts[g], cuts[g + 1]) in which all stays that can, as dp's do. Without a limit nothing
 * is counted. Errors: MBS_ERR_MEMORY.
 */
mbs_status recompute_count_dram(recompute_dram *dram, const mbs_program *program, int64_t batch,
                                int64_t limit, const int32_t *cuts, int32_t group_count,
                                mbs_error *error);

#endif
