/* Small random programs as no network would make them, and buffers in which they are tight. */
#ifndef TESTS_RANDOM_PROGRAM_H
#define TESTS_RANDOM_PROGRAM_H

#include <stdint.h>

#include "program/program.h"

#define RANDOM_PROGRAM_STEPS 7 /* at most */

/* The program is the caller's (mbs_program_free). */
mbs_program *random_program(uint64_t *state);

/* Bytes somewhere near what some steps need, so that not everything fits. */
int64_t random_buffer(uint64_t *state, const mbs_program *program, int64_t batch);

#endif
