#include "emit/timeline.h"

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"

/* Weights, accumulators in and accumulators out, each pinned and not. */
#define MOST_PARAMETER_TRANSFERS 6

/* Whether some touch after the producer's finds the tensor in DRAM only. */
static bool is_written(const mbs_plan *plan, int32_t id)
{
    const mbs_tensor *tensor = &plan->program->tensors[id];
    if (tensor->producer < 0)
        return false;
    if (tensor->kept)
        return true;
    const mbs_touch *touches = plan->program->touches;
    for (int32_t t = tensor->first_touch; touches[t].next >= 0; t = touches[t].next)
        if (!plan->resident[t])
            return true;
    return false;
}

mbs_status timeline_open(timeline *line, const exporter *e)
{
    const mbs_program *p = e->plan->program;
    int32_t most = 0;
    *line = (timeline){.plan = e->plan, .hardware = e->hardware};
    mbs_status status = dram_layout_create(&line->layout, e->plan, e->error);
    if (status != MBS_OK)
        return status;
    for (int32_t k = 0; k < p->step_count; k++)
        if (p->steps[k].touch_end - p->steps[k].touch_begin > most)
            most = p->steps[k].touch_end - p->steps[k].touch_begin;
    line->written = mem_calloc((size_t)p->tensor_count + 1, sizeof *line->written);
    line->transfers = mem_calloc((size_t)most + MOST_PARAMETER_TRANSFERS, sizeof *line->transfers);
    if (line->written == NULL || line->transfers == NULL)
        return error_memory(e->error);
    for (int32_t id = 0; id < p->tensor_count; id++)
        line->written[id] = is_written(e->plan, id);
    return MBS_OK;
}

void timeline_close(timeline *line)
{
    dram_layout_free(line->layout);
    mem_free(line->written);
    mem_free(line->transfers);
}

execution_at timeline_at(const timeline *line, const mbs_group *group, int64_t iteration,
                         int32_t step)
{
    const int64_t first = iteration * group->sub_batch;
    return (execution_at){group, iteration, step, first,
                          min_i64(first + group->sub_batch, line->plan->batch)};
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

static void add_reads(timeline *line, const execution_at *at)
{
    const mbs_program *p = line->plan->program;
    const mbs_step *step = &p->steps[at->step];
    for (int32_t t = step->touch_begin; t < step->write_begin; t++) {
        int32_t previous = p->touches[t].previous;
        if (previous < 0 || !line->plan->resident[previous])
            add_tensor(line, at, p->touches[t].tensor, false);
    }
}

void timeline_transfers(timeline *line, const execution_at *at)
{
    const mbs_plan *plan = line->plan;
    const mbs_program *p = plan->program;
    const int32_t k = at->step;
    const mbs_step *step = &p->steps[k];
    const bool first = at->iteration == 0;
    const bool last = at->iteration == at->group->iterations - 1;
    const int64_t weights = line->layout->weights[k];
    const int64_t accumulators = line->layout->accumulators[k];
    const int64_t pinned_weight = plan->pinned_weight[k];
    const int64_t pinned = plan->pinned_accumulator[k];
    const int64_t unpinned = step->accumulator_bytes - pinned;
    line->transfer_count = 0;
    if (first)
        add_parameters(line, k, DRAM_WEIGHTS, weights, pinned_weight, false);
    add_parameters(line, k, DRAM_WEIGHTS, weights + pinned_weight,
                   step->weight_bytes - pinned_weight, false);
    if (!first)
        add_parameters(line, k, DRAM_ACCUMULATORS, accumulators + pinned, unpinned, false);
    add_reads(line, at);
    for (int32_t t = step->write_begin; t < step->touch_end; t++)
        if (line->written[p->touches[t].tensor])
            add_tensor(line, at, p->touches[t].tensor, true);
    if (last)
        add_parameters(line, k, DRAM_ACCUMULATORS, accumulators, pinned, true);
    add_parameters(line, k, DRAM_ACCUMULATORS, accumulators + pinned, unpinned, true);
}
