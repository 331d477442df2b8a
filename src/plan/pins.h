/*
 * What pinned parameters save a group (model, section 4). A byte that m of its steps use is read,
 * or read and written, m·I times if it is not pinned, and once if it is: a byte of weights saves
 * m·I - 1, one of accumulators twice as much. Of parameters that no others share m is 1.
 */
#ifndef PLAN_PINS_H
#define PLAN_PINS_H

#include "base/checked.h"
#include "plan/planner.h"

enum { PINS_WEIGHTS, PINS_ACCUMULATORS, PINS_KINDS };

/* Weights or accumulators of some consecutive steps. */
typedef struct pin_pool {
    int64_t *alone;  /* per cut: bytes before it that one step alone uses */
    int32_t *first;  /* per step: the first in the program that uses the same; -1: it is alone */
    int32_t *uses;   /* per such first step: how many of the range's steps use them */
    int64_t *shared; /* by uses: bytes of the range that have so many; null: nothing is shared */
    int32_t most;    /* uses in the program */
} pin_pool;

/* The parameters of a range of steps [first, end). */
typedef struct pins {
    const mbs_program *program; /* borrowed */
    int32_t first;
    int32_t end;
    pin_pool pools[PINS_KINDS];
} pins;

/* Bytes that save equally much if pinned. */
typedef struct pin_share {
    int64_t saves; /* each, over all iterations; 0: none are left */
    int64_t bytes;
} pin_share;

/* Goes through the shares of a range, those that save most first. */
typedef struct pin_walk {
    const pins *pins;
    int64_t iterations;
    int32_t uses[PINS_KINDS]; /* of the next share */
} pin_walk;

/* An empty range. False if memory is out; free with pins_close in any case. */
bool pins_open(pins *p, const mbs_program *program);
void pins_close(pins *p);

/* Makes it [first, end). In proportion to the steps that come in or go, if any share parameters. */
void pins_move_shared(pins *p, int32_t first, int32_t end);

static inline void pins_move(pins *p, int32_t first, int32_t end)
{
    if (p->program->shares)
        pins_move_shared(p, first, end);
    p->first = first;
    p->end = end;
}

/* How many steps of the program use the same weights or accumulators, at most. */
static inline int64_t pins_most_uses(const pins *p)
{
    const int32_t weights = p->pools[PINS_WEIGHTS].most;
    const int32_t accumulators = p->pools[PINS_ACCUMULATORS].most;
    return weights > accumulators ? weights : accumulators;
}

static inline pin_walk pins_begin(const pins *p, int64_t iterations)
{
    return (pin_walk){
        p, iterations, {p->pools[PINS_WEIGHTS].most, p->pools[PINS_ACCUMULATORS].most}};
}

pin_share pins_next_shared(pin_walk *walk);

static inline pin_share pins_next(pin_walk *walk)
{
    const pins *p = walk->pins;
    if (p->program->shares)
        return pins_next_shared(walk);
    const int kind = walk->uses[PINS_ACCUMULATORS] > 0 ? PINS_ACCUMULATORS : PINS_WEIGHTS;
    const int64_t saves = walk->uses[kind]-- > 0 ? walk->iterations - 1 : 0;
    const int64_t *alone = p->pools[kind].alone;
    return (pin_share){kind == PINS_ACCUMULATORS ? 2 * saves : saves,
                       alone[p->end] - alone[p->first]};
}

int64_t pins_save_shared(const pins *p, int64_t iterations, int64_t room);

/* What the range saves as a group of so many iterations if `room` bytes may be pinned. */
static inline int64_t pins_save(const pins *p, int64_t iterations, int64_t room)
{
    if (p->program->shares)
        return pins_save_shared(p, iterations, room);
    if (room <= 0)
        return 0;
    const int64_t *weight = p->pools[PINS_WEIGHTS].alone;
    const int64_t *accumulator = p->pools[PINS_ACCUMULATORS].alone;
    const int64_t accumulators = min_i64(room, accumulator[p->end] - accumulator[p->first]);
    const int64_t weights = min_i64(room - accumulators, weight[p->end] - weight[p->first]);
    return (iterations - 1) * (2 * accumulators + weights);
}

/* Bytes whose pinning saves anything. */
int64_t pins_worthwhile(const pins *p, int64_t iterations);

/*
 * Pins the parameters of group [first, end) into `room` bytes: those first that save most, of
 * equals accumulators before weights, each in step order. `weight` and `accumulator` are per step
 * of the program.
 */
void pins_fill(const mbs_program *program, int32_t first, int32_t end, int64_t iterations,
               int64_t room, int64_t *weight, int64_t *accumulator);

/* The least that step k moves of its parameters, whatever the other steps of its group do. */
static inline int64_t step_least_moves(const mbs_program *program, int32_t k)
{
    const mbs_step *step = &program->steps[k];
    const parameter_use *weights = &step->weight_use;
    const parameter_use *accumulators = &step->accumulator_use;
    const int64_t read = step->weight_bytes - (weights->previous >= 0 ? weights->common : 0);
    if (program_hands_on(program, k, program->step_count))
        return read;
    return read + step->accumulator_bytes - (accumulators->next >= 0 ? accumulators->common : 0) +
           step_state_bytes(step);
}

/* What a group of one iteration may move less if the next users of the step's parameters join it.
 */
static inline int64_t step_continued_bytes(const mbs_step *step)
{
    const parameter_use *weights = &step->weight_use;
    const parameter_use *accumulators = &step->accumulator_use;
    return (weights->next >= 0 ? weights->common : 0) +
           (accumulators->next >= 0 ? 2 * accumulators->common : 0);
}

#endif
