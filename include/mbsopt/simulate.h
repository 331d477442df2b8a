/* A plan run on a machine, event by event (docs/simulation.md). */
#ifndef MBSOPT_SIMULATE_H
#define MBSOPT_SIMULATE_H

#include "mbsopt/cost.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How far operands may come ahead of their step. */
typedef enum mbs_prefetch {
    MBS_PREFETCH_ROOM = 0,  /* as far as the buffer has room left */
    MBS_PREFETCH_NONE,      /* when the step before has ended */
    MBS_PREFETCH_UNLIMITED, /* as if no buffer had an end */
    MBS_PREFETCH_COUNT
} mbs_prefetch;

/* Its name on the command line ("room"), or null. Static storage. */
MBS_API const char *mbs_prefetch_name(mbs_prefetch prefetch);

typedef struct mbs_simulate_options {
    mbs_prefetch prefetch;
    const char *timeline;            /* a file for Perfetto, or null */
    int full;                        /* the timeline shows all executions of steps, however many */
    mbs_progress_function *progress; /* or null; anything but 0 ends it */
    void *progress_context;
} mbs_simulate_options;

#define MBS_SIMULATE_OPTIONS_INIT                                                                  \
    {                                                                                              \
        MBS_PREFETCH_ROOM, NULL, 0, NULL, NULL                                                     \
    }

/*
 * What came of it, per core. time_s is the sum of what the array and the vector unit compute, less
 * both_s, and of the waits, in which neither does.
 */
typedef struct mbs_simulation {
    double time_s;
    double array_s;
    double vector_s;
    double wait_load_s;  /* for operands on their way from DRAM */
    double wait_room_s;  /* for such as might have come while DRAM was idle, had there been room */
    double wait_store_s; /* for results on their way to DRAM, also at the end */
    double dram_s;       /* in which DRAM moves anything */
    double read_bytes;   /* whole, as is the next */
    double write_bytes;
    double estimate_s;  /* what mbs_plan_cost says */
    int64_t executions; /* of steps */
    int64_t transfers;  /* slices that were moved */
    double both_s;      /* in which array and vector unit compute at once (mbs_overlap) */
} mbs_simulation;

/* A part of it, of a group or a step. A group's time is from the end of the one before to its own
 * last computation, and in the last group to the end; a step's is what it computes and waits, at
 * the same time as others where iterations overlap. */
typedef struct mbs_simulated_part {
    double time_s;
    double wait_load_s;
    double wait_room_s;
    double wait_store_s;
    double estimate_s; /* mbs_plan_group_cost's, mbs_plan_step_cost's */
} mbs_simulated_part;

/*
 * Runs the plan's commands on the machine: DRAM moves one slice at a time, steps compute one after
 * another as their operands come, what is to come is limited by the room that is left. `groups` and
 * `steps` have room for the plan's (mbs_plan_group_count, mbs_program_step_count) or are null.
 * O(executions of steps and the slices that they move). Errors: MBS_ERR_ARGUMENT, MBS_ERR_INPUT (a
 * loaded plan without shapes, more than 4·10^9 executions), MBS_ERR_IO, MBS_ERR_MEMORY,
 * MBS_ERR_STOPPED.
 */
MBS_API mbs_status mbs_simulate(mbs_simulation *result, mbs_simulated_part *groups,
                                mbs_simulated_part *steps, const mbs_plan *plan,
                                const mbs_hardware *hardware, const mbs_simulate_options *options,
                                mbs_error *error);

#ifdef __cplusplus
}
#endif
#endif
