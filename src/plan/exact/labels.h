/*
 * The exact search of one group (docs/exact.md): its steps are gone through in order, and what was
 * chosen so far is summed up in labels. Labels that leave the same tensors in the buffer are
 * compared, and those that cannot lead to less than a target by the bounds of group_costs.h are
 * dropped. All in whole bytes: what the search finds or rules out is exact.
 */
#ifndef PLAN_EXACT_LABELS_H
#define PLAN_EXACT_LABELS_H

#include "plan/exact/group_costs.h"

typedef struct label_limits {
    int32_t width; /* labels kept from touch to touch; beyond it the search is no longer complete */
    int64_t target;              /* bytes: only less is of interest */
    bool (*stop)(void *context); /* asked now and then; true ends the search */
    void *context;
} label_limits;

typedef struct label_result {
    int64_t bound; /* bytes: nothing is below it; `target` at most */
    int64_t value; /* bytes of the best found, NO_VALUE if none is below the target */
} label_result;

/*
 * Searches the group; if result->value is not NO_VALUE, resident[i] says whether the interval that
 * begins at the group's i-th touch stays. MBS_ERR_MEMORY.
 */
mbs_status labels_search(const group_costs *g, const label_limits *limits, label_result *result,
                         bool *resident, mbs_error *error);

#endif
