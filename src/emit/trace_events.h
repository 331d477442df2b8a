/* Chrome trace events, which Perfetto opens: the pieces that time lines are written of. */
#ifndef EMIT_TRACE_EVENTS_H
#define EMIT_TRACE_EVENTS_H

#include "base/text.h"

/*
 * Times are whole nanoseconds, so that a slice that ends where its parent does is still inside it;
 * printed as microseconds, the format's unit.
 */
int64_t trace_nanoseconds(double seconds);
void trace_time(text *out, const char *member, int64_t ns);

/* Begins the document with what the tracks belong to; events follow, then trace_end. */
void trace_begin(text *out, const char *process);
void trace_end(text *out);

/* Begins an event of a phase ("X") on a track; its members follow, then `}`. */
void trace_event(text *out, const char *phase, int track, const char *name);

/* A slice without its closing brace, so that arguments can follow. */
void trace_slice(text *out, int track, const char *name, int64_t begin_ns, int64_t end_ns);

void trace_name_track(text *out, int track, const char *name);

#endif
