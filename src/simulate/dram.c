#include "simulate/dram.h"

#include <math.h>
#include <stddef.h>

#include "base/checked.h"

/* ---- Executions come into sight -------------------------------------------------------------- */

bool machine_see_next(machine *m)
{
    execution next;
    if (m->ended || m->filled - m->store >= WINDOW)
        return false;
    if (!work_next(m->work, &next, &m->status, m->error)) {
        m->ended = true;
        return false;
    }
    flight *f = flight_at(m, m->filled);
    const moved_bytes *in = &next.in;
    const moved_bytes *out = &next.out;
    *f = (flight){.of = next};
    f->whole_in = work_slices(m->work->hardware, in->whole);
    f->whole_out = work_slices(m->work->hardware, out->whole);
    f->early.count = f->whole_in + (in->placed > 0 ? next.portions : 0);
    f->late.count = in->passing > 0 ? next.portions : 0;
    f->store.count = (out->placed + out->passing > 0 ? next.portions : 0) + f->whole_out;
    m->filled++;
    return true;
}

/* The first execution from *at on of which `lane` says that something is left; null: none in
 * sight. */
static flight *first_left(machine *m, int64_t *at, size_t lane_offset)
{
    while (*at < m->filled || machine_see_next(m)) {
        flight *f = flight_at(m, *at);
        const lane *of = (const lane *)(const void *)((const char *)f + lane_offset);
        if (of->done < of->count)
            return f;
        if (*at - m->store >= WINDOW - 1)
            return NULL;
        ++*at;
    }
    return NULL;
}

/* ---- Room ------------------------------------------------------------------------------------ */

/*
 * Whether what comes ahead of execution `number` may begin to: none of those that use its places
 * is yet to end, and no results wait there for DRAM.
 */
static bool has_room(const machine *m, int64_t number)
{
    const room_wait *wait = &flight_at(m, number)->of.room;
    if (!has_bounds(m))
        return true;
    if (m->options->prefetch == MBS_PREFETCH_NONE)
        return number <= m->compute && m->store >= number;
    return m->compute > wait->used_by && m->store > wait->stored_by;
}

/* ---- What must have been stored -------------------------------------------------------------- */

static bool is_stored(const machine *m, int64_t number)
{
    return number < m->store;
}

/* Whether the sums that portion `portion` of the flight reads are in DRAM. */
static bool sums_are_stored(const machine *m, const flight *f, int64_t portion)
{
    const int64_t of = f->of.sums_of;
    if (of < 0 || is_stored(m, of))
        return true;
    const flight *before = flight_at(m, of);
    const int64_t needed = ceil_div((portion + 1) * before->of.portions, f->of.portions);
    return of < m->filled && before->stored >= min_i64(needed, before->store.count);
}

/* ---- DRAM ------------------------------------------------------------------------------------ */

/* Whether what the execution reads is in DRAM. */
static bool can_read(const machine *m, const flight *f)
{
    return f->of.after_store < 0 || is_stored(m, f->of.after_store);
}

/* The execution whose next slice into a region may move now; null: none. */
static flight *next_early(machine *m)
{
    flight *f = first_left(m, &m->early, offsetof(flight, early));
    if (f == NULL)
        return NULL;
    if (!has_room(m, m->early)) {
        m->lacks_room = true;
        return NULL;
    }
    return can_read(m, f) ? f : NULL;
}

/* Likewise of what passes through. */
static flight *next_late(machine *m)
{
    flight *f = first_left(m, &m->late, offsetof(flight, late));
    if (f == NULL || (m->local_in >= LOCAL_SLICES && has_bounds(m)) || !can_read(m, f) ||
        !sums_are_stored(m, f, f->late.done))
        return NULL;
    return m->options->prefetch != MBS_PREFETCH_NONE || m->late <= m->compute ? f : NULL;
}

/* How many portions must be computed before the next slice of results is there. */
static int64_t portions_before_store(const flight *f)
{
    const execution *of = &f->of;
    const int64_t slice = f->store.done + 1;
    if (slice > f->store.count - f->whole_out)
        return of->portions;
    if (of->samples == 0)
        return slice;
    const int64_t samples = ceil_div(slice * of->samples, of->portions);
    return ceil_div(samples * of->portions, of->samples);
}

