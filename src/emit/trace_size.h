/* How large a trace will be. */
#ifndef EMIT_TRACE_SIZE_H
#define EMIT_TRACE_SIZE_H

#include "emit/exporter.h"

/* Counts without writing. O(transfers). Errors as of dram_layout_create. */
mbs_status trace_size(exporter *e, bool with_cycles, mbs_export_size *size);

#endif
