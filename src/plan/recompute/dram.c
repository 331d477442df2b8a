#include "plan/recompute/dram.h"

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "cost/dram_contents.h"

/* What decides what is in DRAM: groups, and what stays in the buffer within each. On the safe side
 * they have several iterations, and pin nothing. */
static void fill_in(mbs_plan *plan, const int32_t *cuts)
{
    const mbs_program *p = plan->program;
    for (int32_t g = 0; g < plan->group_count; g++) {
        const int32_t end = cuts[g + 1];
        plan->groups[g] = (mbs_group){.first = cuts[g], .end = end, .iterations = 2};
        for (int32_t t = p->steps[cuts[g]].touch_begin; t < p->steps[end - 1].touch_end; t++) {
            const int32_t next = p->touches[t].next;
            plan->resident[t] = next >= 0 && p->touches[next].step < end;
        }
    }
}

mbs_status recompute_count_dram(recompute_dram *dram, const mbs_program *program, int64_t batch,
                                int64_t limit, const int32_t *cuts, int32_t group_count,
                                mbs_error *error)
{
    *dram = (recompute_dram){0};
    if (limit == DRAM_UNLIMITED)
        return MBS_OK;
    dram_sums *sums = NULL;
    mbs_plan *plan = plan_allocate(program, "");
    if (plan == NULL)
        return error_memory(error);
    plan->batch = batch;
    plan->group_count = group_count;
    fill_in(plan, cuts);
    mbs_status status = dram_sums_create(&sums, plan, error);
    for (int32_t g = 0; status == MBS_OK && g < group_count; g++) {
        const int64_t bytes = dram_sum(&sums[g]);
        dram->peak = max_i64(dram->peak, bytes);
        if (bytes > limit)
            dram->over += (double)(bytes - limit) * (cuts[g + 1] - cuts[g]);
    }
    mem_free(sums);
    mbs_plan_free(plan);
    return status;
}
