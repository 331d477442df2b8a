#include "emit/trace_events.h"

#include <inttypes.h>
#include <math.h>

#include "base/checked.h"

int64_t trace_nanoseconds(double seconds)
{
    return (int64_t)llround(seconds * 1e9);
}

void trace_time(text *out, const char *member, int64_t ns)
{
    text_format(out, ", \"%s\": %" PRId64 ".%03d", member, ns / 1000, (int)(ns % 1000));
}

void trace_begin(text *out, const char *process)
{
    text_string(out, "{\"displayTimeUnit\": \"ns\", \"traceEvents\": [\n"
                     "{\"ph\": \"M\", \"pid\": 1, \"name\": \"process_name\", \"args\": "
                     "{\"name\": ");
    text_json_string(out, process);
    text_string(out, "}}");
}

void trace_end(text *out)
{
    text_string(out, "\n]}\n");
}

void trace_event(text *out, const char *phase, int track, const char *name)
{
    text_format(out, ",\n{\"ph\": \"%s\", \"pid\": 1, \"tid\": %d, \"name\": ", phase, track);
    text_json_string(out, name);
}

void trace_slice(text *out, int track, const char *name, int64_t begin_ns, int64_t end_ns)
{
    trace_event(out, "X", track, name);
    trace_time(out, "ts", begin_ns);
    trace_time(out, "dur", max_i64(0, end_ns - begin_ns));
}

void trace_name_track(text *out, int track, const char *name)
{
    trace_event(out, "M", track, "thread_name");
    text_format(out, ", \"args\": {\"name\": \"%s\"}}", name);
}
