/* How steps of a network's programs, which differ in what they recompute, are told to be the same.
 */
#ifndef PLAN_RECOMPUTE_SIGNATURE_H
#define PLAN_RECOMPUTE_SIGNATURE_H

#include "program/program.h"

/* Which step it is, whatever the program. */
uint64_t signature_step(const mbs_step *step);

/*
 * Per step, equal for steps of two programs that do the same on the same tensors, which come from
 * and go to the same steps. The caller's (mem_free); null if memory is out.
 */
uint64_t *signature_create(const mbs_program *program);

#endif
