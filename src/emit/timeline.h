/* A plan step by step in time: what each execution of a step moves, and when. */
#ifndef EMIT_TIMELINE_H
#define EMIT_TIMELINE_H

#include "emit/dram_layout.h"
#include "emit/exporter.h"

/* Bytes that one execution of a step moves between DRAM and the buffer in one piece. */
typedef struct transfer {
    dram_content content;
    int32_t id; /* the tensor, or the step whose parameters they are */
    bool is_write;
    int64_t address;
    int64_t bytes;
    int64_t times;   /* over and over: the passes of a step in passes; else 1 */
    int64_t samples; /* of a tensor, one after another; 0: parameters */
} transfer;

/* One execution of a step: one iteration of its group. */
typedef struct execution_at {
    const mbs_group *group;
    int64_t iteration;
    int32_t step;
    int64_t first_sample; /* [first_sample, end_sample) */
    int64_t end_sample;
} execution_at;

typedef struct timeline {
    const mbs_plan *plan;
    const mbs_hardware *hardware;
    dram_layout *layout;
    bool *written;       /* per tensor: its producer writes it to DRAM */
    transfer *transfers; /* of the execution at hand, reads first */
    int32_t transfer_count;
} timeline;

/* Free with timeline_close, also after a failure. Errors as of dram_layout_create. */
mbs_status timeline_open(timeline *line, const exporter *e);
void timeline_close(timeline *line);

/* The execution of a step in one iteration of its group. */
execution_at timeline_at(const timeline *line, const mbs_group *group, int64_t iteration,
                         int32_t step);

/* Puts into line->transfers what the execution moves, in the order in which it does. */
void timeline_transfers(timeline *line, const execution_at *at);

#endif
