/* Formats that plans are exported to: one table row and one file each. */
#ifndef EMIT_EXPORTER_H
#define EMIT_EXPORTER_H

#include "base/sink.h"
#include "cost/schedule.h"
#include "emit/folder.h"
#include "mbsopt/emit.h"
#include "plan/watch.h"

/* What a format's writer works with. */
typedef struct exporter {
    const mbs_plan *plan;
    const mbs_hardware *hardware;
    const mbs_export_options *options; /* with the range of steps and iterations made sure */
    mbs_error *error;
    plan_watch watch; /* whether to end; sinks ask it too */
    sink *out;        /* of a format that is one file; else null */
    folder *folder;   /* of one that is several; else null */
} exporter;

/*
 * Writes one format. What fails in writing is the sink's matter: a writer may stop once sink_flush
 * says false, and returns MBS_OK all the same.
 */
typedef mbs_status export_function(exporter *e);

typedef struct export_format {
    const char *name;
    const char *files;   /* their names; "OUT" is the one that the caller names */
    const char *carries; /* in one line */
    bool is_folder;
    bool needs_shapes; /* matrix sizes and elements, which a loaded plan may lack */
    enum { NO_TRACE, TRACE_CYCLES, TRACE_PLAIN } trace; /* a memory trace, with cycles or without */
    export_function *write;
} export_format;

export_function export_addresses, export_astra_sim, export_perfetto, export_scalesim,
    export_timeloop, export_trace_cycles, export_trace_plain, export_wavecore;

#endif
