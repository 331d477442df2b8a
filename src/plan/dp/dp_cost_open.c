#include <math.h>

#include "base/checked.h"
#include "base/memory.h"
#include "hardware/bandwidth.h"
#include "plan/dp/dp_search.h"

/* Seconds of one execution of step k on `samples`, nothing moving. */
static double compute_seconds(const cost_search *s, int32_t k, int64_t samples, mbs_cost *cost)
{
    const step_transfers none = {0};
    step_run run = cost_search_run(s, 1, 1);
    run.batch = run.sub_batch = samples;
    *cost = (mbs_cost){0};
    cost_add_run(cost, &run, k, &none);
    cost_finish(cost, s->task->hardware);
    return cost->compute_s;
}

static void fill_tables(cost_search *s)
{
    const mbs_program *p = s->task->program;
    const int64_t batch = s->task->batch;
    mbs_cost cost;
    const int32_t first = s->range->first;
    s->weights[first] = s->accumulators[first] = s->once[first] = 0;
    s->fixed[first] = 0;
    for (int32_t k = first; k < s->range->end; k++) {
        s->operands[k] = program_operand_bytes(p, k);
        s->weights[k + 1] = s->weights[k] + p->steps[k].weight_bytes;
        s->accumulators[k + 1] = s->accumulators[k] + p->steps[k].accumulator_bytes;
        s->once[k + 1] = s->once[k] + program_once_bytes(p, k);
        compute_seconds(s, k, batch, &cost);
        const bool is_update = p->steps[k].update.is_update;
        const double handled =
            is_update ? cost_update_work(p, k).operand_bytes : (double)(batch * s->operands[k]);
        s->fixed[k + 1] = s->fixed[k] + cost.mac_j + cost.vector_j +
                          1e-12 * handled * s->task->hardware->buffer_pj_per_byte;
        s->least_compute[k] = INFINITY;
        for (int32_t c = 0; c < s->list->count; c++) {
            const int64_t again = s->list->iterations[c] - 1;
            const int64_t full = s->list->sub_batch[c];
            const compute_time taken = {compute_seconds(s, k, full, &cost),
                                        compute_seconds(s, k, batch - again * full, &cost)};
            s->compute[(size_t)c * (size_t)p->step_count + (size_t)k] = taken;
            const double all_s =
                is_update ? taken.full_s : (double)again * taken.full_s + taken.rest_s;
            double *computing = s->computing + (size_t)c * ((size_t)p->step_count + 1);
            computing[first] = k > first ? computing[first] : 0;
            computing[k + 1] = computing[k] + all_s;
            s->least_compute[k] = fmin(s->least_compute[k], all_s);
        }
    }
}

/* The least times of step k whatever its group, if it moves `activations` bytes per sample. Where
 * iterations overlap no group takes less than the sum of any one unit. */
static group_times bound_step(const cost_search *s, int32_t k, int64_t activations)
{
    const int64_t bytes = s->task->batch * activations + step_least_moves(s->task->program, k);
    if (s->task->hardware->overlap == MBS_OVERLAP_GROUP)
        return overlapped(s, k, s->least_compute[k], (double)bytes);
    return (group_times){.alone_s = execution_time(s, s->least_compute[k], (double)bytes)};
}

/* No plan of the range from step k on comes to less, if none takes less time or moves less. */
static double least_of(const cost_search *s, int32_t k, double time_s, double bytes)
{
    if (s->task->objective == MBS_TIME)
        return time_s;
    if (s->task->objective == MBS_WEIGHTED)
        return (1 - ROUNDING) * (bytes + s->task->weight * time_s);
    return (1 - ROUNDING) * cost_search_energy(s, k, s->range->end, 1, time_s, bytes);
}

/* Fills in the range's `rest`. `activations` is per step: what it moves in one group with those
 * after it. */
