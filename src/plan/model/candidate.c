/* What one candidate, a number of iterations, adds to the integer program. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "cost/footprint.h"
#include "plan/model/model.h"

/* Steps looked at for whether tensors may cross them: more would take minutes. */
#define MAX_WORK INT64_C(2000000000)

/* Room for the longest name, r_TENSOR_FROM_TO_I. */
#define NAME_BYTES 64

/* The candidate at hand. */
typedef struct part {
    model *m;
    const mbs_program *program;
    int32_t candidate;
    int64_t iterations;
    int64_t sub_batch;
    int64_t capacity;
    bool pins; /* parameters may be pinned, and that saves something */
} part;

static int add_column(part *c, model_part kind, int32_t item, double upper, double cost,
                      const char *name)
{
    const bool binary = kind != MODEL_OTHER;
    return model_add_column(c->m, (model_column){kind, item, c->candidate, binary}, upper, cost,
                            name);
}

/* A column of a step that no plan is read off; `letter` tells what it is. */
static int add_step_column(part *c, char letter, int32_t k, double upper, double cost)
{
    char name[NAME_BYTES];
    snprintf(name, sizeof name, "%c_%d_%" PRId64, letter, k, c->iterations);
    return add_column(c, MODEL_OTHER, k, upper, cost, name);
}

/* smaller <= larger */
static void add_order(part *c, int smaller, int larger)
{
    int row = model_add_row(c->m, -INFINITY, 0, NULL);
    model_add_element(c->m, row, smaller, 1);
    model_add_element(c->m, row, larger, -1);
}

static void add_runs(part *c)
{
    model *m = c->m;
    const int64_t again = c->iterations - 1;
    for (int32_t k = 0; k < c->program->step_count; k++) {
        const mbs_step *step = &c->program->steps[k];
        char name[NAME_BYTES];
        m->run[k] = 0;
        m->join[k] = 0;
        m->least[k] = model_least_footprint(m, k, c->candidate);
        if (m->least[k] > c->capacity || (step->coupled && again > 0))
            continue;
        int64_t bytes = step_parameter_moves(c->program, k) + again * step->weight_bytes +
                        2 * again * step->accumulator_bytes;
        snprintf(name, sizeof name, "z_%d_%" PRId64, k, c->iterations);
        m->run[k] = add_column(c, MODEL_RUN, k, 1, (double)bytes, name);
        model_add_element(m, m->choose_row[k], m->run[k], 1);
        const int64_t head = program_head_bytes(c->program, k);
        if ((!c->pins && head == 0) || k == 0 || m->run[k - 1] == 0)
            continue;
        snprintf(name, sizeof name, "j_%d_%" PRId64, k, c->iterations);
        m->join[k] = add_column(c, MODEL_JOIN, k, 1, -(double)head, name);
        add_order(c, m->join[k], m->run[k - 1]);
        add_order(c, m->join[k], m->run[k]);
    }
}

/* Whether the interval that begins at touch t can stay. */
static bool may_stay(part *c, int32_t t)
{
    const mbs_touch *touch = &c->program->touches[t];
    const int32_t from = touch->step;
    const int32_t to = c->program->touches[touch->next].step;
    const int64_t bytes = c->sub_batch * c->program->tensors[touch->tensor].bytes;
    c->m->work += to - from;
    if (c->m->run[from] == 0 || c->m->run[to] == 0)
        return false;
    for (int32_t k = from + 1; k < to; k++)
        if (c->m->run[k] == 0 || bytes + c->m->least[k] > c->capacity)
            return false;
    return true;
}

