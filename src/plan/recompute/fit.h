/* The search for what to recompute, within a limit of DRAM (model, section 10). */
#ifndef PLAN_RECOMPUTE_FIT_H
#define PLAN_RECOMPUTE_FIT_H

#include "plan/recompute/search.h"

/* What was found so far. */
typedef struct fitting {
    recompute_state best;  /* within the limit; without a set if nothing is */
    recompute_least least; /* what needs least DRAM, where nothing was within the limit */
} fitting;

void fitting_free(fitting *found);

/*
 * What comes within the model's max_dram and max_macs, if that is better than what was found so
 * far: `free`, which was searched for within max_macs alone, if it does, else what a way from it,
 * and one from `start`, which adds no multiply-accumulates, come to; of a few layers, all sets.
 * Errors: MBS_ERR_MEMORY and what mbs_program_create says.
 */
mbs_status fit_within(fitting *found, const recompute_model *model, const recompute_state *free,
                      const unsigned char *start, mbs_error *error);

/*
 * For time or energy, which take too long for such ways: what is better than what was found so far
 * near what fits for `traffic`, and near `free`, which was searched for within max_macs alone.
 */
mbs_status fit_near(fitting *found, const recompute_model *model, const recompute_state *free,
                    const fitting *traffic, mbs_error *error);

#endif