static void bound_costs(cost_search *s)
{
    const dp_range *range = s->range;
    const mbs_program *p = s->task->program;
    group_times times = {0};
    int64_t moved = 0;
    int64_t parameters = 0;
    range->rest[range->end - range->first] = 0;
    for (int32_t k = range->end - 1; k >= range->first; k--) {
        const mbs_step *step = &p->steps[k];
        s->activations[k] = 0;
        for (int32_t t = step->touch_begin; t < step->touch_end; t++) {
            const int64_t bytes = p->tensors[p->touches[t].tensor].bytes;
            const int32_t next = dp_range_spares(range, t);
            if (dp_range_moves(range, step, t))
                s->activations[k] += bytes;
            if (next < 0)
                continue;
            take_times(&times, bound_step(s, next, s->activations[next]));
            s->activations[next] -= bytes;
            moved -= bytes;
            add_times(&times, bound_step(s, next, s->activations[next]));
        }
        add_times(&times, bound_step(s, k, s->activations[k]));
        moved += s->activations[k];
        parameters += step_least_moves(p, k);
        const int64_t bytes = s->task->batch * moved + parameters;
        const double least = (1 - ROUNDING) * least_time_of(&times);
        range->rest[k - range->first] = least_of(s, k, least, (double)bytes);
    }
}

static bool cost_open(cost_search *s)
{
    const mbs_hardware *hardware = s->task->hardware;
    const size_t cuts = (size_t)s->task->program->step_count + 1;
    const size_t list = (size_t)s->list->count;
    s->bytes_per_s = hardware_core_bytes_per_s(hardware);
    s->operands = mem_alloc(cuts * sizeof *s->operands);
    s->compute = mem_alloc(list * cuts * sizeof *s->compute);
    s->least_compute = mem_alloc(cuts * sizeof *s->least_compute);
    s->weights = mem_alloc(cuts * sizeof *s->weights);
    s->accumulators = mem_alloc(cuts * sizeof *s->accumulators);
    s->once = mem_alloc(cuts * sizeof *s->once);
    s->fixed = mem_alloc(cuts * sizeof *s->fixed);
    s->activations = mem_alloc(cuts * sizeof *s->activations);
    s->least = mem_alloc(list * sizeof *s->least);
    s->is_known = mem_calloc(list, sizeof *s->is_known);
    s->computing = mem_alloc(list * cuts * sizeof *s->computing);
    s->pinned_weight = mem_alloc(cuts * sizeof *s->pinned_weight);
    s->pinned_accumulator = mem_alloc(cuts * sizeof *s->pinned_accumulator);
    if (s->operands == NULL || s->compute == NULL || s->least_compute == NULL ||
        s->weights == NULL || s->accumulators == NULL || s->once == NULL || s->fixed == NULL ||
        s->activations == NULL || s->least == NULL || s->is_known == NULL || s->computing == NULL ||
        s->pinned_weight == NULL || s->pinned_accumulator == NULL ||
        !pins_open(&s->pins, s->task->program))
        return false;
    fill_tables(s);
    return span_open(&s->group, s->task, s->list, s->operands);
}

void dp_range_close_cost(dp_range *range)
{
    cost_search *s = range->costs;
    if (s == NULL)
        return;
    span_close(&s->group);
    mem_free(s->operands);
    mem_free(s->compute);
    mem_free(s->least_compute);
    mem_free(s->weights);
    mem_free(s->accumulators);
    mem_free(s->once);
    mem_free(s->fixed);
    mem_free(s->activations);
    mem_free(s->least);
    mem_free(s->is_known);
    mem_free(s->computing);
    mem_free(s->pinned_weight);
    mem_free(s->pinned_accumulator);
    pins_close(&s->pins);
    mem_free(s);
    range->costs = NULL;
}

bool dp_range_open_cost(dp_range *range)
{
    range->costs = mem_calloc(1, sizeof *range->costs);
    if (range->costs == NULL)
        return false;
    *range->costs = (cost_search){.range = range, .task = &range->task, .list = range->list};
    if (!cost_open(range->costs))
        return false;
    bound_costs(range->costs);
    return true;
}
