#include "plan/exact/column.h"

#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "plan/groups.h"

mbs_status column_list_add(column_list *list, const column *added, mbs_error *error)
{
    column *columns = mem_grow(list->columns, &list->room, list->count, sizeof *columns);
    if (columns == NULL)
        return error_memory(error);
    list->columns = columns;
    list->columns[list->count++] = *added;
    return MBS_OK;
}

void column_list_shrink(column_list *list)
{
    const int32_t room = list->count > 0 ? list->count : 1;
    column *moved = mem_realloc(list->columns, (size_t)room * sizeof *moved);
    if (moved == NULL)
        return;
    list->columns = moved;
    list->room = room;
}

void column_list_free(column_list *list)
{
    for (int32_t i = 0; i < list->count; i++)
        mem_free(list->columns[i].resident);
    mem_free(list->columns);
    mem_free(list->begin);
    mem_free(list->near);
    mem_free(list->least);
    mem_free(list->least_end);
    *list = (column_list){0};
}

mbs_status column_list_raise(column_list *list, int32_t steps, const int64_t *least,
                             const int64_t *least_end, mbs_error *error)
{
    const size_t bytes = ((size_t)steps + 1) * sizeof *least;
    list->least = mem_alloc(bytes);
    list->least_end = mem_alloc(bytes);
    if (list->least == NULL || list->least_end == NULL)
        return error_memory(error);
    memcpy(list->least, least, bytes);
    memcpy(list->least_end, least_end, bytes);
    return MBS_OK;
}

mbs_status column_list_narrow(column_list *list, const int64_t *distance,
                              const int64_t *distance_end, int64_t limit, mbs_error *error)
{
    int32_t *near = mem_alloc(((size_t)list->count + 1) * sizeof *near);
    int32_t count = 0;
    if (near == NULL)
        return error_memory(error);
    for (int32_t i = 0; i < list->count; i++) {
        const column *c = &list->columns[i];
        if (distance[c->first] + c->bound + distance_end[c->end] < limit)
            near[count++] = i;
    }
    mem_free(list->near);
    list->near = near;
    list->near_count = count;
    return MBS_OK;
}

void column_list_widen(column_list *list)
{
    mem_free(list->near);
    list->near = NULL;
}

/* The i-th that is looked at. */
static int32_t looked_at(const column_list *list, int32_t i)
{
    return list->near != NULL ? list->near[i] : i;
}

mbs_status column_list_index(column_list *list, int32_t steps, mbs_error *error)
{
    mem_free(list->begin);
    list->begin = mem_alloc(((size_t)steps + 1) * sizeof *list->begin);
    if (list->begin == NULL)
        return error_memory(error);
    int32_t i = 0;
    for (int32_t k = 0; k <= steps; k++) {
        while (i < list->count && list->columns[i].first < k)
            i++;
        list->begin[k] = i;
    }
    list->begin[steps] = list->count;
    return MBS_OK;
}

/* The distance of cut k, and no less than what is known of it. */
static int64_t raised(const int64_t *least, int64_t distance, int32_t k)
{
    return least != NULL ? max_i64(distance, least[k]) : distance;
}

bool column_shortest(const column_list *list, int32_t steps, bool by_value, int64_t *distance,
                     int32_t *from, column_path *path)
{
    const int64_t *least = by_value ? NULL : list->least;
    int32_t final = 0; /* the distances up to this cut are */
    for (int32_t k = 1; k <= steps; k++)
        distance[k] = COLUMN_FAR;
    distance[0] = 0;
    for (int32_t n = 0; n < column_list_looked_at(list); n++) {
        const int32_t i = looked_at(list, n);
        const column *c = &list->columns[i];
        for (; final < c->first; final++)
            distance[final + 1] = raised(least, distance[final + 1], final + 1);
        if (distance[c->first] >= COLUMN_FAR || (by_value && c->value == NO_VALUE))
            continue;
        int64_t length = distance[c->first] + (by_value ? c->value : c->bound);
        if (length < distance[c->end]) {
            distance[c->end] = length;
            from[c->end] = i;
        }
    }
    for (; final < steps; final++)
        distance[final + 1] = raised(least, distance[final + 1], final + 1);
    path->count = 0;
    path->length = distance[steps];
    if (distance[steps] >= COLUMN_FAR)
        return false;
    for (int32_t end = steps; end > 0; end = list->columns[from[end]].first)
        path->columns[path->count++] = from[end];
    return true;
}

void column_distances_to_end(const column_list *list, int32_t steps, int64_t *distance)
{
    int32_t final = steps; /* the distances from this cut on are */
    for (int32_t k = 0; k < steps; k++)
        distance[k] = COLUMN_FAR;
    distance[steps] = 0;
    for (int32_t n = column_list_looked_at(list); n-- > 0;) {
        const column *c = &list->columns[looked_at(list, n)];
        for (; final > c->first + 1; final--)
            distance[final - 1] = raised(list->least_end, distance[final - 1], final - 1);
        if (distance[c->end] < COLUMN_FAR && c->bound + distance[c->end] < distance[c->first])
            distance[c->first] = c->bound + distance[c->end];
    }
    for (; final > 0; final--)
        distance[final - 1] = raised(list->least_end, distance[final - 1], final - 1);
}

mbs_status column_emit(const plan_task *task, const candidates *list, const column *solved,
                       mbs_plan *plan, mbs_error *error)
{
    if (solved->candidate == COLUMN_STRIPS)
        return plan_add_strips(plan, task, solved->first, solved->end, solved->strips, error);
    if (solved->candidate == COLUMN_PASSES) {
        plan_add_passes(plan, task, solved->first);
        return MBS_OK;
    }
    const mbs_step *steps = task->program->steps;
    const int32_t begin = steps[solved->first].touch_begin;
    const size_t touches = (size_t)(steps[solved->end - 1].touch_end - begin);
    memcpy(plan->resident + begin, solved->resident, touches * sizeof *plan->resident);
    const mbs_group *group =
        plan_add_group(plan, solved->first, solved->end, list->iterations[solved->candidate]);
    group_choose_modes(plan, task, group);
    group_pin(plan, task, group);
    return MBS_OK;
}
