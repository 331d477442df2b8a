#include "simulate/dram.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/checked.h"

/* ---- Executions come into sight -------------------------------------------------------------- */

bool machine_see_next(machine *m)
{
    execution next;
    if (m->ended || m->filled - first_under_way(m) >= WINDOW)
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

/* Executions from `first` on become one more stream, as far as they are one. */
static void add_stream(machine *m, int64_t first)
{
    int64_t end = INT64_MAX;
    int32_t of = 0;
    if (has_overlap(m)) {
        of = flight_at(m, first)->of.group;
        const mbs_group *group = &m->work->plan->groups[of];
        end = first + group->end - group->first;
    }
    m->streams[m->stream_count++] = (stream){first, end, first, first, first, first, 0, 0, of};
}

void machine_see_streams(machine *m)
{
    while (m->stream_count < MOST_STREAMS) {
        const int64_t first = m->stream_count > 0 ? m->streams[m->stream_count - 1].end : m->filled;
        if (first == INT64_MAX)
            return;
        while (m->filled <= first)
            if (!machine_see_next(m))
                return;
        add_stream(m, first);
    }
}

/* The first execution of the stream from *at on of which `lane` says that something is left; null:
 * none in sight. */
static flight *first_left(machine *m, const stream *s, int64_t *at, size_t lane_offset)
{
    while (*at < s->end && (*at < m->filled || machine_see_next(m))) {
        flight *f = flight_at(m, *at);
        const lane *of = (const lane *)(const void *)((const char *)f + lane_offset);
        if (of->done < of->count)
            return f;
        if (*at - first_under_way(m) >= WINDOW - 1)
            return NULL;
        ++*at;
    }
    return NULL;
}

/* ---- Room ------------------------------------------------------------------------------------ */

/*
 * Whether what comes ahead of the stream's execution `number` may begin to: none of those that use
 * its places is yet to end, and no results wait there for DRAM.
 */
static bool has_room(const machine *m, const stream *s, int64_t number)
{
    const room_wait *wait = &flight_at(m, number)->of.room;
    if (!has_bounds(m))
        return true;
    if (m->options->prefetch == MBS_PREFETCH_NONE && (number > s->compute || s->store < number))
        return false;
    return is_computed(m, wait->used_by) && is_stored(m, wait->stored_by);
}

/* ---- What must have been stored -------------------------------------------------------------- */

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

/* The stream's execution whose next slice into a region may move now; null: none. */
static flight *next_early(machine *m, stream *s)
{
    flight *f = first_left(m, s, &s->early, offsetof(flight, early));
    if (f == NULL)
        return NULL;
    if (!has_room(m, s, s->early)) {
        m->lacks_room = true;
        return NULL;
    }
    return can_read(m, f) ? f : NULL;
}

/* Likewise of what passes through. */
static flight *next_late(machine *m, stream *s)
{
    flight *f = first_left(m, s, &s->late, offsetof(flight, late));
    if (f == NULL || (s->local_in >= LOCAL_SLICES && has_bounds(m)) || !can_read(m, f) ||
        !sums_are_stored(m, f, f->late.done))
        return NULL;
    return m->options->prefetch != MBS_PREFETCH_NONE || s->late <= s->compute ? f : NULL;
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

static flight *next_store(const machine *m, const stream *s)
{
    if (s->store >= m->filled || s->store >= s->end)
        return NULL;
    flight *f = flight_at(m, s->store);
    return f->store.done < f->store.count && f->computed >= portions_before_store(f) ? f : NULL;
}

/* What may move next. */
typedef struct chosen_job {
    job job;
    stream *of;
    int64_t number;
    int64_t portion; /* of a read: the one that needs it, below 0 what must be there before */
} chosen_job;

/*
 * Whether the portion that the stream computes next, after the one at hand, needs what is read.
 */
static bool is_urgent(const machine *m, const chosen_job *read)
{
    const stream *s = read->of;
    const flight *at_hand = flight_at(m, s->compute);
    const bool busy = computes(m, s);
    if (read->number == s->compute)
        return read->portion <= at_hand->computed + busy;
    return read->number == s->compute + 1 && busy && read->portion <= 0 &&
           at_hand->computed + 1 == at_hand->of.portions;
}

/* Of one execution what is further behind, of several the first. */
static chosen_job read_of(machine *m, stream *s)
{
    const flight *early = next_early(m, s);
    const flight *late = next_late(m, s);
    const int64_t early_portion = early != NULL ? early->early.done - early->whole_in : 0;
    if (early != NULL && (late == NULL || s->early < s->late ||
                          (s->early == s->late && early_portion <= late->late.done)))
        return (chosen_job){JOB_EARLY, s, s->early, early_portion};
    if (late != NULL)
        return (chosen_job){JOB_LATE, s, s->late, late->late.done};
    return (chosen_job){.job = JOB_NONE};
}

/*
 * Of all streams what is needed in the fewest executions from now, of equals the oldest's; what
 * streams behind one that has not begun need comes after that.
 */
static chosen_job choose_read(machine *m)
{
    chosen_job best = {.job = JOB_NONE};
    for (int32_t i = 0; i < m->stream_count; i++) {
        stream *s = &m->streams[i];
        const chosen_job read = read_of(m, s);
        if (read.job != JOB_NONE &&
            (best.job == JOB_NONE || read.number - s->compute < best.number - best.of->compute))
            best = read;
        if (best.job != JOB_NONE && s->compute == s->first && !has_unit(m, s))
            break;
    }
    return best;
}

static chosen_job choose_store(machine *m)
{
    for (int32_t i = 0; i < m->stream_count; i++)
        if (next_store(m, &m->streams[i]) != NULL)
            return (chosen_job){JOB_STORE, &m->streams[i], m->streams[i].store, 0};
    return (chosen_job){.job = JOB_NONE};
}

/*
 * What is to move: first what the next portion needs, unless the computation waits for results to
 * be stored; then results, which make room; then what comes ahead.
 */
static chosen_job choose_job(machine *m)
{
    const chosen_job read = choose_read(m);
    const chosen_job store = choose_store(m);
    if (store.job != JOB_NONE && (read.job == JOB_NONE || m->awaits_store || !is_urgent(m, &read)))
        return store;
    return read;
}

static double share(int64_t bytes, int64_t slices)
{
    return (double)bytes / (double)slices;
}

/* Takes the job's next slice; how many bytes it is. */
static double take_slice(const machine *m, stream *s, flight *f)
{
    const execution *of = &f->of;
    if (m->job == JOB_EARLY)
        return f->early.done++ < f->whole_in ? share(of->in.whole, f->whole_in)
                                             : share(of->in.placed, of->portions);
    if (m->job == JOB_LATE) {
        f->late.done++;
        s->local_in++;
        return share(of->in.passing, of->portions);
    }
    return f->store.done++ < f->store.count - f->whole_out
               ? share(of->out.placed + of->out.passing, of->portions)
               : share(of->out.whole, f->whole_out);
}

void machine_start_dram(machine *m)
{
    if (m->job != JOB_NONE || (m->options->overlap == MBS_OVERLAP_NONE && is_computing(m)))
        return;
    m->lacks_room = false;
    const chosen_job chosen = choose_job(m);
    m->job = chosen.job;
    if (m->job == JOB_NONE)
        return;
    m->job_number = chosen.number;
    m->job_bytes = take_slice(m, chosen.of, flight_at(m, chosen.number));
    m->dram_begin_s = m->now_s;
    m->dram_end_s = m->now_s + m->job_bytes / m->options->bytes_per_s;
}

void machine_pass_stored(machine *m)
{
    for (int32_t i = 0; i < m->stream_count; i++) {
        stream *s = &m->streams[i];
        while (s->store < s->compute &&
               flight_at(m, s->store)->stored == flight_at(m, s->store)->store.count)
            s->store++;
    }
    while (m->stream_count > 0 && m->streams[0].store == m->streams[0].end)
        memmove(m->streams, m->streams + 1, (size_t)--m->stream_count * sizeof *m->streams);
    machine_see_streams(m);
}

void machine_end_dram(machine *m)
{
    flight *f = flight_at(m, m->job_number);
    stream *s = &m->streams[machine_stream(m, m->job_number)];
    m->watch->moved(m->watch->context, m->job == JOB_STORE ? TRANSFER_WRITE : TRANSFER_READ,
                    m->job_number, &f->of, m->job_bytes, m->dram_begin_s, m->now_s);
    if (m->job == JOB_EARLY)
        f->early_arrived++;
    else if (m->job == JOB_LATE)
        f->late_arrived++;
    else if (f->stored++ < f->store.count - f->whole_out && holds_results(f))
        s->local_out--;
    m->job = JOB_NONE;
    m->dram_end_s = INFINITY;
    machine_pass_stored(m);
}
