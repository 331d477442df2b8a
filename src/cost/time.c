#include "cost/time.h"

#include <math.h>

#include "base/checked.h"
#include "cost/array.h"
#include "cost/traffic.h"
#include "hardware/bandwidth.h"

/* One execution of a step on some samples, `times` times over. */
typedef struct execution {
    double samples;
    double dram_bytes;
    double times;
} execution;

double cost_touched_elements(const mbs_program *p, int32_t k, int64_t passes)
{
    const mbs_step *step = &p->steps[k];
    double elements = 0;
    for (int32_t t = step->touch_begin; t < step->touch_end; t++)
        elements += (double)p->tensors[p->touches[t].tensor].elements *
                    (t < step->write_begin ? (double)passes : 1);
    return elements;
}

void cost_add_work(mbs_cost *cost, const mbs_hardware *hardware, const mbs_step *step,
                   const step_work *work, double dram_bytes, double times)
{
    if (times <= 0)
        return;
    const double cycles =
        work->gemm_cycles + work->vector_elements / (double)hardware->vector_elements_per_cycle;
    const double compute_s = cycles / (double)hardware->clock_hz;
    const double dram_s = dram_bytes / hardware_core_bytes_per_s(hardware);
    cost->gemm_cycles += times * work->gemm_cycles;
    cost->macs += times * work->macs;
    cost->vector_elements += times * work->vector_elements;
    cost->compute_s += times * compute_s;
    cost->dram_s += times * dram_s;
    cost->time_s += times * cost_execution_s(hardware, compute_s, dram_s);
    if (compute_s >= dram_s)
        cost->compute_bound_s += times * cost_execution_s(hardware, compute_s, dram_s);
    cost->dram_bytes += times * dram_bytes;
    /* operands and parameters once each for the computation, and what DRAM fills or drains */
    const double parameters = (double)(step->weight_bytes + 2 * step->accumulator_bytes);
    cost->buffer_bytes += times * (work->operand_bytes + parameters + dram_bytes);
}

static void add_execution(mbs_cost *cost, const step_run *run, int32_t k, execution e)
{
    const mbs_step *step = &run->program->steps[k];
    if (e.samples <= 0)
        return;
    step_work work = {.operand_bytes = e.samples * (double)program_operand_bytes(run->program, k)};
    if (step->gemm.m > 0) {
        work.gemm_cycles =
            array_cycles(&step->gemm, (int64_t)e.samples, run->hardware, run->double_buffered);
        work.macs = array_macs(&step->gemm, (int64_t)e.samples);
    } else {
        work.vector_elements = e.samples * cost_touched_elements(run->program, k, run->passes);
    }
    cost_add_work(cost, run->hardware, step, &work, e.dram_bytes, e.times);
}

step_work cost_update_work(const mbs_program *program, int32_t k)
{
    const mbs_step *step = &program->steps[k];
    return (step_work){.vector_elements = (double)step->update.elements,
                       .operand_bytes =
                           (double)(program_gradient_bytes(program, k) + step_state_bytes(step))};
}

void cost_add_first(mbs_cost *cost, const step_run *run, int32_t k, const step_transfers *moved)
{
    const double samples = (double)run->sub_batch;
    double bytes = samples * (double)moved->activations + (double)(moved->each + moved->first_only);
    if (run->iterations == 1) {
        cost_add_run(cost, run, k, moved);
        return;
    }
    if (!run->program->steps[k].update.is_update) /* which runs with the last iteration */
        add_execution(cost, run, k, (execution){samples, bytes, 1});
}

void cost_add_run(mbs_cost *cost, const step_run *run, int32_t k, const step_transfers *moved)
{
    if (run->program->steps[k].update.is_update) {
        const step_work work = cost_update_work(run->program, k);
        const double bytes = (double)(moved->each + moved->last_only);
        cost_add_work(cost, run->hardware, &run->program->steps[k], &work, bytes, 1);
        return;
    }
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
    cost_add_first(cost, run, k, moved);
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

step_transfers cost_transfers(const mbs_plan *plan, const mbs_group *group, int32_t k)
{
    const mbs_step *step = &plan->program->steps[k];
    const int64_t weights = step->weight_bytes - plan->pinned_weight[k];
    const int64_t accumulators = step->accumulator_bytes - plan->pinned_accumulator[k];
    int64_t first_only = step->accumulator_use.previous < 0 ? 0 : accumulators;
    if (use_is_first(&step->weight_use, group->first))
        first_only += plan->pinned_weight[k];
    if (use_is_first(&step->accumulator_use, group->first) && step->accumulator_use.previous >= 0)
        first_only += plan->pinned_accumulator[k];
    int64_t last_only =
        program_update_gradient(plan->program, group->first, k) + step_state_bytes(step);
    if (program_hands_on(plan->program, k, group->end))
        last_only -= accumulators;
    else if (use_is_last(&step->accumulator_use, group->end))
        last_only += plan->pinned_accumulator[k];
    return (step_transfers){.activations = plan_step_activations(plan, group, k),
                            .first_only = first_only,
                            .last_only = last_only,
                            .each = weights + accumulators,
                            .again = accumulators};
}

void cost_add_step(mbs_cost *cost, mbs_cost *first, const mbs_plan *plan,
                   const mbs_hardware *hardware, const mbs_group *group, int32_t k)
{
    const step_run run = run_of_group(plan, hardware, group);
    const step_transfers moved = cost_transfers(plan, group, k);
    cost_add_run(cost, &run, k, &moved);
    if (first != NULL)
        cost_add_first(first, &run, k, &moved);
}

void cost_add_execution(mbs_cost *cost, const mbs_plan *plan, const mbs_hardware *hardware,
                        const mbs_group *group, int32_t k, int64_t iteration)
{
    const step_run run = run_of_group(plan, hardware, group);
    const step_transfers moved = cost_transfers(plan, group, k);
    const int64_t begin = iteration * group->sub_batch;
    const int64_t samples = min_i64(group->sub_batch, plan->batch - begin);
    if (plan->program->steps[k].update.is_update) { /* with the last iteration alone */
        if (iteration == group->iterations - 1)
            cost_add_run(cost, &run, k, &moved);
        return;
    }
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
