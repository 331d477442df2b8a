/* The timeline as Chrome trace events, which Perfetto opens. */
#include <inttypes.h>
#include <math.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "cost/footprint.h"
#include "cost/strips.h"
#include "cost/time.h"
#include "emit/timeline.h"
#include "emit/trace_events.h"
#include "hardware/bandwidth.h"

/* Of more executions than this only the first iteration of each group is shown. */
#define MOST_EXECUTIONS 20000

typedef enum track { TRACK_PLAN = 1, TRACK_READS, TRACK_WRITES, TRACK_ARRAY, TRACK_VECTOR } track;

static const char *const track_names[] = {
    [TRACK_PLAN] = "groups and steps", [TRACK_READS] = "DRAM reads",
    [TRACK_WRITES] = "DRAM writes",    [TRACK_ARRAY] = "systolic array",
    [TRACK_VECTOR] = "vector unit",
};

typedef struct perfetto {
    exporter *e;
    timeline line;
    text *out;
    double now_s; /* where the timeline is */
    bool full;
    bool shows_samples;  /* of strip groups all strips of the first sample, else the first */
    int64_t *footprints; /* of the steps of the strip group at hand; else null */
} perfetto;

/* ---- Events ---------------------------------------------------------------------------------- */

/* A slice without its closing brace, so that arguments can follow. */
static void begin_slice(perfetto *p, track where, const char *name, double begin_s, double end_s)
{
    trace_slice(p->out, (int)where, name, trace_nanoseconds(begin_s), trace_nanoseconds(end_s));
}

static void end_event(perfetto *p)
{
    text_string(p->out, "}");
}

static void put_counter(perfetto *p, double at_s, int64_t bytes)
{
    trace_event(p->out, "C", TRACK_PLAN, "buffer occupancy");
    trace_time(p->out, "ts", trace_nanoseconds(at_s));
    text_format(p->out, ", \"args\": {\"bytes\": %" PRId64 "}}", bytes);
}

static void put_tracks(perfetto *p)
{
    trace_begin(p->out, p->e->plan->program->network_name);
    for (int i = TRACK_PLAN; i <= TRACK_VECTOR; i++) {
        trace_name_track(p->out, i, track_names[i]);
        trace_event(p->out, "M", i, "thread_sort_index");
        text_format(p->out, ", \"args\": {\"sort_index\": %d}}", i);
    }
}

/* ---- Transfers ------------------------------------------------------------------------------- */

static const char *content_name(const perfetto *p, const transfer *moved)
{
    const mbs_program *program = p->e->plan->program;
    if (moved->content == DRAM_TENSOR)
        return program->tensors[moved->id].name;
    return dram_content_name(moved->content);
}

/* Bytes that the execution at hand moves in one direction. */
static double direction_bytes(const perfetto *p, bool writes)
{
    double bytes = 0;
    for (int32_t i = 0; i < p->line.transfer_count; i++)
        if (p->line.transfers[i].is_write == writes)
            bytes += (double)p->line.transfers[i].bytes * (double)p->line.transfers[i].times;
    return bytes;
}

/* The transfers of one direction as slices inside one of the step, within [begin_s, end_s]. */
static void put_transfers(perfetto *p, const char *step, bool writes, double begin_s, double end_s)
{
    const track where = writes ? TRACK_WRITES : TRACK_READS;
    const double bytes = direction_bytes(p, writes);
    if (bytes == 0)
        return;
    begin_slice(p, where, step, begin_s, end_s);
    text_format(p->out, ", \"args\": {\"bytes\": %.0f}}", bytes);
    double moved = 0;
    double now_s = begin_s;
    for (int32_t i = 0; i < p->line.transfer_count; i++) {
        const transfer *t = &p->line.transfers[i];
        if (t->is_write != writes)
            continue;
        moved += (double)t->bytes * (double)t->times;
        const double next_s = fmin(end_s, begin_s + (end_s - begin_s) * (moved / bytes));
        begin_slice(p, where, content_name(p, t), now_s, next_s);
        text_format(p->out, ", \"args\": {\"bytes\": %" PRId64 ", \"address\": %" PRId64 "}}",
                    t->bytes * t->times, t->address);
        now_s = next_s;
    }
}

