/* What plans cost besides traffic: buffer needs (section 4), time and energy (section 7). */
#ifndef MBSOPT_COST_H
#define MBSOPT_COST_H

#include "mbsopt/plan.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The smallest number of iterations at which step `step`, alone in a group with its operands
 * staged, fits `buffer_bytes` (reserved bytes already taken off) at mini-batch `batch`; 0 if it
 * fits at no sub-batch and must run in passes. Errors: MBS_ERR_ARGUMENT.
 */
MBS_API mbs_status mbs_step_smallest_iterations(const mbs_program *program, size_t step,
                                                int64_t batch, int64_t buffer_bytes,
                                                int64_t *iterations);

/*
 * Estimated time and energy of one training step (or a part of it) on one core. Times of single
 * step executions add up; each takes the longer of its computation and its DRAM transfers, or what
 * else the hardware's `overlap` says. Where iterations of a group overlap a part of the group has
 * the share of its time that it would have if they did not.
 */
typedef struct mbs_cost {
    double time_s;
    double compute_s;       /* of the array and the vector unit, as if nothing waited for DRAM */
    double dram_s;          /* of the transfers, as if nothing waited for computation */
    double compute_bound_s; /* the part of time_s in which computation is the longer, in all or of
                               what overlaps */
    double dram_bytes;
    double buffer_bytes;    /* read or written in the buffer */
    double macs;            /* multiply-accumulates */
    double gemm_cycles;     /* of the systolic array */
    double vector_elements; /* touched by the vector unit */
    double dram_j;
    double buffer_j;
    double mac_j;
    double vector_j;
    double static_j;
    double energy_j;    /* the sum of the five above */
    double utilisation; /* macs / (array cells · gemm_cycles); 0 without matrix products */
} mbs_cost;

/*
 * The cost of the whole plan, of one group, of the steps of one phase, or of one step in all its
 * iterations. Shapes are needed, which a plan file may lack. O(touches of the part), where
 * iterations overlap of its groups, of a group of strips O(its touches · strips per sample).
 * Errors: MBS_ERR_ARGUMENT (index out of range, or a loaded plan without shapes), MBS_ERR_MEMORY.
 */
MBS_API mbs_status mbs_plan_cost(const mbs_plan *plan, const mbs_hardware *hardware,
                                 mbs_cost *cost);
MBS_API mbs_status mbs_plan_group_cost(const mbs_plan *plan, const mbs_hardware *hardware,
                                       size_t group, mbs_cost *cost);
MBS_API mbs_status mbs_plan_phase_cost(const mbs_plan *plan, const mbs_hardware *hardware,
                                       mbs_phase phase, mbs_cost *cost);
MBS_API mbs_status mbs_plan_step_cost(const mbs_plan *plan, const mbs_hardware *hardware,
                                      size_t step, mbs_cost *cost);

#ifdef __cplusplus
}
#endif
#endif
