/* The oracle for ilp: every partition, I and residency, one after the other. */
#ifndef TESTS_BRUTE_FORCE_ILP_H
#define TESTS_BRUTE_FORCE_ILP_H

#include "brute_force.h"

/* Programs with more intervals than this take too long. */
#define BRUTE_FORCE_INTERVALS 12

/* How many intervals the program has: pairs of consecutive touches of a tensor. */
int32_t brute_force_interval_count(const mbs_program *program);

/*
 * The least traffic of the steps [first, end) as a group with `iterations`, not in passes;
 * INT64_MAX if they do not fit. `passes_too`: or in passes, for a lone step with I=1.
 */
int64_t brute_force_group(const oracle_task *task, int32_t first, int32_t end, int64_t iterations,
                          bool passes_too);

/* The least traffic of all schedules (model, section 4). O(2^steps + steps^2 * 2^intervals). */
int64_t brute_force_ilp(const oracle_task *task);

#endif