/* Adds the intervals' columns, and to `most` what they may hold at the steps between. */
static void add_keeps(part *c)
{
    model *m = c->m;
    const mbs_program *p = c->program;
    memset(m->most, 0, ((size_t)p->step_count + 1) * sizeof *m->most);
    for (int32_t t = 0; t < p->touch_count && model_is_sound(m); t++) {
        const mbs_touch *touch = &p->touches[t];
        m->keep[t] = 0;
        if (touch->next < 0 || !may_stay(c, t))
            continue;
        const int32_t to = p->touches[touch->next].step;
        const int64_t bytes = p->tensors[touch->tensor].bytes;
        char name[NAME_BYTES];
        snprintf(name, sizeof name, "r_%d_%d_%d_%" PRId64, touch->tensor, touch->step, to,
                 c->iterations);
        m->keep[t] = add_column(c, MODEL_KEEP, t, 1, -(double)(m->task->batch * bytes), name);
        model_add_element(m, m->written_row[t], m->keep[t], 1);
        /* within one group: with joins, what holds of them holds of the steps */
        for (int32_t k = touch->step + c->pins; k <= to; k++)
            add_order(c, m->keep[t], c->pins ? m->join[k] : m->run[k]);
        m->most[touch->step + 1] += bytes;
        m->most[to] -= bytes;
        m->too_large = m->too_large || m->work > MAX_WORK;
    }
    for (int32_t k = 1; k < p->step_count; k++)
        m->most[k] += m->most[k - 1];
}

/* Capacity, where it can bind: footprint <= capacity · z, with staged operands for now. */
static void add_rooms(part *c)
{
    model *m = c->m;
    const int64_t pinned = c->pins ? min_i64(m->pinnable, c->capacity) : 0;
    for (int32_t k = 0; k < c->program->step_count; k++) {
        const int64_t operands = program_operand_bytes(c->program, k);
        char name[NAME_BYTES];
        m->room_row[k] = 0;
        if (m->run[k] == 0 || c->sub_batch * (operands + m->most[k]) + pinned <= c->capacity)
            continue;
        snprintf(name, sizeof name, "ROOM_%d_%" PRId64, k, c->iterations);
        m->room_row[k] = model_add_row(m, -INFINITY, 0, name);
        model_add_element(m, m->room_row[k], m->run[k],
                          (double)(c->sub_batch * operands - c->capacity));
    }
    for (int32_t t = 0; t < c->program->touch_count && model_is_sound(m); t++) {
        const mbs_touch *touch = &c->program->touches[t];
        if (touch->next < 0 || m->keep[t] == 0)
            continue;
        const int64_t bytes = c->sub_batch * c->program->tensors[touch->tensor].bytes;
        for (int32_t k = touch->step + 1; k < c->program->touches[touch->next].step; k++)
            model_add_element(m, m->room_row[k], m->keep[t], (double)bytes);
    }
}

/* o: a streamed step's operand is resident all the same; at least each end's r + y - z. */
static void add_held(part *c, int32_t k, int32_t t, int streamed, int64_t samples)
{
    model *m = c->m;
    const mbs_touch *touch = &c->program->touches[t];
    const int ends[2] = {touch->previous >= 0 ? m->keep[touch->previous] : 0,
                         touch->next >= 0 ? m->keep[t] : 0};
    char name[NAME_BYTES];
    if ((ends[0] == 0 && ends[1] == 0) || samples == 0)
        return;
    snprintf(name, sizeof name, "o_%d_%d_%" PRId64, k, touch->tensor, c->iterations);
    int held = add_column(c, MODEL_OTHER, t, 1, 0, name);
    model_add_element(m, m->room_row[k], held,
                      (double)(samples * c->program->tensors[touch->tensor].bytes));
    for (int i = 0; i < 2; i++) {
        if (ends[i] == 0)
            continue;
        int row = model_add_row(m, 0, INFINITY, NULL);
        model_add_element(m, row, held, 1);
        model_add_element(m, row, ends[i], -1);
        model_add_element(m, row, streamed, -1);
        model_add_element(m, row, m->run[k], 1);
    }
}

/*
 * y: the step's operands stream. That takes the staged ones off its row, and puts the parameters,
 * a sample where statistics need one, and what is resident on it.
 */
