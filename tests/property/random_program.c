#include "random_program.h"

#include <string.h>

#include "base/memory.h"
#include "mbsopt/hardware.h"
#include "random_network.h"

static int64_t random_size(uint64_t *state, int64_t highest)
{
    int64_t limit = highest >> random_between(state, 0, 6);
    return random_between(state, 1, limit < 1 ? 1 : limit);
}

int64_t random_buffer(uint64_t *state, const mbs_program *p, int64_t batch)
{
    const int32_t k = (int32_t)random_between(state, 0, p->step_count - 1);
    const int64_t iterations = random_between(state, 1, batch);
    const int64_t b = (batch + iterations - 1) / iterations;
    int64_t bytes = 0;
    int64_t parameters = 0;
    for (int32_t t = p->steps[k].touch_begin; t < p->steps[k].touch_end; t++)
        bytes += p->tensors[p->touches[t].tensor].bytes;
    for (int32_t i = 0; i < p->tensor_count; i++)
        if (random_between(state, 0, 3) == 0)
            bytes += p->tensors[i].bytes;
    for (int32_t i = 0; i < p->step_count; i++)
        if (random_between(state, 0, 3) == 0)
            parameters += p->steps[i].weight_bytes + p->steps[i].accumulator_bytes;
    bytes = b * bytes + (random_between(state, 0, 1) ? parameters : 0) +
            (random_between(state, 0, 1) ? random_between(state, -1, 1)
                                         : random_between(state, 0, 300));
    return bytes < MBS_MIN_BUFFER_BYTES ? MBS_MIN_BUFFER_BYTES : bytes;
}

typedef struct sketch {
    int32_t steps;
    int32_t tensors;
    bool touched[RANDOM_PROGRAM_STEPS][2 * RANDOM_PROGRAM_STEPS];
    int32_t producer[2 * RANDOM_PROGRAM_STEPS]; /* -1 for an input */
} sketch;

static void draw(sketch *d, uint64_t *state)
{
    d->steps = (int32_t)random_between(state, 2, RANDOM_PROGRAM_STEPS);
    d->tensors = (int32_t)random_between(state, d->steps, d->steps + 2);
    for (int32_t i = 0; i < d->tensors; i++) {
        d->producer[i] = (int32_t)random_between(state, -1, d->steps - 2);
        d->touched[d->producer[i] < 0 ? 0 : d->producer[i]][i] = d->producer[i] >= 0;
        for (int64_t readers = random_between(state, 1, 3); readers > 0; readers--)
            d->touched[random_between(state, d->producer[i] + 1, d->steps - 1)][i] = true;
    }
}

/* Appends the operands of step k, read ones or written ones; numbers new tensors. */
static void add_touches(mbs_program *p, const sketch *d, int32_t k, bool writes, int32_t *number)
{
    for (int32_t i = 0; i < d->tensors; i++) {
        if (!d->touched[k][i] || (d->producer[i] == k) != writes)
            continue;
        if (number[i] < 0)
            number[i] = p->tensor_count++;
        p->touches[p->touch_count++] = (mbs_touch){.tensor = number[i], .step = k};
    }
}

/* Of some steps: what they write first may go over some of the operands, which are as large. */
static void take_element_by_element(mbs_program *p, const mbs_step *step, uint64_t *state)
{
    if (step->write_begin == step->touch_end || random_between(state, 0, 1) == 0)
        return;
    const int64_t bytes = p->tensors[p->touches[step->write_begin].tensor].bytes;
    for (int32_t t = step->touch_begin; t < step->write_begin; t++)
        if (random_between(state, 0, 2) > 0) {
            p->touches[t].elementwise = true;
            if (random_between(state, 0, 2) > 0)
                p->tensors[p->touches[t].tensor].bytes = bytes;
        }
}

mbs_program *random_program(uint64_t *state)
{
    sketch d = {0};
    const int64_t scale = random_between(state, 0, 2) == 0 ? 1000 : 1;
    int32_t number[2 * RANDOM_PROGRAM_STEPS];
    mbs_program *p = mem_calloc(1, sizeof *p);
    p->steps = mem_calloc(RANDOM_PROGRAM_STEPS, sizeof *p->steps);
    p->tensors = mem_calloc(2 * RANDOM_PROGRAM_STEPS, sizeof *p->tensors);
    p->touches =
        mem_calloc((size_t)2 * RANDOM_PROGRAM_STEPS * RANDOM_PROGRAM_STEPS, sizeof *p->touches);
    p->network_name = mem_strdup("random");
    p->inference = random_between(state, 0, 2) == 0;
    memset(number, -1, sizeof number);
    draw(&d, state);
    p->step_count = d.steps;
    for (int32_t k = 0; k < d.steps; k++) {
        mbs_step *step = &p->steps[k];
        *step = (mbs_step){.name = "step",
                           .kind = "conv",
                           .layer = "step",
                           .layer_id = k,
                           .given = k,
                           .coupled_to = -1,
                           .replaceable = -1,
                           .weight_use = {-1, -1, 0},
                           .accumulator_use = {-1, -1, 0}};
        step->whole_sample = random_between(state, 0, 3) == 0;
        step->coupled = random_between(state, 0, 15) == 0;
        step->touch_begin = p->touch_count;
        add_touches(p, &d, k, false, number);
        step->write_begin = p->touch_count;
        add_touches(p, &d, k, true, number);
        step->touch_end = p->touch_count;
        if (random_between(state, 0, 1))
            step->weight_bytes = random_size(state, 20000 * scale);
        if (random_between(state, 0, 2) == 0)
            step->accumulator_bytes = random_size(state, 20000 * scale);
    }
    for (int32_t i = 0; i < p->tensor_count; i++) {
        p->tensors[i].name = "tensor";
        p->tensors[i].bytes = random_size(state, random_between(state, 0, 1) ? 8000 * scale : 300);
    }
    for (int32_t k = 0; k < p->step_count; k++)
        take_element_by_element(p, &p->steps[k], state);
    program_link(p);
    for (int32_t i = 0; i < p->tensor_count; i++)
        p->tensors[i].kept =
            p->inference && p->tensors[i].producer >= 0 && random_between(state, 0, 4) == 0;
    return p;
}
