/* Time and energy of step executions (model, section 7). */
#ifndef COST_TIME_H
#define COST_TIME_H

#include "cost/schedule.h"
#include "mbsopt/cost.h"

/* DRAM bytes of a step, apart by what they depend on. */
typedef struct step_transfers {
    int64_t activations; /* per sample */
    int64_t first_only;  /* in the first iteration only: pinned weights */
    int64_t last_only;   /* in the last iteration only: pinned accumulators, all of an update; below
                            0 where accumulators that go out in the others are handed on */
    int64_t each;        /* in every iteration: the other weights, accumulators out */
    int64_t again;       /* in every iteration but the first: the other accumulators in */
} step_transfers;

/* What one execution of a step computes. */
typedef struct step_work {
    double gemm_cycles;
    double macs;
    double vector_elements;
    double operand_bytes; /* read or written in the buffer, parameters apart */
} step_work;

/* Adds `times` executions of the step with `work`, each of which moves `dram_bytes`. */
void cost_add_work(mbs_cost *cost, const mbs_hardware *hardware, const mbs_step *step,
                   const step_work *work, double dram_bytes, double times);

/* What an execution takes that computes and moves for so long. */
static inline double cost_execution_s(const mbs_hardware *hardware, double compute_s, double dram_s)
{
    if (hardware->overlap == MBS_OVERLAP_NONE)
        return compute_s + dram_s;
    return compute_s > dram_s ? compute_s : dram_s; /* a call of fmax would take longer than all */
}

/* Elements that a step without a matrix product touches per sample. */
double cost_touched_elements(const mbs_program *program, int32_t k, int64_t passes);

/* What step k, an update, does in the one iteration that it runs in. */
step_work cost_update_work(const mbs_program *program, int32_t k);

/* What step k of the group moves. */
step_transfers cost_transfers(const mbs_plan *plan, const mbs_group *group, int32_t k);

/*
 * Adds to `cost` all iterations of step k of the group, which pushes whole samples, and to `first`
 * the first of them, if it is not null; energy apart.
 */
void cost_add_step(mbs_cost *cost, mbs_cost *first, const mbs_plan *plan,
                   const mbs_hardware *hardware, const mbs_group *group, int32_t k);

/* Adds iteration `iteration` (from 0) of it alone. Of whole samples. */
void cost_add_execution(mbs_cost *cost, const mbs_plan *plan, const mbs_hardware *hardware,
                        const mbs_group *group, int32_t k, int64_t iteration);

/* The same from the transfers alone, for planners that have no plan yet. */
typedef struct step_run {
    const mbs_program *program;
    const mbs_hardware *hardware;
    bool double_buffered;
    int64_t batch;
    int64_t iterations;
    int64_t sub_batch;
    int64_t passes;
} step_run;
void cost_add_run(mbs_cost *cost, const step_run *run, int32_t k, const step_transfers *moved);

/* Of that the first iteration alone. */
void cost_add_first(mbs_cost *cost, const step_run *run, int32_t k, const step_transfers *moved);

/* Energy and utilisation from the sums. */
void cost_finish(mbs_cost *cost, const mbs_hardware *hardware);

#endif
