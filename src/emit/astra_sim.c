/* The text workload of ASTRA-sim: a plan as one node of a data-parallel cluster. */
#include <inttypes.h>
#include <math.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "cost/group_time.h"
#include "emit/exporter.h"
#include "emit/safe_names.h"
#include "program/layers.h"

/* What one layer does in a training step. */
typedef struct layer_work {
    double forward_s;
    double input_gradient_s; /* and all else that belongs to the backward phase */
    double weight_gradient_s;
    double update_s;
    int64_t gradient_bytes;
} layer_work;

/* `last`: no later step adds to the same accumulators, so that they can be summed up. */
static void add_step(layer_work *work, const mbs_step *step, double time_s, bool last)
{
    if (step->update.is_update)
        work->update_s += time_s;
    else if (step->phase == MBS_FORWARD)
        work->forward_s += time_s;
    else if (ends_with(step->kind, ".wgrad"))
        work->weight_gradient_s += time_s;
    else
        work->input_gradient_s += time_s;
    if (last)
        work->gradient_bytes = max_i64(work->gradient_bytes, step->accumulator_bytes);
}

/* Per step: whether a later one adds to the same accumulators. The caller's; null: no memory. */
static bool *find_continued(const mbs_program *p)
{
    bool *continued = mem_calloc((size_t)p->step_count + 1, sizeof *continued);
    for (int32_t k = 0; k < p->step_count && continued != NULL; k++)
        if (p->steps[k].accumulator_use.previous >= 0)
            continued[p->steps[k].accumulator_use.previous] = true;
    return continued;
}

/* Adds a group's steps to their layers' work; `continued` is per step (find_continued). */
static mbs_status add_group(layer_work *work, const exporter *e, const layer_numbers *numbers,
                            const mbs_group *group, const bool *continued)
{
    double scale;
    mbs_cost *costs = mem_calloc((size_t)(group->end - group->first), sizeof *costs);
    if (costs == NULL || !cost_add_group(costs, &scale, e->plan, e->hardware, group)) {
        mem_free(costs);
        return error_memory(e->error);
    }
    for (int32_t k = group->first; k < group->end; k++)
        add_step(&work[numbers->of_step[k]], &e->plan->program->steps[k],
                 costs[k - group->first].time_s, !continued[k]);
    mem_free(costs);
    return MBS_OK;
}

/* ASTRA-sim's clock has 1 GHz. */
static long long nanoseconds(double seconds)
{
    return llround(seconds * 1e9);
}

/*
 * ASTRA-sim waits so long for the update after each sum of a gradient, and does not bear an event
 * without delay.
 */
static long long update_nanoseconds(const layer_work *work)
{
    const long long rounded = nanoseconds(work->update_s);
    return rounded > 1 ? rounded : 1;
}

static bool write_layer(sink *out, const char *name, const layer_work *work)
{
    const bool reduces = work->gradient_bytes > 0;
    text_format(sink_text(out),
                "%s\t-1\t%lld\tNONE\t0\t%lld\tNONE\t0\t%lld\t%s\t%" PRId64 "\t%lld\n", name,
                nanoseconds(work->forward_s), nanoseconds(work->input_gradient_s),
                nanoseconds(work->weight_gradient_s), reduces ? "ALLREDUCE" : "NONE",
                work->gradient_bytes, reduces ? update_nanoseconds(work) : 0);
    return sink_flush(out);
}

static mbs_status write_workload(exporter *e, const layer_numbers *numbers, const layer_work *work,
                                 safe_names *names)
{
    const mbs_program *p = e->plan->program;
    sink *out;
    mbs_status status = folder_file(&out, e->folder, "workload.txt", e->error);
    if (status != MBS_OK)
        return status;
    text_format(sink_text(out), "DATA\n%" PRId32 "\n", numbers->count);
    for (int32_t i = 0; i < numbers->count && status == MBS_OK; i++) {
        const char *name = safe_names_add(names, p->steps[numbers->first[i]].layer);
        if (name == NULL)
            status = error_memory(e->error);
        else if (!write_layer(out, name, &work[i]))
            break;
    }
    mbs_status closed = sink_close(out, status == MBS_OK, e->error);
    return status != MBS_OK ? status : closed;
}

mbs_status export_astra_sim(exporter *e)
{
    const mbs_plan *plan = e->plan;
    layer_numbers numbers;
    mbs_status status = layer_numbers_create(&numbers, plan->program, e->error);
    layer_work *work = mem_calloc((size_t)numbers.count + 1, sizeof *work);
    safe_names *names = safe_names_create(numbers.count);
    bool *continued = find_continued(plan->program);
    if (status == MBS_OK && (work == NULL || names == NULL || continued == NULL))
        status = error_memory(e->error);
    for (int32_t g = 0; g < plan->group_count && status == MBS_OK; g++)
        status = add_group(work, e, &numbers, &plan->groups[g], continued);
    if (status == MBS_OK)
        status = write_workload(e, &numbers, work, names);
    if (status == MBS_OK)
        status = safe_names_write(names, e->folder, e->error);
    layer_numbers_free(&numbers);
    safe_names_free(names);
    mem_free(work);
    mem_free(continued);
    return status;
}
