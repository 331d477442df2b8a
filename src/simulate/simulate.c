#include "mbsopt/simulate.h"

#include <math.h>

#include "base/error.h"
#include "base/memory.h"
#include "hardware/bandwidth.h"
#include "simulate/run.h"
#include "simulate/timeline.h"

const char *mbs_prefetch_name(mbs_prefetch prefetch)
{
    static const char *const names[] = {"room", "none", "unlimited"};
    return (unsigned)prefetch < MBS_PREFETCH_COUNT ? names[prefetch] : NULL;
}

/* What is summed up while the machine runs. */
typedef struct tally {
    mbs_simulation *result;
    mbs_simulated_part *groups; /* or null; likewise */
    mbs_simulated_part *steps;
    double *group_ends; /* when its last computation ended */
    simulated_timeline *timeline;
} tally;

static void on_computed(void *context, int64_t number, const execution *of, double begin_s,
                        double end_s)
{
    const tally *t = context;
    const double took_s = end_s - begin_s;
    *(of->is_array ? &t->result->array_s : &t->result->vector_s) += took_s;
    if (t->steps != NULL)
        t->steps[of->step].time_s += took_s;
    t->group_ends[of->group] = end_s;
    if (t->timeline != NULL)
        simulated_timeline_compute(t->timeline, number, of, begin_s, end_s);
}

static void on_moved(void *context, transfer_kind kind, int64_t number, const execution *of,
                     double bytes, double begin_s, double end_s)
{
    const tally *t = context;
    *(kind == TRANSFER_READ ? &t->result->read_bytes : &t->result->write_bytes) += bytes;
    t->result->dram_s += end_s - begin_s;
    t->result->transfers++;
    if (t->timeline != NULL)
        simulated_timeline_move(t->timeline, kind, number, of, bytes, begin_s, end_s);
}

static void add_waits(mbs_simulated_part *part, double load_s, double room_s, double store_s)
{
    part->wait_load_s += load_s;
    part->wait_room_s += room_s;
    part->wait_store_s += store_s;
}

static void on_waited(void *context, const execution *of, double load_s, double room_s,
                      double store_s)
{
    const tally *t = context;
    t->result->wait_load_s += load_s;
    t->result->wait_room_s += room_s;
    t->result->wait_store_s += store_s;
    if (t->groups != NULL)
        add_waits(&t->groups[of->group], load_s, room_s, store_s);
    if (t->steps != NULL) {
        add_waits(&t->steps[of->step], load_s, room_s, store_s);
        t->steps[of->step].time_s += load_s + room_s + store_s;
    }
}

/* The parts' times and estimates, beside what was counted. */
static mbs_status finish_parts(const tally *t, const mbs_plan *plan, const mbs_hardware *hardware,
                               double end_s)
{
    mbs_cost cost;
    mbs_status status = MBS_OK;
    double begin_s = 0;
    for (int32_t g = 0; t->groups != NULL && g < plan->group_count && status == MBS_OK; g++) {
        const double until_s = g + 1 == plan->group_count ? end_s : t->group_ends[g];
        t->groups[g].time_s = until_s - begin_s;
        begin_s = until_s;
        status = mbs_plan_group_cost(plan, hardware, (size_t)g, &cost);
        if (status == MBS_OK)
            t->groups[g].estimate_s = cost.time_s;
    }
    return status;
}

static void clear(mbs_simulated_part *parts, int32_t count)
{
    for (int32_t i = 0; parts != NULL && i < count; i++)
        parts[i] = (mbs_simulated_part){0};
}

static mbs_status run_plan(tally *t, const mbs_plan *plan, const mbs_hardware *hardware,
                           const mbs_simulate_options *options, mbs_error *error)
{
    const machine_watch watch = {on_computed, on_moved, on_waited, t};
    const machine_options how = {options->prefetch, hardware->overlap,
                                 hardware_core_bytes_per_s(hardware), options->progress,
                                 options->progress_context};
    plan_watch placing;
    work w;
    plan_watch_open_for(&placing, options->progress, options->progress_context);
    mbs_status status = work_open(&w, plan, hardware, &placing, error);
    t->result->executions = w.count;
    if (status == MBS_OK)
        status = machine_run(&w, &how, &watch, &t->result->time_s, &t->result->both_s, error);
    work_close(&w);
    return status;
}

mbs_status mbs_simulate(mbs_simulation *result, mbs_simulated_part *groups,
                        mbs_simulated_part *steps, const mbs_plan *plan,
                        const mbs_hardware *hardware, const mbs_simulate_options *options,
                        mbs_error *error)
{
    const mbs_simulate_options usual = MBS_SIMULATE_OPTIONS_INIT;
    mbs_cost cost;
    if (result == NULL || plan == NULL || hardware == NULL)
        return error_set(error, MBS_ERR_ARGUMENT, "no place for the result, no plan or no machine");
    if (options == NULL)
        options = &usual;
    if (!plan->program->has_shapes)
        return error_set(error, MBS_ERR_INPUT,
                         "plan of network %s: its shapes are not known, so no time can be told",
                         quoted(plan->program->network_name).text);
    if (mbs_plan_cost(plan, hardware, &cost) != MBS_OK)
        return error_memory(error);
    *result = (mbs_simulation){.estimate_s = cost.time_s};
    clear(groups, plan->group_count);
    clear(steps, plan->program->step_count);
    tally t = {.result = result, .groups = groups, .steps = steps};
    t.group_ends = mem_calloc((size_t)plan->group_count + 1, sizeof *t.group_ends);
    mbs_status status = t.group_ends != NULL ? MBS_OK : error_memory(error);
    if (status == MBS_OK && options->timeline != NULL)
        status = simulated_timeline_open(&t.timeline, options->timeline, plan, options->full != 0,
                                         error);
    if (status == MBS_OK)
        status = run_plan(&t, plan, hardware, options, error);
    if (status == MBS_OK)
        status = finish_parts(&t, plan, hardware, result->time_s);
    result->read_bytes = nearbyint(result->read_bytes); /* slices are equal parts of an operand */
    result->write_bytes = nearbyint(result->write_bytes);
    mbs_status closed = simulated_timeline_close(t.timeline, status == MBS_OK, error);
    mem_free(t.group_ends);
    return status != MBS_OK ? status : closed;
}
