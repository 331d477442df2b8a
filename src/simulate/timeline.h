/* A simulation as Chrome trace events, which Perfetto opens. */
#ifndef SIMULATE_TIMELINE_H
#define SIMULATE_TIMELINE_H

#include "simulate/machine.h"

typedef struct simulated_timeline simulated_timeline;

/*
 * Begins the file. Of more than 20 000 executions the first so many are shown, unless `full`. To be
 * closed in any case. Errors: MBS_ERR_IO, MBS_ERR_MEMORY.
 */
mbs_status simulated_timeline_open(simulated_timeline **line, const char *path,
                                   const mbs_plan *plan, bool full, mbs_error *error);

/* A portion of computation, and a slice that moved; in the order in which they end. */
void simulated_timeline_compute(simulated_timeline *line, int64_t number, const execution *of,
                                double begin_s, double end_s);
void simulated_timeline_move(simulated_timeline *line, transfer_kind kind, int64_t number,
                             const execution *of, double bytes, double begin_s, double end_s);

/* Ends the file, which is what was written if `keep`; null is allowed. Errors: as of sink_close. */
mbs_status simulated_timeline_close(simulated_timeline *line, bool keep, mbs_error *error);

#endif
