/* The oracle for dp: every partition, one after the other. */
#ifndef TESTS_BRUTE_FORCE_H
#define TESTS_BRUTE_FORCE_H

#include "mbsopt/hardware.h"
#include "mbsopt/plan.h"
#include "program/program.h"

typedef struct oracle_task {
    const mbs_program *program;
    int64_t batch;
    int64_t buffer_bytes;
    int64_t norm_passes;
    bool pin;
    bool stream;
    bool strips;   /* strip groups are allowed */
    bool in_place; /* steps may write over an operand (section 12) */
} oracle_task;

/* The task that planners are given by the same hardware and options. */
static inline oracle_task oracle_of(const mbs_program *program, const mbs_hardware *hardware,
                                    const mbs_plan_options *options)
{
    return (oracle_task){program,
                         options->batch,
                         options->buffer_bytes - hardware->reserved_bytes,
                         hardware->norm_passes,
                         !options->no_pin,
                         !options->no_stream,
                         program->split && !options->no_strips,
                         options->in_place != 0};
}

/* What [first, end) move with one iteration alone: accumulators that others began, updates. */
int64_t oracle_once(const mbs_program *p, int32_t first, int32_t end);

/* Whether the step of touch t may write over its operand, were it not to stay. */
bool oracle_may_replace(const oracle_task *task, int32_t t);

/* What the parameters of [first, end) move as one group, `room` bytes for pinning. */
int64_t oracle_parameters(const oracle_task *task, int32_t first, int32_t end, int64_t iterations,
                          int64_t room);

/* What the steps [first, end) move as one group with so many iterations and so large a footprint.
 */
int64_t oracle_traffic(const oracle_task *task, int32_t first, int32_t end, int64_t iterations,
                       int64_t peak);

/* The least traffic in dp's space (model, section 5). For programs of few steps: O(2^steps). */
int64_t brute_force_dp(const oracle_task *task);

#endif
