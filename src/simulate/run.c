#include "simulate/run.h"

#include <math.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "plan/watch.h"
#include "simulate/dram.h"

/* ---- Computation ----------------------------------------------------------------------------- */

/* Why the next portion cannot be computed now. */
static wait_reason wait_for(const machine *m, const flight *f)
{
    const int64_t portion = f->computed + 1;
    const int64_t early = f->whole_in + (f->early.count > f->whole_in ? portion : 0);
    if (portion == 1 && has_bounds(m) && m->store <= f->of.room.results_over)
        return WAIT_STORE;
    if (f->early_arrived < early || (f->late.count > 0 && f->late_arrived < portion))
        return WAIT_LOAD;
    return holds_results(f) && m->local_out >= LOCAL_SLICES && has_bounds(m) ? WAIT_STORE
                                                                             : WAIT_NONE;
}

static void start_compute(machine *m)
{
    if (isfinite(m->compute_end_s))
        return;
    m->reason = WAIT_STORE; /* what has no place in the window, or is the end */
    if (m->compute >= m->filled && !machine_see_next(m))
        return;
    flight *f = flight_at(m, m->compute);
    m->reason = wait_for(m, f);
    if (m->reason != WAIT_NONE)
        return;
    if (f->computed == 0)
        m->idle_s = 0;
    if (holds_results(f))
        m->local_out++;
    m->compute_begin_s = m->now_s;
    m->compute_end_s = m->now_s + f->of.compute_s / (double)f->of.portions;
}

static void end_compute(machine *m)
{
    flight *f = flight_at(m, m->compute);
    m->watch->computed(m->watch->context, m->compute, &f->of, m->compute_begin_s, m->now_s);
    m->compute_end_s = INFINITY;
    if (f->late.count > 0)
        m->local_in--;
    if (++f->computed == f->of.portions) {
        m->compute++;
        machine_pass_stored(m);
    }
}

/* ---- Time ------------------------------------------------------------------------------------ */

static void pass_time(machine *m, double next_s)
{
    const double passed_s = next_s - m->now_s;
    if (!isfinite(m->compute_end_s)) {
        const int64_t last = min_i64(m->compute, m->filled - 1);
        const double room_s = m->reason == WAIT_LOAD ? fmin(passed_s, m->idle_s) : 0;
        m->idle_s -= room_s;
        m->watch->waited(m->watch->context, &flight_at(m, last)->of,
                         m->reason == WAIT_LOAD ? passed_s - room_s : 0, room_s,
                         m->reason == WAIT_LOAD ? 0 : passed_s);
    }
    if (m->job == JOB_NONE && m->lacks_room)
        m->idle_s += passed_s;
    m->now_s = next_s;
}

static mbs_status run(machine *m, plan_watch *watch)
{
    for (;;) {
        start_compute(m);
        machine_start_dram(m);
        const double next_s = fmin(m->compute_end_s, m->dram_end_s);
        if (m->status != MBS_OK || !isfinite(next_s))
            return m->status;
        if (plan_watch_is_over(watch))
            return plan_watch_stopped(m->error);
        pass_time(m, next_s);
        if (m->compute_end_s <= next_s)
            end_compute(m);
        if (m->job != JOB_NONE && m->dram_end_s <= next_s)
            machine_end_dram(m);
    }
}

mbs_status machine_run(work *w, const machine_options *options, const machine_watch *watch,
                       double *end_s, mbs_error *error)
{
    machine m = {.work = w,
                 .options = options,
                 .watch = watch,
                 .error = error,
                 .compute_end_s = INFINITY,
                 .dram_end_s = INFINITY};
    plan_watch until;
    plan_watch_open_for(&until, options->progress, options->progress_context);
    m.flights = mem_alloc(WINDOW * sizeof *m.flights);
    m.status = m.flights == NULL        ? error_memory(error)
               : plan_watch_ask(&until) ? plan_watch_stopped(error)
                                        : run(&m, &until);
    *end_s = m.now_s;
    if (m.status == MBS_OK && m.store < w->count)
        m.status =
            error_set(error, MBS_ERR_VERIFY, "simulation: nothing can go on at execution %lld",
                      (long long)m.compute);
    mem_free(m.flights);
    return m.status;
}
