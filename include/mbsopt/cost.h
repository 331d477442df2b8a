/* What steps need of the buffer (section 4). */
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

#ifdef __cplusplus
}
#endif
#endif
