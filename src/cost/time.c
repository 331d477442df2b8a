#include "cost/time.h"

#include <math.h>

#include "base/checked.h"
#include "cost/array.h"
#include "cost/traffic.h"

/* One execution of a step on some samples, `times` times over. */
typedef struct execution {
    double samples;
    double dram_bytes;
    double times;
} execution;

static double bandwidth_per_core(const mbs_hardware *hardware)
{
    return (double)hardware->bandwidth_bytes_per_s / (double)hardware->cores;
}

/* Elements that a step without a matrix product touches per sample. */
static double touched_elements(const step_run *run, const mbs_step *step)
{
    const mbs_program *p = run->program;
    double elements = 0;
    for (int32_t t = step->touch_begin; t < step->touch_end; t++)
        elements += (double)p->tensors[p->touches[t].tensor].elements *
                    (t < step->write_begin ? (double)run->passes : 1);
    return elements;
}

static void add_execution(mbs_cost *cost, const step_run *run, int32_t k, execution e)
{
    const mbs_step *step = &run->program->steps[k];
    const mbs_hardware *hardware = run->hardware;
    double cycles;
    if (e.times <= 0 || e.samples <= 0)
        return;
    if (step->gemm.m > 0) {
        cycles = array_cycles(&step->gemm, (int64_t)e.samples, hardware, run->double_buffered);
        cost->gemm_cycles += e.times * cycles;
        cost->macs += e.times * array_macs(&step->gemm, (int64_t)e.samples);
    } else {
        double elements = e.samples * touched_elements(run, step);
        cycles = elements / (double)hardware->vector_elements_per_cycle;
        cost->vector_elements += e.times * elements;
    }
    double compute_s = cycles / (double)hardware->clock_hz;
    double dram_s = e.dram_bytes / bandwidth_per_core(hardware);
    cost->compute_s += e.times * compute_s;
    cost->dram_s += e.times * dram_s;
    cost->time_s += e.times * fmax(compute_s, dram_s);
    if (compute_s >= dram_s)
        cost->compute_bound_s += e.times * compute_s;
    cost->dram_bytes += e.times * e.dram_bytes;
    /* operands and parameters once each for the computation, and what DRAM fills or drains */
    double parameters = (double)(step->weight_bytes + 2 * step->accumulator_bytes);
    cost->buffer_bytes += e.times * (e.samples * (double)program_operand_bytes(run->program, k) +
                                     parameters + e.dram_bytes);
}

void cost_add_run(mbs_cost *cost, const step_run *run, int32_t k, const step_transfers *moved)
{
    const double each = (double)moved->each;
    const double again = (double)moved->again;
    const double activations = (double)moved->activations;
    const double full = (double)run->sub_batch;
    const double rest = (double)(run->batch - (run->iterations - 1) * run->sub_batch);
    if (run->iterations == 1) {
        double bytes = full * activations + (double)(moved->first_only + moved->last_only) + each;
        add_execution(cost, run, k, (execution){full, bytes, 1});
        return;
    }
    add_execution(cost, run, k,
                  (execution){full, full * activations + each + (double)moved->first_only, 1});
    add_execution(
        cost, run, k,
        (execution){full, full * activations + each + again, (double)run->iterations - 2});
    add_execution(
        cost, run, k,
        (execution){rest, rest * activations + each + again + (double)moved->last_only, 1});
}

static step_run run_of_group(const mbs_plan *plan, const mbs_hardware *hardware,
                             const mbs_group *group)
{
    return (step_run){.program = plan->program,
                      .hardware = hardware,
                      .double_buffered = plan->double_buffered,
                      .batch = plan->batch,
                      .iterations = group->iterations,
                      .sub_batch = group->sub_batch,
                      .passes = group->passes};
}

static step_transfers transfers_of_step(const mbs_plan *plan, const mbs_group *group, int32_t k)
{
    const mbs_step *step = &plan->program->steps[k];
    const int64_t weights = step->weight_bytes - plan->pinned_weight[k];
    const int64_t accumulators = step->accumulator_bytes - plan->pinned_accumulator[k];
    return (step_transfers){.activations = plan_step_activations(plan, group, k),
                            .first_only = plan->pinned_weight[k],
                            .last_only = plan->pinned_accumulator[k],
                            .each = weights + accumulators,
                            .again = accumulators};
}

