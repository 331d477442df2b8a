#include "emit/products.h"

#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/json.h"
#include "base/memory.h"

static product_pass pass_of(const mbs_step *step)
{
    const char *ending = strrchr(step->kind, '.');
    if (step->gemm.samples_in_k)
        return PASS_WGRAD;
    return ending != NULL && strcmp(ending, ".dgrad") == 0 ? PASS_DGRAD : PASS_FORWARD;
}

static bool add_product(product_list *list, const mbs_step *step, int32_t k, int64_t samples,
                        int64_t runs)
{
    const mbs_gemm *gemm = &step->gemm;
    gemm_run made = {.step = k,
                     .pass = pass_of(step),
                     .samples = samples,
                     .m = gemm->m,
                     .k = gemm->k,
                     .n = gemm->n};
    made.runs = gemm->groups;
    int64_t *grows = gemm->samples_in_k ? &made.k : gemm->samples_in_groups ? &made.runs : &made.m;
    if (!checked_mul(*grows, samples, grows) || *grows > JSON_MAX_INTEGER ||
        !checked_mul(made.runs, runs, &made.runs))
        return false;
    list->items[list->count++] = made;
    return true;
}

static bool add_products(product_list *list, const mbs_plan *plan, const mbs_group *group,
                         int32_t k)
{
    const mbs_step *step = &plan->program->steps[k];
    const int64_t rest = plan->batch - (group->iterations - 1) * group->sub_batch;
    if (step->gemm.m == 0)
        return true;
    if (rest == group->sub_batch)
        return add_product(list, step, k, rest, group->iterations);
    return add_product(list, step, k, group->sub_batch, group->iterations - 1) &&
           add_product(list, step, k, rest, 1);
}

mbs_status product_list_create(product_list *list, const mbs_plan *plan, mbs_error *error)
{
    const size_t most = 2 * (size_t)plan->program->step_count + 1;
    *list = (product_list){mem_calloc(most, sizeof *list->items), 0};
    if (list->items == NULL)
        return error_memory(error);
    for (int32_t g = 0; g < plan->group_count; g++)
        for (int32_t k = plan->groups[g].first; k < plan->groups[g].end; k++)
            if (!add_products(list, plan, &plan->groups[g], k))
                return error_set(error, MBS_ERR_INPUT,
                                 "step %s: its matrix product on a sub-batch is too large",
                                 quoted(plan->program->steps[k].name).text);
    return MBS_OK;
}
