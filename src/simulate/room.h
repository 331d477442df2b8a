/* Where a plan's data lie in the buffer, and when what comes next finds its place free. */
#ifndef SIMULATE_ROOM_H
#define SIMULATE_ROOM_H

#include "cost/schedule.h"
#include "plan/watch.h"

/* Executions that may be under way: reads come ahead of computation, stores behind, by no more. */
#define WINDOW 4096

/* What an execution waits for, each the number of an execution before it; -1: nothing. */
typedef struct room_wait {
    int64_t used_by;      /* the last that has something in a place that it reads into */
    int64_t stored_by;    /* the last of which results may be there on their way to DRAM */
    int64_t results_over; /* likewise, where its own results go */
    int64_t results_used; /* and the last that has something there */
} room_wait;

/* Executions right before one of a step that are not in the way; WINDOW: as many or more. */
typedef struct room_free {
    int64_t used;
    int64_t stored;
    int64_t results;
    int64_t results_used;
} room_free;

typedef struct room {
    const mbs_plan *plan;
    room_free *first; /* per step: in the first iteration of its group, */
    room_free *later; /* and in each other */
    int64_t *copies;  /* per group: places for so many iterations, one after another in turn */
    int64_t *behind;  /* per group: the last execution of the nearest group before it that has more
                         places than one; -1: there is none */
} room;

/* Which execution is asked for. */
typedef struct room_at {
    int32_t group;
    int32_t step;
    int64_t iteration;
    int64_t number;
    int64_t base; /* the number of the group's first */
} room_at;

/*
 * Places the plan in the buffer, groups of whole samples as often as they fit if iterations
 * overlap, above one another. `stores`, per touch that writes: the tensor goes to DRAM. To be
 * closed in any case. `watch` (or null) may end it. Errors: MBS_ERR_MEMORY, MBS_ERR_STOPPED.
 */
mbs_status room_open(room *r, const mbs_plan *plan, const bool *stores,
                     const mbs_hardware *hardware, plan_watch *watch, mbs_error *error);
void room_close(room *r);

room_wait room_before(const room *r, const room_at *at);

#endif
