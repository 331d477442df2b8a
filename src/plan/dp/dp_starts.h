/*
 * dp's starts: for every cut, the traffic of the best way to it and of a group from it to the last
 * cut, but for the rereading of parameters; and what is known of such groups. O(steps) memory.
 */
#ifndef PLAN_DP_DP_STARTS_H
#define PLAN_DP_DP_STARTS_H

#include "base/checked.h"
#include "plan/planner.h"

/* Cuts are summed up in blocks, so that many starts are ruled out at once. */
#define STARTS_BLOCK 64

/* What a group was found to need, and every larger one needs as well. */
typedef struct starts_need {
    int32_t smallest; /* candidates before this one do not fit */
    int64_t peak;     /* the largest footprint is at least this, whatever candidate it has */
} starts_need;

/* A minimum over a block, at a number of iterations; 0 if it is not known. */
typedef struct starts_least {
    int64_t iterations;
    int64_t value;
} starts_least;

typedef struct starts {
    const mbs_program *program;
    int64_t batch;
    int32_t count;    /* cuts 0...count-1 are in, */
    int32_t end;      /* and the steps before this one */
    int64_t *weights; /* per cut: bytes of all steps before it, likewise below */
    int64_t *accumulators;
    int64_t *once;      /* program_once_bytes */
    int64_t *continued; /* step_continued_bytes */
    /*
     * The value of cut k: the least traffic of the steps before it + the activations that group
     * [k, end) moves + program_head_bytes. It is base + offset[k / STARTS_BLOCK] + rest[k].
     */
    int64_t base;
    int64_t *offset;
    int64_t *rest;
    starts_least *least;     /* two per block: at I=1 and at another I, of rest */
    starts_need *need;       /* per cut */
    starts_need *block_need; /* per block: the most of its cuts */
} starts;

/* Borrows the program. False if memory is out; free with starts_close in any case. */
bool starts_open(starts *s, const mbs_program *program, int64_t batch);
void starts_close(starts *s);

/* Adds the next cut, to which the least traffic is `best`. */
void starts_add_cut(starts *s, int64_t best);

/* Lets the groups end with the next step, the one after the last cut. */
void starts_add_step(starts *s);

/* Parameter bytes of some steps. */
typedef struct parameters {
    int64_t weights;
    int64_t accumulators;
} parameters;

static inline parameters starts_parameters_of(const starts *s, int32_t first, int32_t end)
{
    return (parameters){s->weights[end] - s->weights[first],
                        s->accumulators[end] - s->accumulators[first]};
}

/*
 * The most that a group's traffic falls short of what it moves at I=1 where layers share no
 * parameters, because steps [first, end) are in it: a group with its pins moves no less than that
 * and what its iterations reread of smaller groups.
 */
static inline int64_t starts_continued(const starts *s, int32_t first, int32_t end)
{
    return s->continued[end] - s->continued[first];
}

/* What every iteration after the first costs without pinning. */
static inline int64_t reread_bytes(parameters p)
{
    return p.weights + 2 * p.accumulators;
}

/* Parameter traffic of the steps before `cut` at I iterations. */
static inline int64_t starts_parameters(const starts *s, int32_t cut, int64_t iterations)
{
    return iterations * s->weights[cut] + (2 * iterations - 1) * s->accumulators[cut] +
           s->once[cut];
}

/*
 * The value of a cut less starts_parameters before it. Together with starts_parameters before
 * `end`: the traffic with a group [cut, end) of I iterations that pins nothing.
 */
static inline int64_t starts_reduced(const starts *s, int32_t cut, int64_t iterations)
{
    return s->base + s->offset[cut / STARTS_BLOCK] + s->rest[cut] -
           starts_parameters(s, cut, iterations);
}

/* The least of starts_reduced in a full block. */
int64_t starts_block_reduced(starts *s, int32_t block, int64_t iterations);

/* Raises *need to `more`; returns whether that changed it. */
bool starts_raise(starts_need *need, starts_need more);

/* Keeps what group [cut, end) needs. */
void starts_learn(starts *s, int32_t cut, starts_need need);

#endif
