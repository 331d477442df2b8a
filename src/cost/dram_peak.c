/* The most that a plan keeps in DRAM at one time. */
#include "base/checked.h"
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

/*
 * What an optimizer keeps besides the weights, throughout. Updates write what they read, and the
 * weights too if they read masters in their place.
 */
static int64_t state_bytes(const mbs_program *p, int64_t weights)
{
    int64_t read = 0;
    int64_t written = 0;
    for (int32_t k = 0; k < p->step_count; k++) {
        read += p->steps[k].update.read_bytes;
        written += p->steps[k].update.write_bytes;
    }
    return written > read ? read : max_i64(read - weights, 0);
}

static void add_states(dram_sums *sums, const mbs_plan *plan)
{
    const int64_t states =
        plan->group_count > 0 ? state_bytes(plan->program, sums[0].of[DRAM_WEIGHTS]) : 0;
    for (int32_t g = 0; g < plan->group_count; g++)
        sums[g].of[DRAM_WEIGHTS] += states;
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
    if (status == MBS_OK)
        add_states(*sums, plan);
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
            *peak = (mbs_dram_peak){bytes, of[DRAM_WEIGHTS], of[DRAM_ACCUMULATORS], of[DRAM_TENSOR],
                                    (size_t)g};
    }
    mem_free(sums);
    return status;
}
