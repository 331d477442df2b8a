/* What dp's search for time and energy has at hand (dp_cost.c), set up in dp_cost_open.c. */
#ifndef PLAN_DP_DP_SEARCH_H
#define PLAN_DP_DP_SEARCH_H

#include "base/checked.h"
#include "cost/time.h"
#include "plan/dp/dp_range.h"
#include "plan/dp/dp_span.h"
#include "plan/dp/dp_times.h"
#include "plan/pins.h"

/* Times are added and taken off again: bounds are lowered by more than that can be wrong. */
#define ROUNDING 1e-9

/* Computation of one execution of a step: on a full sub-batch and on what the last one has. */
typedef struct compute_time {
    double full_s;
    double rest_s;
} compute_time;

typedef struct cost_search {
    dp_range *range;
    const plan_task *task; /* the range's, likewise the next */
    const candidates *list;
    double limit;          /* see dp_range_solve */
    double bytes_per_s;    /* DRAM bandwidth of a core */
    int64_t *operands;     /* per step: bytes per sample of all its operands */
    compute_time *compute; /* [candidate * steps + step] */
    double *least_compute; /* per step: the least seconds of all samples */
    double *computing;     /* [candidate * (steps + 1) + cut]: seconds of all steps before it */
    int64_t *weights;      /* per cut: bytes of the steps before it, likewise below */
    int64_t *accumulators;
    int64_t *once; /* of what one iteration moves besides */
    double *fixed; /* joules that do not depend on I or residency */

    span group;             /* the group that grows */
    pins pins;              /* its parameters */
    int64_t *pinned_weight; /* per step */
    int64_t *pinned_accumulator;
    int64_t moved;        /* its activation bytes per sample */
    int64_t *activations; /* the same per step */
    group_times *least;   /* per candidate: its times if all parameters were pinned, */
    bool *is_known;       /* if it was of use up to now */
} cost_search;

/* What step k does in all iterations but the first, where they overlap; in turn apart. */
static inline group_times overlapped(const cost_search *s, int32_t k, double compute_s,
                                     double bytes)
{
    const bool is_array = s->task->program->steps[k].gemm.m > 0;
    return (group_times){.array_s = is_array ? compute_s : 0,
                         .vector_s = is_array ? 0 : compute_s,
                         .dram_s = bytes / s->bytes_per_s};
}

static inline double execution_time(const cost_search *s, double compute_s, double bytes)
{
    return cost_execution_s(s->task->hardware, compute_s, bytes / s->bytes_per_s);
}

/* Each step alone in a group with so many iterations. */
static inline step_run cost_search_run(const cost_search *s, int64_t iterations, int64_t passes)
{
    return (step_run){.program = s->task->program,
                      .hardware = s->task->hardware,
                      .double_buffered = true,
                      .batch = s->task->batch,
                      .iterations = iterations,
                      .sub_batch = ceil_div(s->task->batch, iterations),
                      .passes = passes};
}

/* Seconds that the group's steps from `first` on compute for in all iterations, or 0 where what is
 * sought is not the least sum of its executions' times. */
static inline double cost_search_computing(const cost_search *s, int32_t c, int32_t first)
{
    const double *computing = s->computing + (size_t)c * ((size_t)s->task->program->step_count + 1);
    if (s->task->objective != MBS_TIME || s->task->hardware->overlap == MBS_OVERLAP_GROUP)
        return 0;
    return (1 - ROUNDING) * (computing[s->group.end] - computing[first]);
}

/* Joules of a group that takes `time_s` and moves `bytes`. */
static inline double cost_search_energy(const cost_search *s, int32_t first, int32_t end,
                                        int64_t iterations, double time_s, double bytes)
{
    const mbs_hardware *hardware = s->task->hardware;
    const double pj = 1e-12;
    double parameters = (double)(s->weights[end] - s->weights[first]) +
                        2 * (double)(s->accumulators[end] - s->accumulators[first]);
    return s->fixed[end] - s->fixed[first] + time_s * hardware->static_w +
           bytes * pj * (8 * hardware->dram_pj_per_bit + hardware->buffer_pj_per_byte) +
           (double)iterations * parameters * pj * hardware->buffer_pj_per_byte;
}

#endif
