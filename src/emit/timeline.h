/* A plan step by step in time: what each execution of a step moves, and when. */
#ifndef EMIT_TIMELINE_H
#define EMIT_TIMELINE_H

#include "emit/dram_layout.h"
#include "emit/exporter.h"
#include "emit/strip_progress.h"
#include "mbsopt/cost.h"

/* Bytes that one execution of a step moves between DRAM and the buffer in one piece. */
typedef struct transfer {
    dram_content content;
    int32_t id; /* the tensor, or the step whose parameters they are */
    bool is_write;
    int64_t address;
    int64_t bytes;
    int64_t times;   /* over and over: the passes of a step in passes; else 1 */
    int64_t samples; /* of a tensor, one after another or a part of one; 0: parameters */
} transfer;

/* One execution of a step: one iteration of its group. */
typedef struct execution_at {
    const mbs_group *group;
    int64_t iteration;
    int32_t step;
    int64_t first_sample; /* [first_sample, end_sample) */
    int64_t end_sample;
    int64_t strip; /* of that sample, if its group has strips */
} execution_at;

typedef struct timeline {
    const mbs_plan *plan;
    const mbs_hardware *hardware;
    dram_layout *layout;
    transfer *transfers; /* of the execution at hand, reads first */
    int32_t transfer_count;
    strip_progress progress; /* of the group at hand, if it has strips; likewise */
    double scale;            /* of its executions' times: below 1 where they overlap */
    mbs_error *error;
} timeline;

/* Free with timeline_close, also after a failure. Errors as of dram_layout_create. */
mbs_status timeline_open(timeline *line, exporter *e);
void timeline_close(timeline *line);

/*
 * Goes to a group; the functions below are of the steps of the group that was entered last. O(1),
 * of one whose iterations overlap O(touches), of a strip group O(touches · strips). Errors:
 * MBS_ERR_MEMORY.
 */
mbs_status timeline_enter(timeline *line, const mbs_group *group);

/* The execution of a step in one iteration of its group. */
execution_at timeline_at(const timeline *line, const mbs_group *group, int64_t iteration,
                         int32_t step);

/*
 * Time and what goes with it of one execution, its energy apart. Where iterations overlap the time
 * is a share of the group's, as if executions were one after another. Changes the transfers.
 */
mbs_cost timeline_cost(timeline *line, const execution_at *at);

/* Puts into line->transfers what the execution moves, in the order in which it does. */
void timeline_transfers(timeline *line, const execution_at *at);

#endif
