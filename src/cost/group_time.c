#include "cost/group_time.h"

#include <math.h>

#include "cost/strips_time.h"

void cost_add(mbs_cost *sum, const mbs_cost *more)
{
    sum->time_s += more->time_s;
    sum->compute_s += more->compute_s;
    sum->dram_s += more->dram_s;
    sum->compute_bound_s += more->compute_bound_s;
    sum->dram_bytes += more->dram_bytes;
    sum->buffer_bytes += more->buffer_bytes;
    sum->macs += more->macs;
    sum->gemm_cycles += more->gemm_cycles;
    sum->vector_elements += more->vector_elements;
}

/* What the busier of array and vector unit computes after the first iteration. */
static double computes_s(const mbs_cost *all, const mbs_cost *first, const mbs_hardware *hardware)
{
    const double vector_cycles = (all->vector_elements - first->vector_elements) /
                                 (double)hardware->vector_elements_per_cycle;
    return fmax(all->gemm_cycles - first->gemm_cycles, vector_cycles) / (double)hardware->clock_hz;
}

double cost_overlapped_s(const mbs_cost *all, const mbs_cost *first, const mbs_hardware *hardware)
{
    return first->time_s + fmax(computes_s(all, first, hardware), all->dram_s - first->dram_s);
}

/* Gives each of the steps its share of what the group takes; returns the share's scale. */
static double share_time(mbs_cost *costs, int32_t count, const mbs_cost *first,
                         const mbs_hardware *hardware)
{
    mbs_cost all = {0};
    for (int32_t i = 0; i < count; i++)
        cost_add(&all, &costs[i]);
    if (!(all.time_s > 0))
        return 1;
    const double time_s = cost_overlapped_s(&all, first, hardware);
    const double rest_s = time_s - first->time_s;
    const bool computes = computes_s(&all, first, hardware) >= all.dram_s - first->dram_s;
    const double bound = (first->compute_bound_s + (computes ? rest_s : 0)) / time_s;
    for (int32_t i = 0; i < count; i++) {
        costs[i].time_s *= time_s / all.time_s;
        costs[i].compute_bound_s = bound * costs[i].time_s;
    }
    return time_s / all.time_s;
}

bool cost_add_group(mbs_cost *costs, double *scale, const mbs_plan *plan,
                    const mbs_hardware *hardware, const mbs_group *group)
{
    mbs_cost first = {0};
    *scale = 1;
    if (group->strips > 1 && !cost_add_strips(costs, &first, plan, hardware, group))
        return false;
    for (int32_t k = group->first; k < group->end && group->strips == 1; k++)
        cost_add_step(&costs[k - group->first], &first, plan, hardware, group, k);
    if (hardware->overlap == MBS_OVERLAP_GROUP && group->iterations > 1)
        *scale = share_time(costs, group->end - group->first, &first, hardware);
    return true;
}