/* ---- Steps, iterations, groups --------------------------------------------------------------- */

/*
 * Whether a step does nothing in the strip at hand: no rows that it works on came, and it moves no
 * parameters. Such executions take no time, and slices of none would be stacked by a reader.
 */
static bool is_idle(const perfetto *p, const execution_at *at)
{
    if (at->group->strips == 1 || direction_bytes(p, false) > 0 || direction_bytes(p, true) > 0)
        return false;
    const strip_span rows = strip_progress_step(&p->line.progress, at->step, at->strip);
    return rows.after == rows.before;
}

static void put_step(perfetto *p, const execution_at *at, int64_t occupied)
{
    const mbs_step *step = &p->e->plan->program->steps[at->step];
    const double scale = p->line.scale;
    const double bytes_per_s = hardware_core_bytes_per_s(p->e->hardware) / scale;
    const mbs_cost cost = timeline_cost(&p->line, at);
    timeline_transfers(&p->line, at);
    const double end_s = p->now_s + cost.time_s;
    if (!is_idle(p, at)) {
        begin_slice(p, TRACK_PLAN, step->name, p->now_s, end_s);
        text_format(p->out, ", \"args\": {\"samples\": %" PRId64 ", \"bound\": \"%s\"}}",
                    at->end_sample - at->first_sample,
                    cost.compute_bound_s > 0 ? "computation" : "DRAM");
    }
    put_counter(p, p->now_s, occupied);
    const double reads_s = direction_bytes(p, false) / bytes_per_s;
    const double writes_s = direction_bytes(p, true) / bytes_per_s;
    put_transfers(p, step->name, false, p->now_s, fmin(end_s, p->now_s + reads_s));
    put_transfers(p, step->name, true, fmax(p->now_s, end_s - writes_s), end_s);
    if (cost.compute_s > 0) {
        const bool waits = p->e->hardware->overlap == MBS_OVERLAP_NONE;
        const double begin_s = p->now_s + (waits ? reads_s : 0);
        begin_slice(p, step->gemm.m > 0 ? TRACK_ARRAY : TRACK_VECTOR, step->name, begin_s,
                    begin_s + scale * cost.compute_s);
        end_event(p);
    }
    p->now_s = end_s;
}

/* Seconds of one iteration of a group: its steps' in the order of put_step, so that sums agree. */
static double iteration_end(perfetto *p, const mbs_group *group, int64_t iteration, double begin_s)
{
    for (int32_t k = group->first; k < group->end; k++) {
        const execution_at at = timeline_at(&p->line, group, iteration, k);
        begin_s += timeline_cost(&p->line, &at).time_s;
    }
    return begin_s;
}

/* How many of the group's iterations are shown. */
static int64_t shown_iterations(const perfetto *p, const mbs_group *group)
{
    if (p->full)
        return group->iterations;
    return p->shows_samples ? group->strips : 1;
}

/* Seconds of all iterations, of which those of every sample but the ends are alike. */
static double group_seconds(perfetto *p, const mbs_group *group)
{
    const int64_t rounds = group->iterations / group->strips;
    double sum_s = 0;
    for (int64_t i = 0; i < group->strips; i++) {
        sum_s += iteration_end(p, group, i, 0);
        if (rounds > 2)
            sum_s += (double)(rounds - 2) * iteration_end(p, group, group->strips + i, 0);
        if (rounds > 1)
            sum_s += iteration_end(p, group, (rounds - 1) * group->strips + i, 0);
    }
    return sum_s;
}

/* When the group ends. Where all is shown, by the same additions as there. */
static double group_end(perfetto *p, const mbs_group *group, double begin_s)
{
    if (shown_iterations(p, group) < group->iterations)
        return begin_s + group_seconds(p, group);
    for (int64_t i = 0; i < group->iterations; i++)
        begin_s = iteration_end(p, group, i, begin_s);
    return begin_s;
}

