/* What a plan's executions of steps move and compute, one after another (docs/simulation.md). */
#ifndef SIMULATE_WORK_H
#define SIMULATE_WORK_H

#include "cost/schedule.h"
#include "emit/strip_progress.h"
#include "mbsopt/simulate.h"
#include "simulate/room.h"

/* Bytes in one direction, apart by where they are in the buffer. */
typedef struct moved_bytes {
    int64_t placed;  /* into, or out of, a region of the buffer, as the step computes */
    int64_t passing; /* through the array's local buffers, as it computes */
    int64_t whole;   /* in regions, all before the step begins, or all after its end */
} moved_bytes;

/* One execution of a step: one iteration, or strip, of its group. */
typedef struct execution {
    int32_t group;
    int32_t step;
    int64_t iteration;
    double compute_s;
    bool is_array;
    int64_t portions; /* of computation, and of what is not whole; at least 1 */
    int64_t samples;  /* results of a whole-sample step are there sample by sample, else 0 */
    moved_bytes in;
    moved_bytes out;
    room_wait room;      /* for places in the buffer */
    int64_t after_store; /* the execution whose stores must have ended before it reads, -1: none */
    int64_t sums_of;     /* likewise, portion by portion: of the accumulators that it reads */
} execution;

/* What is more slices than this is moved in so many larger ones, so that time stays in proportion
 * to the executions. */
#define MOST_SLICES 1024

/* How many slices move so many bytes. */
int64_t work_slices(const mbs_hardware *hardware, int64_t bytes);

/* Goes through a plan's executions in order. */
typedef struct work {
    const mbs_plan *plan;
    const mbs_hardware *hardware;
    int64_t *bases;    /* per group: the number of its first execution */
    int32_t *group_of; /* per step */
    bool *stores;      /* per touch that writes: the tensor goes to DRAM */
    room room;
    strip_progress progress; /* of the group at hand, if it has strips */
    int32_t group;           /* where it is */
    int64_t iteration;
    int32_t step;
    int64_t next; /* number of the next execution */
    int64_t count;
} work;

/*
 * Places the plan in the buffer, which `watch` (or null) may end. To be closed in any case. Errors:
 * MBS_ERR_MEMORY, MBS_ERR_INPUT (too many executions), MBS_ERR_STOPPED.
 */
mbs_status work_open(work *w, const mbs_plan *plan, const mbs_hardware *hardware, plan_watch *watch,
                     mbs_error *error);
void work_close(work *w);

/* The next execution; false at the end. Errors: MBS_ERR_MEMORY. O(touches of the step). */
bool work_next(work *w, execution *next, mbs_status *status, mbs_error *error);

#endif
