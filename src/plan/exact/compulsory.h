/* A plain bound: what is moved in any case. */
#ifndef PLAN_EXACT_COMPULSORY_H
#define PLAN_EXACT_COMPULSORY_H

#include "program/program.h"

/*
 * What every schedule of the program moves, and of all programs that differ from it in what they
 * recompute or in whether norms are split: network inputs, kept sinks and all parameters once.
 */
int64_t exact_compulsory(const mbs_program *program, int64_t batch);

/* Step k's part of it. */
int64_t exact_compulsory_step(const mbs_program *program, int64_t batch, int32_t k);

#endif