static void add_mode(part *c, int32_t k)
{
    model *m = c->m;
    const mbs_step *step = &c->program->steps[k];
    const int64_t operands = program_operand_bytes(c->program, k);
    const int64_t staged = c->sub_batch * operands;
    const int64_t streamed = step_parameter_bytes(step) + (step->whole_sample ? operands : 0);
    char name[NAME_BYTES];
    if (m->room_row[k] == 0 || !m->task->stream || streamed >= staged)
        return;
    snprintf(name, sizeof name, "y_%d_%" PRId64, k, c->iterations);
    int y = model_add_column(m, (model_column){MODEL_OTHER, k, c->candidate, true}, 1, 0, name);
    add_order(c, y, m->run[k]);
    model_add_element(m, m->room_row[k], y, (double)(streamed - staged));
    for (int32_t t = step->touch_begin; t < step->touch_end; t++)
        add_held(c, k, t, y, c->sub_batch - step->whole_sample);
}

/* The columns of what step k pins, and of its group's pins. */
typedef struct pin_columns {
    int accumulators; /* a, bytes; 0 if it has none */
    int weights;      /* v, likewise */
    int up_to;        /* f: pinned by its group's steps up to and including this one */
    int after;        /* g: and by those after it */
    double most;      /* that the group can pin */
} pin_columns;

static int add_pin(part *c, char letter, int32_t k, int64_t bytes, int64_t saves)
{
    if (bytes == 0)
        return 0;
    int pinned = add_step_column(c, letter, k, (double)bytes, -(double)saves);
    int row = model_add_row(c->m, -INFINITY, 0, NULL); /* only if the step runs so */
    model_add_element(c->m, row, pinned, 1);
    model_add_element(c->m, row, c->m->run[k], -(double)bytes);
    return pinned;
}

/* sum >= other + what `step` pins - most · (z - j): within a group, the sum goes on. */
static void add_sum(part *c, int sum, int other, const pin_columns *step, double most, int run,
                    int join)
{
    int row = model_add_row(c->m, 0, INFINITY, NULL);
    model_add_element(c->m, row, sum, 1);
    if (other != 0) {
        model_add_element(c->m, row, other, -1);
        model_add_element(c->m, row, run, most);
        model_add_element(c->m, row, join, -most);
    }
    if (step->accumulators != 0)
        model_add_element(c->m, row, step->accumulators, -1);
    if (step->weights != 0)
        model_add_element(c->m, row, step->weights, -1);
}

static pin_columns add_step_pins(part *c, int32_t k)
{
    const mbs_step *step = &c->program->steps[k];
    const int64_t again = c->iterations - 1;
    pin_columns pins = {.most = (double)min_i64(c->capacity - c->m->least[k], c->m->pinnable)};
    pins.accumulators = add_pin(c, 'a', k, step->accumulator_bytes, 2 * again);
    pins.weights = add_pin(c, 'v', k, step->weight_bytes, again);
    pins.up_to = add_step_column(c, 'f', k, pins.most, 0);
    pins.after = add_step_column(c, 'g', k, pins.most, 0);
    if (pins.accumulators != 0 || pins.weights != 0)
        add_sum(c, pins.up_to, 0, &pins, 0, 0, 0);
    model_add_element(c->m, c->m->room_row[k], pins.up_to, 1);
    model_add_element(c->m, c->m->room_row[k], pins.after, 1);
    return pins;
}

static void add_pins(part *c)
{
    const model *m = c->m;
    pin_columns before = {0};
    for (int32_t k = 0; k < c->program->step_count && model_is_sound(m); k++) {
        if (m->run[k] == 0)
            continue;
        pin_columns now = add_step_pins(c, k);
        if (m->join[k] != 0) {
            add_sum(c, now.up_to, before.up_to, &now, before.most, m->run[k - 1], m->join[k]);
            add_sum(c, before.after, now.after, &now, now.most, m->run[k], m->join[k]);
        }
        before = now;
    }
}

void model_add_candidate(model *m, int32_t candidate)
{
    part c = {.m = m,
              .program = m->task->program,
              .candidate = candidate,
              .iterations = m->list.iterations[candidate],
              .sub_batch = m->list.sub_batch[candidate],
              .capacity = m->task->capacity};
    c.pins = c.iterations > 1 && m->pinnable > 0;
    add_runs(&c);
    add_keeps(&c);
    add_rooms(&c);
    for (int32_t k = 0; k < c.program->step_count && model_is_sound(m); k++)
        add_mode(&c, k);
    if (c.pins)
        add_pins(&c);
}
