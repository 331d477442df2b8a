/* Groups as columns of a covering problem: bounds, values, and the solution behind a value. */
#ifndef PLAN_EXACT_COLUMN_H
#define PLAN_EXACT_COLUMN_H

#include "plan/exact/lagrange.h"

#define COLUMN_PASSES (-1)
#define COLUMN_STRIPS (-2)
#define NO_VALUE      INT64_MAX

typedef struct column {
    int32_t first; /* steps [first, end) */
    int32_t end;
    int32_t candidate; /* COLUMN_PASSES: one step in passes; COLUMN_STRIPS: strips of samples */
    int32_t strips;    /* with COLUMN_STRIPS: T */
    int32_t effort;    /* what was spent on its bound, see refine.c */
    int64_t bound;     /* scaled: no group with these steps and this I moves less */
    int64_t ideal;     /* bytes moved with everything resident, whether it fits or not */
    int64_t value;     /* bytes that the solution below moves, NO_VALUE if none is known */
    bool *resident;    /* the solution: touches of the group from touch_begin of `first` on */
} column;

/* Columns sorted by first step. */
typedef struct column_list {
    column *columns;
    int32_t count;
    int32_t room;
    int32_t *begin; /* per step and one more: where its columns begin */
    int32_t *near;  /* those that are looked at for paths, ascending; null: all of them */
    int32_t near_count;
    /* per cut, scaled: what a path moves before it, and after it, at least; null: nothing is known
     */
    int64_t *least;
    int64_t *least_end;
} column_list;

/* A path from the first step to the last, as columns in reverse order. */
typedef struct column_path {
    int32_t *columns;
    int32_t count;
    int64_t length; /* the sum of bounds, or of values */
} column_path;

mbs_status column_list_add(column_list *list, const column *added, mbs_error *error);
void column_list_free(column_list *list);
/* Copies what the steps before and after each of steps + 1 cuts move at least. MBS_ERR_MEMORY. */
mbs_status column_list_raise(column_list *list, int32_t steps, const int64_t *least,
                             const int64_t *least_end, mbs_error *error);
/* Gives back room that is not used. */
void column_list_shrink(column_list *list);

/* Sets `begin` once all columns are added. `steps` + 1 entries. */
mbs_status column_list_index(column_list *list, int32_t steps, mbs_error *error);

/*
 * The shortest path by bounds (or by values). `distance` (steps + 1 entries) gets the distances
 * from the start, `from` the last column on the way. Returns false if no path exists.
 */
bool column_shortest(const column_list *list, int32_t steps, bool by_value, int64_t *distance,
                     int32_t *from, column_path *path);

/* Distances to the end, by bounds; COLUMN_FAR where there is no way. */
#define COLUMN_FAR (INT64_MAX / 4)
void column_distances_to_end(const column_list *list, int32_t steps, int64_t *distance);

/*
 * Looks from now on at those columns alone with which a path is shorter than `limit` by bounds, of
 * which `distance` and `distance_end` are those of all columns. No path through another is ever
 * shorter, since bounds only rise. MBS_ERR_MEMORY.
 */
mbs_status column_list_narrow(column_list *list, const int64_t *distance,
                              const int64_t *distance_end, int64_t limit, mbs_error *error);
/* Looks at all of them again. */
void column_list_widen(column_list *list);

/* How many are looked at. */
static inline int32_t column_list_looked_at(const column_list *list)
{
    return list->near != NULL ? list->near_count : list->count;
}

/*
 * Searches for the column's best choice: which intervals stay, which steps stream, how much is
 * pinned, by the present prices of its candidate. Raises its bound and, where it finds a better
 * solution, sets value and resident. `scratch` is a plan of the task's program with nothing
 * resident; it is left as it was. MBS_ERR_MEMORY.
 */
typedef struct pricing {
    const lagrange *l;
    mbs_plan *scratch;
    int32_t width;  /* of the search, see labels.h */
    int64_t cutoff; /* scaled: a bound this high is good enough */
    bool (*stop)(void *context);
    void *context;
} pricing;
mbs_status column_price(const pricing *with, column *priced, mbs_error *error);

/* Takes `resident` over as the column's solution, or frees it if it does not fit or is no better.
 */
void column_offer(const pricing *with, column *priced, bool *resident);

/* Appends the column's solution (or lone step in passes) to a plan. MBS_ERR_MEMORY. */
mbs_status column_emit(const plan_task *task, const candidates *list, const column *solved,
                       mbs_plan *plan, mbs_error *error);

#endif