static bool put_iteration(perfetto *p, const mbs_group *group, int64_t iteration)
{
    const execution_at all = timeline_at(&p->line, group, iteration, group->first);
    text label = TEXT_INIT;
    if (group->strips > 1)
        text_format(&label, "sample %" PRId64 ", strip %" PRId64, all.first_sample, all.strip);
    else
        text_format(&label, "iteration %" PRId64, iteration);
    begin_slice(p, TRACK_PLAN, label.failed ? "iteration" : label.data, p->now_s,
                iteration_end(p, group, iteration, p->now_s));
    text_free(&label);
    end_event(p);
    footprint_walk walk =
        footprint_walk_begin(p->e->plan, group, all.end_sample - all.first_sample);
    for (int32_t k = group->first; k < group->end; k++) {
        const execution_at at = timeline_at(&p->line, group, iteration, k);
        const int64_t whole = footprint_walk_step(&walk, k);
        put_step(p, &at, p->footprints != NULL ? p->footprints[k - group->first] : whole);
        if (!sink_flush(p->e->out))
            return false;
    }
    return true;
}

static bool put_group(perfetto *p, int32_t g)
{
    const mbs_group *group = &p->e->plan->groups[g];
    const double begin_s = p->now_s;
    text label = TEXT_INIT;
    text_format(&label, "group %" PRId32, g + 1);
    double end_s = group_end(p, group, begin_s);
    begin_slice(p, TRACK_PLAN, label.failed ? "group" : label.data, begin_s, end_s);
    text_free(&label);
    text_format(p->out, ", \"args\": {\"iterations\": %" PRId64 ", \"sub_batch\": %" PRId64,
                group->iterations, group->sub_batch);
    if (group->strips > 1)
        text_format(p->out, ", \"strips\": %" PRId64, group->strips);
    text_string(p->out, "}}");
    const int64_t shown = shown_iterations(p, group);
    for (int64_t i = 0; i < shown; i++)
        if (!put_iteration(p, group, i))
            return false;
    if (shown < group->iterations) {
        begin_slice(p, TRACK_PLAN,
                    group->strips > 1 ? "the other strips" : "the other iterations, alike",
                    p->now_s, end_s);
        text_format(p->out, ", \"args\": {\"iterations\": %" PRId64 "}}",
                    group->iterations - shown);
        p->now_s = end_s;
    }
    return true;
}

/* Whether few enough executions are shown: of all samples, or else of one of strip groups. */
static bool is_small(const mbs_plan *plan, bool all)
{
    int64_t executions = 0;
    for (int32_t g = 0; g < plan->group_count; g++) {
        const mbs_group *group = &plan->groups[g];
        if (!checked_add_product(&executions, all ? group->iterations : group->strips,
                                 group->end - group->first))
            return false;
    }
    return executions <= MOST_EXECUTIONS;
}

/* Goes to the group. Errors: MBS_ERR_MEMORY. */
static mbs_status enter(perfetto *p, const mbs_group *group)
{
    mbs_status status = timeline_enter(&p->line, group);
    mem_free(p->footprints);
    p->footprints = NULL;
    if (status != MBS_OK || group->strips == 1)
        return status;
    const int64_t pinned = plan_pinned_bytes(p->e->plan, group->first, group->end);
    p->footprints = strips_group_footprints(p->e->plan, group);
    if (p->footprints == NULL)
        return error_memory(p->e->error);
    for (int32_t i = 0; i < group->end - group->first; i++)
        p->footprints[i] += pinned;
    return MBS_OK;
}

mbs_status export_perfetto(exporter *e)
{
    perfetto p = {.e = e, .out = sink_text(e->out)};
    p.full = e->options->full || is_small(e->plan, true);
    p.shows_samples = is_small(e->plan, false);
    mbs_status status = timeline_open(&p.line, e);
    if (status == MBS_OK) {
        put_tracks(&p);
        bool going = true;
        for (int32_t g = 0; g < e->plan->group_count && going; g++) {
            status = enter(&p, &e->plan->groups[g]);
            going = status == MBS_OK && put_group(&p, g);
        }
        put_counter(&p, p.now_s, 0);
        trace_end(p.out);
    }
    mem_free(p.footprints);
    timeline_close(&p.line);
    return status;
}
