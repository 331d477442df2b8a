/*
 * Strip groups as columns beside the exact groups of whole samples (docs/exact.md): a strip group
 * keeps all its intervals, so what it moves is known, and is its bound and its value.
 */
#ifndef PLAN_EXACT_STRIP_COLUMNS_H
#define PLAN_EXACT_STRIP_COLUMNS_H

#include "plan/exact/column.h"

/*
 * Finds the strip groups that may be part of a plan of less than `limit` bytes, each with its best
 * T; none if the task has no strips. If its watch ends the search some may be missing. Fills in and
 * indexes an empty list; free with column_list_free in any case. MBS_ERR_MEMORY.
 */
mbs_status strip_columns_find(column_list *list, const lagrange *l, int64_t limit,
                              mbs_error *error);

/*
 * Drops those that are no part of such a plan, by the scaled distances of each cut from the start
 * and to the end. MBS_ERR_MEMORY.
 */
mbs_status strip_columns_drop(column_list *list, const lagrange *l, const int64_t *distance,
                              const int64_t *distance_end, int64_t limit, mbs_error *error);

/* The column of steps [first, end), which is in the list. */
const column *strip_columns_at(const column_list *list, int32_t first, int32_t end);

#endif
