#include "cost/group_time.h"

#include <math.h>

#include "cost/footprint.h"
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

int64_t cost_under_way(const mbs_plan *plan, const mbs_group *group)
{
    if (group->strips > 1)
        return 1;
    const int64_t pinned = plan_pinned_bytes(plan, group->first, group->end);
    return cost_iterations_in(plan_capacity(plan) - pinned, plan_group_peak(plan, group) - pinned);
}

/* What all iterations but the first take unless DRAM takes longer. */
static double others_s(const mbs_cost *all, const mbs_cost *first, const mbs_hardware *hardware,
                       int64_t under_way)
{
    const double clock = (double)hardware->clock_hz;
    const double vector_cycles = (all->vector_elements - first->vector_elements) /
                                 (double)hardware->vector_elements_per_cycle;
    return cost_in_places_s((all->gemm_cycles - first->gemm_cycles) / clock, vector_cycles / clock,
                            all->time_s - first->time_s, under_way);
}

double cost_overlapped_s(const mbs_cost *all, const mbs_cost *first, const mbs_hardware *hardware,
                         int64_t under_way)
{
    return first->time_s +
           fmax(others_s(all, first, hardware, under_way), all->dram_s - first->dram_s);
}

/* The part of that in which computation is the longer: none of what DRAM takes alone, else as much
 * of the others as if they were one after another. */
static double bound_s(const mbs_cost *all, const mbs_cost *first, double others_s)
{
    const double in_turn_s = all->time_s - first->time_s;
    if (others_s <= all->dram_s - first->dram_s || !(in_turn_s > 0))
        return first->compute_bound_s;
    return first->compute_bound_s +
           (all->compute_bound_s - first->compute_bound_s) * others_s / in_turn_s;
}

/* Gives each of the steps its share of what the group takes; returns the share's scale. */
static double share_time(mbs_cost *costs, int32_t count, const mbs_cost *first,
                         const mbs_hardware *hardware, int64_t under_way)
{
    mbs_cost all = {0};
    for (int32_t i = 0; i < count; i++)
        cost_add(&all, &costs[i]);
    if (!(all.time_s > 0))
        return 1;
    const double time_s = cost_overlapped_s(&all, first, hardware, under_way);
    const double bound = bound_s(&all, first, time_s - first->time_s) / time_s;
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
    if (group->strips > 1 && !cost_add_strips(costs, plan, hardware, group))
        return false;
    for (int32_t k = group->first; k < group->end && group->strips == 1; k++)
        cost_add_step(&costs[k - group->first], &first, plan, hardware, group, k);
    if (hardware->overlap != MBS_OVERLAP_GROUP || group->iterations == 1)
        return true;
    const int64_t under_way = cost_under_way(plan, group);
    if (under_way > 1)
        *scale = share_time(costs, group->end - group->first, &first, hardware, under_way);
    return true;
}
