#include "simulate/run.h"

#include <math.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "plan/watch.h"
#include "simulate/dram.h"

/* ---- Computation ----------------------------------------------------------------------------- */

/*
 * Whether the execution with which a stream goes on must let others compute first: no iteration
 * overtakes one before it, nor does a group begin before the one before it has ended, and where
 * results go nobody else may be to have anything.
 */
static bool awaits_turn(const machine *m, const stream *s, const flight *f)
{
    const stream *oldest = m->streams;
    if (s == oldest)
        return false;
    while (oldest < s && oldest->compute == oldest->end)
        oldest++;
    if (oldest->group != f->of.group)
        return true;
    if (f->of.iteration > 0 && !is_computed(m, s->compute - (s->end - s->first)))
        return true;
    return has_bounds(m) && !is_computed(m, f->of.room.results_used);
}

/* Why the next portion of the stream cannot be computed now. */
static wait_reason wait_for(const machine *m, const stream *s, const flight *f)
{
    const int64_t portion = f->computed + 1;
    const int64_t early = f->whole_in + (f->early.count > f->whole_in ? portion : 0);
    if (portion == 1 && awaits_turn(m, s, f))
        return WAIT_TURN;
    if (portion == 1 && has_bounds(m) && !is_stored(m, f->of.room.results_over))
        return WAIT_STORE;
    if (f->early_arrived < early || (f->late.count > 0 && f->late_arrived < portion))
        return WAIT_LOAD;
    if (m->options->overlap == MBS_OVERLAP_NONE && m->job != JOB_NONE)
        return m->job == JOB_STORE ? WAIT_STORE : WAIT_LOAD;
    return holds_results(f) && s->local_out >= LOCAL_SLICES && has_bounds(m) ? WAIT_STORE
                                                                             : WAIT_NONE;
}

static void start_portion(machine *m, stream *s, unit *on, flight *f)
{
    if (f->computed == 0)
        m->idle_s = 0;
    if (holds_results(f))
        s->local_out++;
    on->number = s->compute;
    on->begin_s = m->now_s;
    on->end_s = m->now_s + f->of.compute_s / (double)f->of.portions;
}

/* Lets the stream compute if it can; else why not. */
static wait_reason start_stream(machine *m, stream *s)
{
    if (s->compute >= m->filled && !machine_see_next(m))
        return WAIT_STORE; /* what has no place in the window, or is the end */
    flight *f = flight_at(m, s->compute);
    unit *on = &m->units[f->of.is_array ? UNIT_ARRAY : UNIT_VECTOR];
    if (isfinite(on->end_s) || (on->number >= 0 && on->number != s->compute))
        return on->number == s->compute ? WAIT_NONE : WAIT_TURN;
    const wait_reason reason = wait_for(m, s, f);
    if (reason == WAIT_NONE)
        start_portion(m, s, on, f);
    return reason;
}

static void start_compute(machine *m)
{
    bool is_oldest = true;
    m->reason = WAIT_STORE;
    m->awaits_store = false;
    for (int32_t i = 0; i < m->stream_count; i++) {
        stream *s = &m->streams[i];
        if (s->compute == s->end)
            continue;
        const wait_reason reason = start_stream(m, s);
        m->awaits_store = m->awaits_store || reason == WAIT_STORE;
        if (is_oldest)
            m->reason = reason;
        is_oldest = false;
        if (s->compute == s->first && !has_unit(m, s))
            break; /* none overtakes it */
    }
    m->awaits_store = m->awaits_store || is_oldest;
}

static void end_compute(machine *m, unit *on)
{
    flight *f = flight_at(m, on->number);
    stream *s = &m->streams[machine_stream(m, on->number)];
    m->watch->computed(m->watch->context, on->number, &f->of, on->begin_s, m->now_s);
    on->end_s = INFINITY;
    if (f->late.count > 0)
        s->local_in--;
    if (++f->computed == f->of.portions) {
        on->number = -1;
        s->compute++;
        machine_pass_stored(m);
    }
}

/* ---- Time ------------------------------------------------------------------------------------ */

/* The execution that is to be computed next, or else the last. */
static const execution *next_execution(const machine *m)
{
    for (int32_t i = 0; i < m->stream_count; i++)
        if (m->streams[i].compute < m->streams[i].end)
            return &flight_at(m, min_i64(m->streams[i].compute, m->filled - 1))->of;
    return &flight_at(m, m->filled - 1)->of;
}

static void pass_time(machine *m, double next_s)
{
    const double passed_s = next_s - m->now_s;
    if (!is_computing(m)) {
        const double room_s = m->reason == WAIT_LOAD ? fmin(passed_s, m->idle_s) : 0;
        m->idle_s -= room_s;
        m->watch->waited(m->watch->context, next_execution(m),
                         m->reason == WAIT_LOAD ? passed_s - room_s : 0, room_s,
                         m->reason == WAIT_LOAD ? 0 : passed_s);
    } else if (isfinite(m->units[UNIT_ARRAY].end_s) && isfinite(m->units[UNIT_VECTOR].end_s)) {
        m->both_s += passed_s;
    }
    if (m->job == JOB_NONE && m->lacks_room)
        m->idle_s += passed_s;
    m->now_s = next_s;
}

static mbs_status run(machine *m, plan_watch *watch)
{
    machine_see_streams(m);
    for (;;) {
        start_compute(m);
        machine_start_dram(m);
        double next_s = m->dram_end_s;
        for (int i = 0; i < UNIT_COUNT; i++)
            next_s = fmin(next_s, m->units[i].end_s);
        if (m->status != MBS_OK || !isfinite(next_s))
            return m->status;
        if (plan_watch_is_over(watch))
            return plan_watch_stopped(m->error);
        pass_time(m, next_s);
        for (int i = 0; i < UNIT_COUNT; i++)
            if (m->units[i].end_s <= next_s)
                end_compute(m, &m->units[i]);
        if (m->job != JOB_NONE && m->dram_end_s <= next_s)
            machine_end_dram(m);
    }
}

mbs_status machine_run(work *w, const machine_options *options, const machine_watch *watch,
                       double *end_s, double *both_s, mbs_error *error)
{
    machine m = {.work = w,
                 .options = options,
                 .watch = watch,
                 .error = error,
                 .units = {{-1, 0, INFINITY}, {-1, 0, INFINITY}},
                 .dram_end_s = INFINITY};
    plan_watch until;
    plan_watch_open_for(&until, options->progress, options->progress_context);
    m.flights = mem_alloc(WINDOW * sizeof *m.flights);
    m.status = m.flights == NULL        ? error_memory(error)
               : plan_watch_ask(&until) ? plan_watch_stopped(error)
                                        : run(&m, &until);
    *end_s = m.now_s;
    *both_s = m.both_s;
    if (m.status == MBS_OK && first_under_way(&m) < w->count)
        m.status =
            error_set(error, MBS_ERR_VERIFY, "simulation: nothing can go on at execution %lld",
                      (long long)first_under_way(&m));
    mem_free(m.flights);
    return m.status;
}
