#include "emit/timeline.h"

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "cost/group_time.h"
#include "cost/strips.h"
#include "cost/strips_time.h"
#include "cost/traffic.h"

/* Weights, accumulators in and accumulators out, each pinned and not. */
#define MOST_PARAMETER_TRANSFERS 6

mbs_status timeline_open(timeline *line, exporter *e)
{
    const mbs_program *p = e->plan->program;
    int32_t most = 0;
    *line = (timeline){.plan = e->plan, .hardware = e->hardware, .error = e->error};
    mbs_status status = dram_layout_create(&line->layout, e->plan, &e->watch, e->error);
    if (status != MBS_OK)
        return status;
    for (int32_t k = 0; k < p->step_count; k++)
        if (p->steps[k].touch_end - p->steps[k].touch_begin > most)
            most = p->steps[k].touch_end - p->steps[k].touch_begin;
    line->transfers = mem_calloc((size_t)most + MOST_PARAMETER_TRANSFERS, sizeof *line->transfers);
    return line->transfers != NULL ? MBS_OK : error_memory(e->error);
}

void timeline_close(timeline *line)
{
    dram_layout_free(line->layout);
    mem_free(line->transfers);
    strip_progress_free(&line->progress);
}

mbs_status timeline_enter(timeline *line, const mbs_group *group)
{
    strip_progress_free(&line->progress);
    line->scale = 1;
    if (group->strips > 1 && !strip_progress_find(&line->progress, line->plan, group))
        return error_memory(line->error);
    if (line->hardware->overlap != MBS_OVERLAP_GROUP)
        return MBS_OK;
    mbs_cost *costs = mem_calloc((size_t)(group->end - group->first), sizeof *costs);
    const bool done =
        costs != NULL && cost_add_group(costs, &line->scale, line->plan, line->hardware, group);
    mem_free(costs);
    return done ? MBS_OK : error_memory(line->error);
}

execution_at timeline_at(const timeline *line, const mbs_group *group, int64_t iteration,
                         int32_t step)
{
    const int64_t first = iteration / group->strips * group->sub_batch;
    return (execution_at){group,
                          iteration,
                          step,
                          first,
                          min_i64(first + group->sub_batch, line->plan->batch),
                          iteration % group->strips};
}

/* ---- What moves ------------------------------------------------------------------------------ */

static void add_tensor(timeline *line, const execution_at *at, int32_t id, bool is_write)
{
    const int64_t bytes = line->plan->program->tensors[id].bytes;
    const int64_t samples = at->end_sample - at->first_sample;
    if (bytes == 0)
        return;
    line->transfers[line->transfer_count++] =
        (transfer){.content = DRAM_TENSOR,
                   .id = id,
                   .is_write = is_write,
                   .address = line->layout->tensors[id] + at->first_sample * bytes,
                   .bytes = samples * bytes,
                   .times = is_write ? 1 : at->group->passes,
                   .samples = samples};
}

/* A part of a step's parameters: the pinned ones stand at the beginning of the region. */
static void add_parameters(timeline *line, int32_t step, dram_content content, int64_t address,
                           int64_t bytes, bool is_write)
{
    if (bytes > 0)
        line->transfers[line->transfer_count++] = (transfer){.content = content,
                                                             .id = step,
                                                             .is_write = is_write,
                                                             .address = address,
                                                             .bytes = bytes,
                                                             .times = 1};
}

/* Rows of one sample. */
static void add_rows(timeline *line, const execution_at *at, int32_t id, strip_span rows,
                     bool is_write)
{
    const mbs_tensor *tensor = &line->plan->program->tensors[id];
    const int64_t begin = strips_row_bytes(tensor, rows.before);
    const int64_t end = strips_row_bytes(tensor, rows.after);
    if (begin == end)
        return;
    line->transfers[line->transfer_count++] =
        (transfer){.content = DRAM_TENSOR,
                   .id = id,
                   .is_write = is_write,
                   .address = line->layout->tensors[id] + at->first_sample * tensor->bytes + begin,
                   .bytes = end - begin,
                   .times = 1,
                   .samples = 1};
}

static void add_reads(timeline *line, const execution_at *at)
{
    const mbs_program *p = line->plan->program;
    const mbs_step *step = &p->steps[at->step];
    for (int32_t t = step->touch_begin; t < step->write_begin; t++) {
        const int32_t id = p->touches[t].tensor;
        if (plan_arrives(line->plan, t))
            continue;
        if (at->group->strips > 1)
            add_rows(line, at, id, strip_progress_arrival(&line->progress, t, at->strip), false);
        else
            add_tensor(line, at, id, false);
    }
}

