/* The most that a plan keeps in DRAM at one time. */
#include "base/error.h"
#include "base/memory.h"
#include "cost/dram_contents.h"

/* Adds up what begins and ends with each group. */
static void sum_up(dram_sums *sums, int32_t group_count, const dram_contents *contents)
{
    for (int32_t i = 0; i < contents->region_count; i++) {
        const dram_region *region = &contents->regions[i];
        if (region->bytes == 0)
            continue;
        sums[region->first].of[region->content] += region->bytes;
        sums[region->last + 1].of[region->content] -= region->bytes;
    }
    for (int32_t g = 1; g < group_count; g++)
        for (int c = 0; c < DRAM_CONTENTS; c++)
            sums[g].of[c] += sums[g - 1].of[c];
}

mbs_status dram_sums_create(dram_sums **sums, const mbs_plan *plan, mbs_error *error)
{
    dram_contents contents;
    *sums = NULL;
    mbs_status status = dram_contents_create(&contents, plan, error);
    if (status == MBS_OK) {
        *sums = mem_calloc((size_t)plan->group_count + 1, sizeof **sums);
        status = *sums != NULL ? MBS_OK : error_memory(error);
    }
    if (status == MBS_OK)
        sum_up(*sums, plan->group_count, &contents);
    dram_contents_free(&contents);
    return status;
}

mbs_status mbs_plan_dram_peak(const mbs_plan *plan, mbs_dram_peak *peak, mbs_error *error)
{
    dram_sums *sums;
    *peak = (mbs_dram_peak){0};
    mbs_status status = dram_sums_create(&sums, plan, error);
    for (int32_t g = 0; status == MBS_OK && g < plan->group_count; g++) {
        const int64_t *of = sums[g].of;
        const int64_t bytes = dram_sum(&sums[g]);
        if (bytes > peak->bytes)
            *peak = (mbs_dram_peak){.bytes = bytes,
                                    .weights = of[DRAM_WEIGHTS] + of[DRAM_NEW_WEIGHTS],
                                    .accumulators = of[DRAM_ACCUMULATORS],
                                    .tensors = of[DRAM_TENSOR],
                                    .group = (size_t)g,
                                    .state = of[DRAM_STATE]};
    }
    mem_free(sums);
    return status;
}