void cost_add_step(mbs_cost *cost, const mbs_plan *plan, const mbs_hardware *hardware,
                   const mbs_group *group, int32_t k)
{
    const step_run run = run_of_group(plan, hardware, group);
    const step_transfers moved = transfers_of_step(plan, group, k);
    cost_add_run(cost, &run, k, &moved);
}

void cost_add_execution(mbs_cost *cost, const mbs_plan *plan, const mbs_hardware *hardware,
                        const mbs_group *group, int32_t k, int64_t iteration)
{
    const step_run run = run_of_group(plan, hardware, group);
    const step_transfers moved = transfers_of_step(plan, group, k);
    const int64_t begin = iteration * group->sub_batch;
    const int64_t samples = min_i64(group->sub_batch, plan->batch - begin);
    double bytes = (double)samples * (double)moved.activations + (double)moved.each;
    if (iteration == 0)
        bytes += (double)moved.first_only;
    else
        bytes += (double)moved.again;
    if (iteration == group->iterations - 1)
        bytes += (double)moved.last_only;
    add_execution(cost, &run, k, (execution){(double)samples, bytes, 1});
}

void cost_finish(mbs_cost *cost, const mbs_hardware *hardware)
{
    const double pj = 1e-12;
    const double cells = (double)hardware->array_rows * (double)hardware->array_cols;
    cost->dram_j = 8 * cost->dram_bytes * hardware->dram_pj_per_bit * pj;
    cost->buffer_j = cost->buffer_bytes * hardware->buffer_pj_per_byte * pj;
    cost->mac_j = cost->macs * hardware->mac_pj * pj;
    cost->vector_j = cost->vector_elements * hardware->vector_pj * pj;
    cost->static_j = cost->time_s * hardware->static_w;
    cost->energy_j = cost->dram_j + cost->buffer_j + cost->mac_j + cost->vector_j + cost->static_j;
    cost->utilisation = cost->gemm_cycles > 0 ? cost->macs / (cells * cost->gemm_cycles) : 0;
}

/* The steps of `phase` (or all, if -1) of groups [first, end). */
static mbs_status sum_groups(const mbs_plan *plan, const mbs_hardware *hardware, int32_t first,
                             int32_t end, int phase, mbs_cost *cost)
{
    *cost = (mbs_cost){0};
    if (!plan->program->has_shapes)
        return MBS_ERR_ARGUMENT;
    for (int32_t g = first; g < end; g++)
        for (int32_t k = plan->groups[g].first; k < plan->groups[g].end; k++)
            if (phase < 0 || (int)plan->program->steps[k].phase == phase)
                cost_add_step(cost, plan, hardware, &plan->groups[g], k);
    cost_finish(cost, hardware);
    return MBS_OK;
}

mbs_status mbs_plan_cost(const mbs_plan *plan, const mbs_hardware *hardware, mbs_cost *cost)
{
    return sum_groups(plan, hardware, 0, plan->group_count, -1, cost);
}

mbs_status mbs_plan_group_cost(const mbs_plan *plan, const mbs_hardware *hardware, size_t group,
                               mbs_cost *cost)
{
    if (group >= (size_t)plan->group_count)
        return MBS_ERR_ARGUMENT;
    return sum_groups(plan, hardware, (int32_t)group, (int32_t)group + 1, -1, cost);
}

mbs_status mbs_plan_phase_cost(const mbs_plan *plan, const mbs_hardware *hardware, mbs_phase phase,
                               mbs_cost *cost)
{
    return sum_groups(plan, hardware, 0, plan->group_count, (int)phase, cost);
}

mbs_status mbs_plan_step_cost(const mbs_plan *plan, const mbs_hardware *hardware, size_t step,
                              mbs_cost *cost)
{
    *cost = (mbs_cost){0};
    if (step >= (size_t)plan->program->step_count || !plan->program->has_shapes)
        return MBS_ERR_ARGUMENT;
    int32_t g = 0;
    while (plan->groups[g].end <= (int32_t)step)
        g++;
    cost_add_step(cost, plan, hardware, &plan->groups[g], (int32_t)step);
    cost_finish(cost, hardware);
    return MBS_OK;
}
