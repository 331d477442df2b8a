/* What the property tests share: seed and rounds from the environment, and running a suite. */
#ifndef TESTS_RUN_H
#define TESTS_RUN_H

#include <check.h>
#include <stdint.h>

/* Takes MBS_SEED and MBS_ROUNDS where they are set, and prints both so that a run can be repeated.
 */
void run_settings(uint64_t *seed, int *rounds);

/* Runs the suite; the program's exit status. */
int run_suite(Suite *suite);

#endif
