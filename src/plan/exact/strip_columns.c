#include "plan/exact/strip_columns.h"

#include "base/error.h"
#include "base/memory.h"
#include "plan/dp/strip_search.h"
#include "plan/exact/compulsory.h"

/* The search of dp's that offers its groups here. */
typedef struct collection {
    column_list *list;
    const lagrange *l;
    int32_t cut;     /* the one at hand */
    int64_t *before; /* per cut: bytes that all plans move before it; the starts' values */
    int32_t *last;   /* per first step: its latest column in the list */
    int64_t *operands;
    starts starts;
    strip_search strips;
} collection;

/* Takes the group in, or its T into the column of its steps. */
static bool offer(void *context, int32_t first, int32_t strips, int64_t traffic)
{
    const collection *all = context;
    column_list *list = all->list;
    const int32_t i = all->last[first];
    const int64_t bytes = traffic - all->before[first];
    const column added = {.first = first,
                          .end = all->cut,
                          .candidate = COLUMN_STRIPS,
                          .strips = strips,
                          .bound = bytes << all->l->shift,
                          .value = bytes};
    if (i >= 0 && list->columns[i].end == all->cut) {
        if (bytes < list->columns[i].value)
            list->columns[i] = added;
        return true;
    }
    all->last[first] = list->count;
    return column_list_add(list, &added, NULL) == MBS_OK;
}

static bool open(collection *all, const plan_task *task)
{
    const mbs_program *p = task->program;
    const size_t cuts = (size_t)p->step_count + 1;
    all->before = mem_calloc(cuts, sizeof *all->before);
    all->last = mem_alloc(cuts * sizeof *all->last);
    all->operands = mem_alloc(cuts * sizeof *all->operands);
    if (all->before == NULL || all->last == NULL || all->operands == NULL)
        return false;
    for (int32_t k = 0; k < p->step_count; k++) {
        all->before[k + 1] = all->before[k] + exact_compulsory_step(p, task->batch, k);
        all->last[k] = -1;
        all->operands[k] = program_operand_bytes(p, k);
    }
    return starts_open(&all->starts, p, task->batch) &&
           strip_search_open(&all->strips, task, &all->starts, all->operands);
}

static void close(collection *all)
{
    strip_search_close(&all->strips);
    starts_close(&all->starts);
    mem_free(all->before);
    mem_free(all->last);
    mem_free(all->operands);
}

/* What a plan moves after a cut is no less than the compulsory either. */
static bool search(collection *all, const plan_task *task, int64_t limit)
{
    const int32_t steps = task->program->step_count;
    bool done = true;
    all->strips.offer = offer;
    all->strips.context = all;
    for (int32_t k = 0; k < steps && done && !plan_watch_is_past(task->watch); k++) {
        int64_t most = limit - (all->before[steps] - all->before[k + 1]);
        starts_add_cut(&all->starts, all->before[k]);
        starts_add_step(&all->starts);
        all->cut = k + 1;
        done = strip_search_cut(&all->strips, k + 1, &most, NULL, NULL);
    }
    return done;
}

/* Sorts the columns by first step; those of one step come by their ends, as they are. False if
 * memory is out. */
static bool sort(column_list *list, int32_t steps)
{
    column *sorted = mem_alloc(((size_t)list->count + 1) * sizeof *sorted);
    int32_t *next = mem_calloc((size_t)steps + 1, sizeof *next);
    const bool done = sorted != NULL && next != NULL;
    for (int32_t i = 0; done && i < list->count; i++)
        next[list->columns[i].first + 1]++;
    for (int32_t k = 0; done && k < steps; k++)
        next[k + 1] += next[k];
    for (int32_t i = 0; done && i < list->count; i++)
        sorted[next[list->columns[i].first]++] = list->columns[i];
    mem_free(next);
    if (!done) {
        mem_free(sorted);
        return false;
    }
    mem_free(list->columns);
    list->columns = sorted;
    list->room = list->count + 1;
    return true;
}

mbs_status strip_columns_find(column_list *list, const lagrange *l, int64_t limit, mbs_error *error)
{
    collection all = {.list = list, .l = l};
    bool done = true;
    if (plan_has_strips(l->task))
        done = open(&all, l->task) && search(&all, l->task, limit);
    close(&all);
    if (!done || !sort(list, l->task->program->step_count))
        return error_memory(error);
    return column_list_index(list, l->task->program->step_count, error);
}

mbs_status strip_columns_drop(column_list *list, const lagrange *l, const int64_t *distance,
                              const int64_t *distance_end, int64_t limit, mbs_error *error)
{
    int32_t kept = 0;
    for (int32_t i = 0; i < list->count; i++) {
        const column c = list->columns[i];
        if (distance[c.first] + c.bound + distance_end[c.end] < limit << l->shift)
            list->columns[kept++] = c;
    }
    list->count = kept;
    return column_list_index(list, l->task->program->step_count, error);
}

const column *strip_columns_at(const column_list *list, int32_t first, int32_t end)
{
    int32_t i = list->begin[first];
    while (list->columns[i].end != end)
        i++;
    return &list->columns[i];
}