static flight *next_store(machine *m)
{
    if (m->store >= m->filled)
        return NULL;
    flight *f = flight_at(m, m->store);
    return f->store.done < f->store.count && f->computed >= portions_before_store(f) ? f : NULL;
}

/*
 * Whether the portion that is computed next, after the one at hand, needs the next slice that is
 * read of execution `number`.
 */
static bool is_urgent(const machine *m, int64_t number, int64_t portion)
{
    const flight *at_hand = flight_at(m, m->compute);
    const bool busy = isfinite(m->compute_end_s);
    if (number == m->compute)
        return portion <= at_hand->computed + busy;
    return number == m->compute + 1 && busy && portion <= 0 &&
           at_hand->computed + 1 == at_hand->of.portions;
}

/*
 * What is to move: first what the next portion needs, unless the computation waits for results to
 * be stored; then results, which make room; then what comes ahead.
 */
static job choose_job(machine *m, flight **chosen)
{
    flight *early = next_early(m);
    flight *late = next_late(m);
    flight *store = next_store(m);
    const int64_t early_portion = early != NULL ? early->early.done - early->whole_in : 0;
    /* of one execution what is further behind, of several the first */
    const bool early_first =
        early != NULL && (late == NULL || m->early < m->late ||
                          (m->early == m->late && early_portion <= late->late.done));
    flight *read = early_first ? early : late;
    if (store != NULL && (read == NULL || m->reason == WAIT_STORE ||
                          !is_urgent(m, early_first ? m->early : m->late,
                                     early_first ? early_portion : read->late.done))) {
        *chosen = store;
        return JOB_STORE;
    }
    *chosen = read;
    return read == NULL ? JOB_NONE : early_first ? JOB_EARLY : JOB_LATE;
}

static double share(int64_t bytes, int64_t slices)
{
    return (double)bytes / (double)slices;
}

/* Takes the job's next slice; how many bytes it is. */
static double take_slice(machine *m, flight *f)
{
    const execution *of = &f->of;
    if (m->job == JOB_EARLY)
        return f->early.done++ < f->whole_in ? share(of->in.whole, f->whole_in)
                                             : share(of->in.placed, of->portions);
    if (m->job == JOB_LATE) {
        f->late.done++;
        m->local_in++;
        return share(of->in.passing, of->portions);
    }
    return f->store.done++ < f->store.count - f->whole_out
               ? share(of->out.placed + of->out.passing, of->portions)
               : share(of->out.whole, f->whole_out);
}

void machine_start_dram(machine *m)
{
    flight *f;
    if (m->job != JOB_NONE)
        return;
    m->lacks_room = false;
    m->job = choose_job(m, &f);
    if (m->job == JOB_NONE)
        return;
    m->job_number = m->job == JOB_EARLY ? m->early : m->job == JOB_LATE ? m->late : m->store;
    m->job_bytes = take_slice(m, f);
    m->dram_begin_s = m->now_s;
    m->dram_end_s = m->now_s + m->job_bytes / m->options->bytes_per_s;
}

void machine_pass_stored(machine *m)
{
    while (m->store < m->compute &&
           flight_at(m, m->store)->stored == flight_at(m, m->store)->store.count)
        m->store++;
}

void machine_end_dram(machine *m)
{
    flight *f = flight_at(m, m->job_number);
    m->watch->moved(m->watch->context, m->job == JOB_STORE ? TRANSFER_WRITE : TRANSFER_READ,
                    m->job_number, &f->of, m->job_bytes, m->dram_begin_s, m->now_s);
    if (m->job == JOB_EARLY)
        f->early_arrived++;
    else if (m->job == JOB_LATE)
        f->late_arrived++;
    else if (f->stored++ < f->store.count - f->whole_out && holds_results(f))
        m->local_out--;
    m->job = JOB_NONE;
    m->dram_end_s = INFINITY;
    machine_pass_stored(m);
}
