/*
 * Replaying a plan against a modelled buffer and DRAM (model, section 4). Of the other stages only
 * the data types are used, so that a mistake there is not repeated here: not even the touches'
 * links, which program_link makes.
 */
#ifndef VERIFY_REPLAY_H
#define VERIFY_REPLAY_H

#include "base/error.h"
#include "cost/schedule.h"
#include "plan/watch.h"

/* What a plan can break; each has a name that ends its messages. */
typedef enum rule {
    RULE_BATCH,
    RULE_BUFFER_SIZE,
    RULE_PROGRAM,
    RULE_ROWS,
    RULE_UNREAD,
    RULE_PHASE,
    RULE_ORDER,
    RULE_GROUPS,
    RULE_ITERATIONS,
    RULE_STRIPS,
    RULE_COUPLED,
    RULE_MODE,
    RULE_PASSES,
    RULE_PINNED,
    RULE_IN_PLACE,
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

/* Rows [lo, hi) of a tensor; none if lo >= hi. */
typedef struct row_range {
    int64_t lo;
    int64_t hi;
} row_range;

/*
 * A tensor in a strip group, and which of its rows the buffer holds: they come and go in order, so
 * one range does. Every sample goes through a group alike, so one sample is replayed.
 */
typedef struct strip_tensor {
    int32_t group;      /* the last group that touched it, and there: */
    int32_t writer;     /* the step that writes it; -1: it comes from DRAM */
    int32_t first_step; /* that touches it */
    int32_t last_step;
    int32_t last_touch;
    bool whole;        /* written, but there only when its writer has done all of its rows */
    int64_t wanted;    /* of one from DRAM: the rows [0, wanted) are needed in this strip */
    row_range held;    /* now in the buffer; `hi` have been there so far */
    int64_t needed;    /* the lowest row that a later strip needs */
    int64_t most;      /* rows held at a time */
    int64_t most_kept; /* of them, from one strip to the next */
} strip_tensor;

/* A step in a strip group. */
typedef struct strip_step {
    bool feeds;     /* a later step of the group reads what it writes */
    int64_t demand; /* rows that those need in this strip */
    int64_t target; /* rows [0, target) are done by the end of the strip, */
    int64_t done;   /* rows [0, done) by now */
} strip_step;

/* What the replay of strip groups works with; all null if a plan has none. */
typedef struct strip_state {
    strip_tensor *tensors; /* per tensor of the program */
    strip_step *steps;     /* per step */
    int32_t *touched;      /* the tensors of the group at hand, in order of their first touch */
    int32_t touched_count;
} strip_state;

typedef struct replay {
    const mbs_plan *plan;
    const mbs_program *program;
    mbs_error *error;
    plan_watch *watch; /* may be null */
    bool stopped;      /* by it */
    size_t faults;     /* reported so far; right even where `error` is null */
    bool broken;       /* the plan cannot be executed */
    bool overflow;     /* a figure left 64 bits */
    bool streams;      /* the plan streams steps; without, it was made so that none is */
    int64_t capacity;  /* bytes of the buffer that may be used */
    int32_t batch;

    /* what the plan claims, read off before the replay */
    bool *arrives;       /* per touch: the interval that ends there is resident */
    bool *stores;        /* per tensor: its producer writes it to DRAM */
    int32_t *last_touch; /* per tensor: 1 + the last touch met on the way, 0 before the first */
    int32_t *writer;     /* per tensor: the step that writes it, -1: none does */
    int32_t *step_of;    /* per place in the network's own order: the step that is there */
    int32_t
        *statistics; /* per tensor: 1 + the step if these are its statistics of the mini-batch */

    /* what is true by now */
    tensor_state *tensors;
    int32_t *done;  /* per step: it has processed the samples [0, done) */
    uint32_t *told; /* per step: the rules it is reported for already, one bit each */
    int64_t held_bytes;
    int32_t held_tensors;
    strip_state strips;
    mbs_traffic moved;

    /* where the replay is */
    int32_t group;
    int32_t iteration; /* or strip; -1 outside of the replay */
    int32_t lo;        /* the iteration's samples are [lo, hi) */
    int32_t hi;
    int64_t pinned_bytes;
    int64_t peak_bytes;
} replay;

/* ---- verify.c ---- */

/* mbs_plan_verify, which `watch` may end: MBS_ERR_STOPPED. */
mbs_status verify_watched(const mbs_plan *plan, mbs_traffic *counted, plan_watch *watch,
                          mbs_error *error);

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

/* ---- order.c: the steps' order and the network's own (section 14) ---- */

void check_order(replay *r);

/* ---- in_place.c: what is written over an operand (section 12) ---- */

/* Checks that step k of the group may; r->broken is set if what that means is not clear. */
void check_in_place(replay *r, const mbs_group *group, int32_t k);
/* By how much step k needs less with the samples at hand because two of its operands are one. */
int64_t bytes_in_place(replay *r, int32_t k);

/* ---- rows.c: the rows of steps and operands (section 11) ---- */

/* Checks rows and maps of a program that has them; r->broken is set if there is a fault. */
void check_rows(replay *r);

/* Of an operand with `height` rows those that row `row` of a step with `rows` rows needs. */
row_range rows_needed(const mbs_row_map *map, int64_t rows, int64_t height, int64_t row);

/* ---- kinds.c; samples.c, strips.c ---- */

/* How a group's iterations divide the mini-batch, and what follows from that. */
typedef struct group_kind {
    /* Checks iterations, sub-batch and strips; sets r->broken if they cannot be executed. */
    void (*check)(replay *r, int32_t group);
    /* How often the replay goes through the group's steps. */
    int64_t (*rounds)(const mbs_group *group);
    void (*execute)(replay *r, const mbs_group *group);
} group_kind;

extern const group_kind whole_samples;
extern const group_kind strips_of_rows;
const group_kind *kind_of(const mbs_group *group);

/* ---- strip_buffer.c ---- */

/* Checks modes and footprints of a strip group, from what its strips held. */
void measure_strips(replay *r, const mbs_group *group);

/* The first n rows of a tensor, 0 <= n <= its rows. */
int64_t bytes_of_rows(const mbs_tensor *tensor, int64_t n);

/* ---- measure.c ---- */

/* Sums and products that remember an overflow in r->overflow. */
void add_bytes(replay *r, int64_t *sum, int64_t value);
int64_t times(replay *r, int64_t a, int64_t b);

/* At step k the buffer holds `full` bytes: do they fit, are they the group's most? */
void measure_step(replay *r, int32_t k, int64_t full);

/* How often an operand of a step run in passes is read. */
int64_t expected_passes(const replay *r, const mbs_step *step);

/* Whether step k, of the group at hand, is followed there by the update of what it accumulates: the
 * last iteration leaves that where the update finds it. */
bool hands_gradient_on(const replay *r, int32_t k);

/*
 * What an update moves, in the last iteration of its group: its gradient, unless that is handed on
 * to it, state and masters or weights in, and out again, weights out. Nothing for any other step.
 */
void move_update(replay *r, int32_t k);

/* ---- execute.c ---- */

/* Executes the plan. The arrays of `r` must be there and zero. */
void run_replay(replay *r);

#endif
