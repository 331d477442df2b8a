/*
 * The machine that executions run on (docs/simulation.md): one DRAM channel, which moves one slice
 * at a time; an array and a vector unit, which compute one execution each, but not at once unless
 * iterations overlap; and a buffer whose room limits what may come ahead. Servers, and decisions
 * only when one of them ends: so each slice and each portion of computation is looked at once.
 */
#ifndef SIMULATE_MACHINE_H
#define SIMULATE_MACHINE_H

#include <math.h>

#include "simulate/work.h"

/* What a transfer is for. */
typedef enum transfer_kind { TRANSFER_READ, TRANSFER_WRITE } transfer_kind;

/* Told of everything that happens, at its end. Times are seconds from the beginning. */
typedef struct machine_watch {
    void (*computed)(void *context, int64_t number, const execution *of, double begin_s,
                     double end_s);
    void (*moved)(void *context, transfer_kind kind, int64_t number, const execution *of,
                  double bytes, double begin_s, double end_s);
    /* nothing was computed, while execution `of` was to be next */
    void (*waited)(void *context, const execution *of, double load_s, double room_s,
                   double store_s);
    void *context;
} machine_watch;

typedef struct machine_options {
    mbs_prefetch prefetch;
    mbs_overlap overlap;
    double bytes_per_s;
    mbs_progress_function *progress; /* or null */
    void *progress_context;
} machine_options;

/* Slices of what passes through that the array's local buffers hold: one in use, one on its way. */
#define LOCAL_SLICES 2

/* What happened to a part of what an execution moves. */
typedef struct lane {
    int64_t count; /* slices in all */
    int64_t done;  /* moved, or on their way */
} lane;

/* An execution that is under way. */
typedef struct flight {
    execution of;
    int64_t whole_in;  /* slices of what must be there before it begins */
    int64_t whole_out; /* and of what goes after its end */
    lane early;        /* what comes into regions: whole_in, then portion by portion */
    lane late;         /* what passes through, portion by portion */
    lane store;        /* portion by portion, then whole_out */
    int64_t early_arrived;
    int64_t late_arrived;
    int64_t computed; /* portions */
    int64_t stored;
} flight;

/* WAIT_TURN: for other executions to compute, if more than one may be under way. */
typedef enum wait_reason { WAIT_NONE, WAIT_LOAD, WAIT_STORE, WAIT_TURN } wait_reason;

/* What DRAM is busy with. */
typedef enum job { JOB_NONE, JOB_EARLY, JOB_LATE, JOB_STORE } job;

/*
 * Executions [first, end) one after another: all of the plan, or where iterations overlap those of
 * one iteration, which may be under way at the same time as others.
 */
typedef struct stream {
    int64_t first;
    int64_t end;
    int64_t early; /* the first of which something is to come into a region; likewise */
    int64_t late;
    int64_t compute;
    int64_t store;
    int64_t local_in;  /* slices in its local buffers, or on their way there */
    int64_t local_out; /* likewise, of results */
    int32_t group;     /* with overlap that of all its executions */
} stream;

/* In sight at once: beyond the few that there is room for they change nothing. */
#define MOST_STREAMS 8

/* The array, or the vector unit. */
typedef struct unit {
    int64_t number; /* of the execution that it computes, portion by portion; -1: none */
    double begin_s;
    double end_s; /* INFINITY: it waits */
} unit;

enum { UNIT_ARRAY, UNIT_VECTOR, UNIT_COUNT };

typedef struct machine {
    work *work;
    const machine_options *options;
    const machine_watch *watch;
    mbs_status status;
    mbs_error *error;
    flight *flights;              /* [number mod WINDOW] */
    int64_t filled;               /* executions [0, filled) are known */
    bool ended;                   /* and these are all */
    stream streams[MOST_STREAMS]; /* the oldest first */
    int32_t stream_count;
    unit units[UNIT_COUNT];
    double now_s;
    double both_s; /* in which both units compute */
    double dram_begin_s;
    double dram_end_s; /* INFINITY: idle */
    job job;
    int64_t job_number;
    double job_bytes;
    bool lacks_room;    /* what comes next into a region has none yet */
    double idle_s;      /* of DRAM, while that was so */
    wait_reason reason; /* of the oldest */
    bool awaits_store;  /* or any other */
} machine;

static inline flight *flight_at(const machine *m, int64_t number)
{
    return &m->flights[number % WINDOW];
}

static inline bool has_overlap(const machine *m)
{
    return m->options->overlap == MBS_OVERLAP_GROUP;
}

/* The first execution that is not yet computed and stored. */
static inline int64_t first_under_way(const machine *m)
{
    return m->stream_count > 0 ? m->streams[0].store : m->filled;
}

/* Which stream an execution is of; -1: all of that has ended. */
static inline int32_t machine_stream(const machine *m, int64_t number)
{
    for (int32_t i = 0; i < m->stream_count; i++)
        if (number < m->streams[i].end)
            return number < m->streams[i].first ? -1 : i;
    return -1;
}

static inline bool is_computed(const machine *m, int64_t number)
{
    const int32_t i = machine_stream(m, number);
    return i < 0 || number < m->streams[i].compute;
}

static inline bool is_stored(const machine *m, int64_t number)
{
    const int32_t i = machine_stream(m, number);
    return i < 0 || number < m->streams[i].store;
}

static inline bool is_computing(const machine *m)
{
    return isfinite(m->units[UNIT_ARRAY].end_s) || isfinite(m->units[UNIT_VECTOR].end_s);
}

/* Whether the stream's next execution has a unit, and whether it computes a portion there now. */
static inline const unit *unit_of(const machine *m, const stream *s)
{
    for (int i = 0; i < UNIT_COUNT; i++)
        if (m->units[i].number == s->compute)
            return &m->units[i];
    return NULL;
}

static inline bool has_unit(const machine *m, const stream *s)
{
    return unit_of(m, s) != NULL;
}

static inline bool computes(const machine *m, const stream *s)
{
    const unit *u = unit_of(m, s);
    return u != NULL && isfinite(u->end_s);
}

/* Whether buffers are full at some time. */
static inline bool has_bounds(const machine *m)
{
    return m->options->prefetch != MBS_PREFETCH_UNLIMITED;
}

/* Whether results pass through the local buffers; those of whole samples have a place of their own.
 */
static inline bool holds_results(const flight *f)
{
    return f->of.out.passing > 0 && f->of.samples == 0;
}

#endif
