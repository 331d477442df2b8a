/* The most that a plan keeps in DRAM at one time. */
#include "base/error.h"
#include "base/memory.h"
#include "cost/dram_contents.h"

/* What begins and ends with each group, by content. */
static mbs_status find_peak(mbs_dram_peak *peak, const mbs_plan *plan,
                            const dram_contents *contents, mbs_error *error)
{
    int64_t(*change)[3] = mem_calloc((size_t)plan->group_count + 1, sizeof *change);
    if (change == NULL)
        return error_memory(error);
    for (int32_t i = 0; i < contents->region_count; i++) {
        const dram_region *region = &contents->regions[i];
        if (region->bytes == 0)
            continue;
        change[region->first][region->content] += region->bytes;
        change[region->last + 1][region->content] -= region->bytes;
    }
    int64_t now[3] = {0};
    for (int32_t g = 0; g < plan->group_count; g++) {
        int64_t sum = 0;
        for (int c = 0; c < 3; c++)
            sum += now[c] += change[g][c];
        if (sum > peak->bytes)
            *peak = (mbs_dram_peak){sum, now[DRAM_WEIGHTS], now[DRAM_ACCUMULATORS],
                                    now[DRAM_TENSOR], (size_t)g};
    }
    mem_free(change);
    return MBS_OK;
}

mbs_status mbs_plan_dram_peak(const mbs_plan *plan, mbs_dram_peak *peak, mbs_error *error)
{
    dram_contents contents;
    *peak = (mbs_dram_peak){0};
    mbs_status status = dram_contents_create(&contents, plan, error);
    if (status == MBS_OK)
        status = find_peak(peak, plan, &contents, error);
    dram_contents_free(&contents);
    return status;
}