/* What is stored of what a step of a strip group makes: what is whole only then, at the end. */
static strip_span stored_rows(const timeline *line, const execution_at *at, int32_t t)
{
    const mbs_program *p = line->plan->program;
    if (strips_grows(p, t))
        return strip_progress_step(&line->progress, at->step, at->strip);
    const bool last = at->strip == at->group->strips - 1;
    return (strip_span){0, last ? p->tensors[p->touches[t].tensor].rows : 0};
}

static void add_writes(timeline *line, const execution_at *at)
{
    const mbs_program *p = line->plan->program;
    const mbs_step *step = &p->steps[at->step];
    for (int32_t t = step->write_begin; t < step->touch_end; t++) {
        if (!plan_writes(line->plan, t))
            continue;
        if (at->group->strips > 1)
            add_rows(line, at, p->touches[t].tensor, stored_rows(line, at, t), true);
        else
            add_tensor(line, at, p->touches[t].tensor, true);
    }
}

/* What an update moves: nothing of a step that is none. */
static void add_update(timeline *line, const execution_at *at)
{
    const dram_layout *layout = line->layout;
    const int32_t k = at->step;
    const weight_update *update = &line->plan->program->steps[k].update;
    if (!update->is_update)
        return;
    add_parameters(line, k, DRAM_ACCUMULATORS, layout->accumulators[k - 1],
                   program_update_gradient(line->plan->program, at->group->first, k), false);
    add_parameters(line, k, DRAM_STATE, layout->state[k], update->state_bytes, false);
    add_parameters(line, k, DRAM_WEIGHTS, layout->weights[k], update->old_bytes, false);
    add_parameters(line, k, DRAM_STATE, layout->state[k], update->state_bytes, true);
    add_parameters(line, k, DRAM_NEW_WEIGHTS, layout->new_weights[k], update->new_bytes, true);
}

void timeline_transfers(timeline *line, const execution_at *at)
{
    const mbs_plan *plan = line->plan;
    const int32_t k = at->step;
    const mbs_step *step = &plan->program->steps[k];
    const bool first = at->iteration == 0;
    const bool last = at->iteration == at->group->iterations - 1;
    const int64_t weights = line->layout->weights[k];
    const int64_t accumulators = line->layout->accumulators[k];
    const int64_t pinned_weight = plan->pinned_weight[k];
    const int64_t pinned = plan->pinned_accumulator[k];
    const int64_t unpinned = step->accumulator_bytes - pinned;
    const bool begun = step->accumulator_use.previous >= 0;
    line->transfer_count = 0;
    if (first && use_is_first(&step->weight_use, at->group->first))
        add_parameters(line, k, DRAM_WEIGHTS, weights, pinned_weight, false);
    add_parameters(line, k, DRAM_WEIGHTS, weights + pinned_weight,
                   step->weight_bytes - pinned_weight, false);
    if (first && begun && use_is_first(&step->accumulator_use, at->group->first))
        add_parameters(line, k, DRAM_ACCUMULATORS, accumulators, pinned, false);
    if (!first || begun)
        add_parameters(line, k, DRAM_ACCUMULATORS, accumulators + pinned, unpinned, false);
    add_reads(line, at);
    add_writes(line, at);
    if (last)
        add_update(line, at);
    if (last && program_hands_on(plan->program, k, at->group->end))
        return;
    if (last && use_is_last(&step->accumulator_use, at->group->end))
        add_parameters(line, k, DRAM_ACCUMULATORS, accumulators, pinned, true);
    add_parameters(line, k, DRAM_ACCUMULATORS, accumulators + pinned, unpinned, true);
}

/* Of one execution as if its iteration were alone. */
static mbs_cost cost_alone(timeline *line, const execution_at *at)
{
    mbs_cost cost = {0};
    if (at->group->strips == 1) {
        cost_add_execution(&cost, line->plan, line->hardware, at->group, at->step, at->iteration);
        return cost;
    }
    const strip_span rows = strip_progress_step(&line->progress, at->step, at->strip);
    const bool is_update = line->plan->program->steps[at->step].update.is_update;
    if (is_update && at->iteration < at->group->iterations - 1)
        return cost;
    const step_work work =
        is_update ? cost_update_work(line->plan->program, at->step)
                  : cost_row_work(line->plan, line->hardware, at->step, rows.before, rows.after);
    double bytes = 0;
    timeline_transfers(line, at);
    for (int32_t i = 0; i < line->transfer_count; i++)
        bytes += (double)line->transfers[i].bytes;
    cost_add_work(&cost, line->hardware, &line->plan->program->steps[at->step], &work, bytes, 1);
    return cost;
}

mbs_cost timeline_cost(timeline *line, const execution_at *at)
{
    mbs_cost cost = cost_alone(line, at);
    cost.time_s *= line->scale;
    cost.compute_bound_s *= line->scale;
    return cost;
}
