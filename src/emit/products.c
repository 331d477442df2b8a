#include "emit/products.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "cost/strips.h"
#include "cost/strips_time.h"

/* While the list is made. */
typedef struct lister {
    const mbs_plan *plan;
    product_list *list;
    const mbs_group *group;
    gemm_run *strips; /* those of the strips of the step at hand */
    mbs_error *error;
    mbs_status status; /* the first fault */
} lister;

static product_pass pass_of(const mbs_step *step)
{
    const char *ending = strrchr(step->kind, '.');
    if (step->gemm.samples_in_k)
        return PASS_WGRAD;
    return ending != NULL && strcmp(ending, ".dgrad") == 0 ? PASS_DGRAD : PASS_FORWARD;
}

static void add(lister *l, const gemm_run *item)
{
    product_list *list = l->list;
    if (l->status == MBS_OK && list->count == list->room) {
        list->room = 2 * list->room + 16;
        gemm_run *items = mem_realloc(list->items, (size_t)list->room * sizeof *items);
        if (items == NULL) {
            l->status = error_memory(l->error);
            return;
        }
        list->items = items;
    }
    if (l->status == MBS_OK)
        list->items[list->count++] = *item;
}

static void refuse(lister *l, int32_t k)
{
    if (l->status == MBS_OK)
        l->status = error_set(l->error, MBS_ERR_INPUT,
                              "step %s: its matrix product on a sub-batch is too large",
                              quoted(l->plan->program->steps[k].name).text);
}

static gemm_run run_of(const mbs_step *step, int32_t k, int64_t samples)
{
    const mbs_gemm *gemm = &step->gemm;
    return (gemm_run){.step = k,
                      .pass = pass_of(step),
                      .samples = samples,
                      .runs = gemm->groups,
                      .m = gemm->m,
                      .k = gemm->k,
                      .n = gemm->n};
}

/* ---- Whole samples --------------------------------------------------------------------------- */

static void add_product(lister *l, int32_t k, int64_t samples, int64_t runs)
{
    const mbs_gemm *gemm = &l->plan->program->steps[k].gemm;
    gemm_run made = run_of(&l->plan->program->steps[k], k, samples);
    int64_t *grows = gemm->samples_in_k ? &made.k : gemm->samples_in_groups ? &made.runs : &made.m;
    if (!checked_mul(*grows, samples, grows) || *grows > JSON_MAX_INTEGER ||
        !checked_mul(made.runs, runs, &made.runs))
        refuse(l, k);
    else
        add(l, &made);
}

static void add_products(lister *l, int32_t k)
{
    const mbs_group *group = l->group;
    const int64_t rest = l->plan->batch - (group->iterations - 1) * group->sub_batch;
    if (l->plan->program->steps[k].gemm.m == 0)
        return;
    if (rest != group->sub_batch)
        add_product(l, k, group->sub_batch, group->iterations - 1);
    add_product(l, k, rest, rest == group->sub_batch ? group->iterations : 1);
}

/* ---- Strips ---------------------------------------------------------------------------------- */

/* Larger ones first. */
static int by_size(const void *a, const void *b)
{
    const gemm_run *first = a;
    const gemm_run *second = b;
    if (first->rows != second->rows)
        return first->rows < second->rows ? 1 : -1;
    if (first->m != second->m)
        return first->m < second->m ? 1 : -1;
    return (first->k < second->k) - (first->k > second->k);
}

/* The products of one sample's strips, equal ones together. */
static void on_step(void *context, int32_t k, const int32_t *done)
{
    lister *l = context;
    const mbs_step *step = &l->plan->program->steps[k];
    const bool in_k = step->gemm.samples_in_k;
    int32_t count = 0;
    if (step->gemm.m == 0)
        return;
    for (int64_t i = 0; i < l->group->strips; i++) {
        const int64_t before = i > 0 ? done[i - 1] : 0;
        gemm_run made = run_of(step, k, 1);
        int64_t *cut = in_k ? &made.k : &made.m;
        *cut = cost_row_share(*cut, done[i], step->rows) - cost_row_share(*cut, before, step->rows);
        made.rows = done[i] - before;
        if (*cut > 0)
            l->strips[count++] = made;
    }
    qsort(l->strips, (size_t)count, sizeof *l->strips, by_size);
    for (int32_t i = 0, next; i < count; i = next) {
        gemm_run made = l->strips[i];
        for (next = i + 1; next < count && by_size(&made, &l->strips[next]) == 0;)
            next++;
        if (!checked_mul(made.runs, l->plan->batch * (next - i), &made.runs))
            refuse(l, k);
        add(l, &made);
    }
}

static void reverse(gemm_run *items, int32_t count)
{
    for (int32_t i = 0; i < count / 2; i++) {
        const gemm_run item = items[i];
        items[i] = items[count - 1 - i];
        items[count - 1 - i] = item;
    }
}

/* The steps come last to first; each one's products stay in their order. */
static void put_in_order(product_list *list, int32_t begin)
{
    gemm_run *items = list->items + begin;
    const int32_t count = list->count - begin;
    reverse(items, count);
    for (int32_t i = 0, next; i < count; i = next) {
        for (next = i + 1; next < count && items[next].step == items[i].step;)
            next++;
        reverse(items + i, next - i);
    }
}

static void add_strips(lister *l)
{
    const strips_watch watch = {NULL, on_step, l};
    const int32_t begin = l->list->count;
    l->strips = mem_alloc((size_t)l->group->strips * sizeof *l->strips);
    if (l->strips == NULL || !strips_follow(l->plan->program, l->group->first, l->group->end,
                                            (int32_t)l->group->strips, &watch))
        l->status = error_memory(l->error);
    mem_free(l->strips);
    put_in_order(l->list, begin);
}

/* ---- The list -------------------------------------------------------------------------------- */

mbs_status product_list_create(product_list *list, const mbs_plan *plan, mbs_error *error)
{
    lister l = {.plan = plan, .list = list, .error = error};
    *list = (product_list){0};
    for (int32_t g = 0; g < plan->group_count && l.status == MBS_OK; g++) {
        l.group = &plan->groups[g];
        if (l.group->strips > 1)
            add_strips(&l);
        for (int32_t k = l.group->first; k < l.group->end && l.group->strips == 1; k++)
            add_products(&l, k);
    }
    return l.status;
}

mbs_status product_name(char **name, const mbs_program *program, const gemm_run *item,
                        mbs_error *error)
{
    text made = TEXT_INIT;
    text_format(&made, "%s_%s%" PRId64, program->steps[item->step].name, item->rows > 0 ? "r" : "b",
                item->rows > 0 ? item->rows : item->samples);
    return text_finish(&made, name, error);
}
