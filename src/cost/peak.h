/* The largest footprint of a group, whether it pushes whole samples or strips of them. */
#ifndef COST_PEAK_H
#define COST_PEAK_H

#include "cost/schedule.h"

/*
 * From modes, residency and pinned bytes. O(touches), of a strip group O(touches · strips). The
 * only error is MBS_ERR_MEMORY, and of strip groups alone.
 */
mbs_status plan_find_peak(int64_t *peak, const mbs_plan *plan, const mbs_group *group,
                          mbs_error *error);

#endif
