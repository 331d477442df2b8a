/* The oracle for dp: every partition, one after the other. */
#ifndef TESTS_BRUTE_FORCE_H
#define TESTS_BRUTE_FORCE_H

#include "program/program.h"

typedef struct oracle_task {
    const mbs_program *program;
    int64_t batch;
    int64_t buffer_bytes;
    int64_t norm_passes;
    bool pin;
    bool stream;
} oracle_task;

/* The least traffic in dp's space (model, section 5). For programs of few steps: O(2^steps). */
int64_t brute_force_dp(const oracle_task *task);

#endif
