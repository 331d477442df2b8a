/* The oracle for strip groups (model, section 11), beside that for whole samples. */
#ifndef TESTS_BRUTE_FORCE_STRIPS_H
#define TESTS_BRUTE_FORCE_STRIPS_H

#include "brute_force.h"

/*
 * The least traffic of the steps [first, end) as one strip group, over all its T; INT64_MAX if it
 * may be none, or fits with no T.
 */
int64_t brute_force_strips(const oracle_task *task, int32_t first, int32_t end);

#endif
