/*
 * Replaying a plan against a modelled buffer and DRAM (model, section 4). Of the other stages only
 * the data types are used, so that a mistake there is not repeated here: not even the touches'
 * links, which program_link makes.
 */
#ifndef VERIFY_REPLAY_H
#define VERIFY_REPLAY_H

#include "base/error.h"
#include "cost/schedule.h"

/* What a plan can break; each has a name that ends its messages. */
typedef enum rule {
    RULE_BATCH,
    RULE_BUFFER_SIZE,
    RULE_PROGRAM,
    RULE_UNREAD,
    RULE_PHASE,
    RULE_GROUPS,
    RULE_ITERATIONS,
    RULE_COUPLED,
    RULE_MODE,
    RULE_PASSES,
    RULE_PINNED,
    RULE_WORK,
    RULE_RANGE,
    RULE_CAPACITY,
    RULE_DRAM_READ,
    RULE_BUFFER_USE,
    RULE_WRITTEN_ONCE,
    RULE_RESIDENCY,
    RULE_COMPLETE,
    RULE_PEAK,
    RULE_TRAFFIC,
    RULE_BOUND,
    RULE_COUNT
} rule;

/* Which samples of a tensor are where. Iterations run in sample order, so prefixes suffice. */
typedef struct tensor_state {
    int32_t produced; /* samples [0, produced) exist */
    int32_t stored;   /* samples [0, stored) are in DRAM */
    int32_t held_lo;  /* samples [held_lo, held_hi) are in the buffer and stay there */
    int32_t held_hi;
} tensor_state;

typedef struct replay {
    const mbs_plan *plan;
    const mbs_program *program;
    mbs_error *error;
    size_t faults;    /* reported so far; right even where `error` is null */
    bool broken;      /* the plan cannot be executed */
    bool overflow;    /* a figure left 64 bits */
    int64_t capacity; /* bytes of the buffer that may be used */
    int32_t batch;

    /* what the plan claims, read off before the replay */
    bool *arrives;       /* per touch: the interval that ends there is resident */
    bool *stores;        /* per tensor: its producer writes it to DRAM */
    int32_t *last_touch; /* per tensor: 1 + the last touch met on the way, 0 before the first */

    /* what is true by now */
    tensor_state *tensors;
    int32_t *done;  /* per step: it has processed the samples [0, done) */
    uint32_t *told; /* per step: the rules it is reported for already, one bit each */
    int64_t held_bytes;
    int32_t held_tensors;
    mbs_traffic moved;

    /* where the replay is */
    int32_t group;
    int32_t iteration; /* -1 outside of the replay */
    int32_t lo;        /* the iteration's samples are [lo, hi) */
    int32_t hi;
    int64_t pinned_bytes;
    int64_t peak_bytes;
} replay;

/* ---- fault.c: one message per violated rule ---- */

/* `network "x": ... [rule]` */
void plan_fault(replay *r, rule which, const char *format, ...) MBS_PRINTF(3, 4);
/* `group 2 (steps 5 to 9): ... [rule]` */
void group_fault(replay *r, rule which, int32_t group, const char *format, ...) MBS_PRINTF(4, 5);
/* `step 7 "x" (group 2, iteration 0): ... [rule]`; once per step and rule. */
void step_fault(replay *r, rule which, int32_t step, const char *format, ...) MBS_PRINTF(4, 5);

/* A tensor's name for a message. */
quoted_text tensor_name(const replay *r, int32_t tensor);

/* ---- structure.c: what can be seen without executing anything ---- */

/* Checks it all; sets r->broken if the plan cannot be executed. */
void check_structure(replay *r);

/* How often an operand of a step run in passes is read. */
int64_t expected_passes(const replay *r, const mbs_step *step);

/* ---- replay.c ---- */

/* Executes the plan. The arrays of `r` must be there and zero. */
void run_replay(replay *r);

#endif
