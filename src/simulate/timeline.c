#include "simulate/timeline.h"

#include <inttypes.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/sink.h"
#include "emit/trace_events.h"

#define MOST_EXECUTIONS 20000

typedef enum track { TRACK_ARRAY = 1, TRACK_VECTOR, TRACK_READS, TRACK_WRITES, TRACK_END } track;

static const char *const track_names[] = {[TRACK_ARRAY] = "systolic array",
                                          [TRACK_VECTOR] = "vector unit",
                                          [TRACK_READS] = "DRAM reads",
                                          [TRACK_WRITES] = "DRAM writes"};

/* What a track shows last: portions or slices of one execution that follow each other at once. */
typedef struct open_slice {
    int64_t number; /* of the execution; -1: none */
    int32_t step;
    int64_t iteration;
    int64_t begin_ns;
    int64_t end_ns;
    double bytes;
} open_slice;

struct simulated_timeline {
    const mbs_plan *plan;
    sink *out;
    text *to;
    int64_t most; /* executions shown */
    open_slice open[TRACK_END];
};

/* ---- Events ---------------------------------------------------------------------------------- */

static void put_slice(simulated_timeline *line, track where)
{
    const open_slice *slice = &line->open[where];
    if (slice->number < 0)
        return;
    trace_slice(line->to, (int)where, line->plan->program->steps[slice->step].name, slice->begin_ns,
                slice->end_ns);
    text_format(line->to, ", \"args\": {\"iteration\": %" PRId64, slice->iteration);
    if (where >= TRACK_READS)
        text_format(line->to, ", \"bytes\": %.0f", slice->bytes);
    text_string(line->to, "}}");
    sink_flush(line->out);
}

static void show(simulated_timeline *line, track where, int64_t number, const execution *of,
                 double bytes, double begin_s, double end_s)
{
    open_slice *slice = &line->open[where];
    const int64_t begin_ns = trace_nanoseconds(begin_s);
    const int64_t end_ns = trace_nanoseconds(end_s);
    if (number >= line->most)
        return;
    if (slice->number == number && slice->end_ns == begin_ns) {
        slice->end_ns = end_ns;
        slice->bytes += bytes;
        return;
    }
    put_slice(line, where);
    *slice = (open_slice){number, of->step, of->iteration, begin_ns, end_ns, bytes};
}

void simulated_timeline_compute(simulated_timeline *line, int64_t number, const execution *of,
                                double begin_s, double end_s)
{
    show(line, of->is_array ? TRACK_ARRAY : TRACK_VECTOR, number, of, 0, begin_s, end_s);
}

void simulated_timeline_move(simulated_timeline *line, transfer_kind kind, int64_t number,
                             const execution *of, double bytes, double begin_s, double end_s)
{
    show(line, kind == TRANSFER_READ ? TRACK_READS : TRACK_WRITES, number, of, bytes, begin_s,
         end_s);
}

/* ---- The file -------------------------------------------------------------------------------- */

static void put_tracks(simulated_timeline *line)
{
    trace_begin(line->to, line->plan->program->network_name);
    for (int i = TRACK_ARRAY; i < TRACK_END; i++) {
        trace_name_track(line->to, i, track_names[i]);
        line->open[i].number = -1;
    }
}

mbs_status simulated_timeline_open(simulated_timeline **result, const char *path,
                                   const mbs_plan *plan, bool full, mbs_error *error)
{
    simulated_timeline *line = mem_calloc(1, sizeof *line);
    *result = line;
    if (line == NULL)
        return error_memory(error);
    line->plan = plan;
    line->most = full ? INT64_MAX : MOST_EXECUTIONS;
    mbs_status status = sink_open(&line->out, path, error);
    if (status != MBS_OK)
        return status;
    line->to = sink_text(line->out);
    put_tracks(line);
    return MBS_OK;
}

mbs_status simulated_timeline_close(simulated_timeline *line, bool keep, mbs_error *error)
{
    if (line == NULL)
        return MBS_OK;
    if (line->out != NULL) {
        for (int i = TRACK_ARRAY; i < TRACK_END; i++)
            put_slice(line, (track)i);
        trace_end(line->to);
    }
    const mbs_status status = sink_close(line->out, keep, error);
    mem_free(line);
    return status;
}
