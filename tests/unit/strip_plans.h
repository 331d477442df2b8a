/* Programs with rows and plans in strips of them, made and counted by hand. */
#ifndef TESTS_UNIT_STRIP_PLANS_H
#define TESTS_UNIT_STRIP_PLANS_H

#include <string.h>

#include "base/memory.h"
#include "cost/schedule.h"

#define MAX_HAND_TOUCHES 32

enum { HAND_WINDOW = 2, HAND_STRIDED, HAND_TRANSPOSED, HAND_POOL, HAND_MAP_COUNT };

static const mbs_row_map hand_maps[HAND_MAP_COUNT] = {
    [ROW_MAP_SAME] = {.kind = ROWS_SAME},           [ROW_MAP_WHOLE] = {.kind = ROWS_WHOLE},
    [HAND_WINDOW] = {ROWS_WINDOW, 3, 1, 1},         [HAND_STRIDED] = {ROWS_WINDOW, 3, 2, 1},
    [HAND_TRANSPOSED] = {ROWS_TRANSPOSED, 3, 1, 1}, [HAND_POOL] = {ROWS_WINDOW, 2, 2, 0},
};

static inline mbs_program *hand_program(int32_t steps, int32_t tensors, bool infers)
{
    mbs_program *p = mem_calloc(1, sizeof *p);
    p->steps = mem_calloc((size_t)steps, sizeof *p->steps);
    p->tensors = mem_calloc((size_t)tensors, sizeof *p->tensors);
    p->touches = mem_calloc(MAX_HAND_TOUCHES, sizeof *p->touches);
    p->maps = mem_calloc(HAND_MAP_COUNT, sizeof *p->maps);
    memcpy(p->maps, hand_maps, sizeof hand_maps);
    p->map_count = HAND_MAP_COUNT;
    p->network_name = mem_strdup("hand");
    p->inference = infers;
    p->split = p->has_rows = true;
    return p;
}

static inline void hand_tensor(mbs_program *p, const char *name, int64_t bytes, int64_t rows)
{
    p->tensors[p->tensor_count++] =
        (mbs_tensor){.name = name, .bytes = bytes, .rows = rows, .running = -1};
}

/* Opens a step, of the phase of the one before; its operands follow, reads first. */
static inline mbs_step *hand_step(mbs_program *p, const char *name, const char *kind, int64_t rows)
{
    mbs_step *step = &p->steps[p->step_count++];
    *step = (mbs_step){.name = name,
                       .kind = kind,
                       .layer = name,
                       .rows = rows,
                       .given = p->step_count - 1,
                       .phase = p->step_count > 1 ? step[-1].phase : MBS_FORWARD,
                       .coupled_to = -1,
                       .weight_use = {-1, -1, 0},
                       .accumulator_use = {-1, -1, 0}};
    step->touch_begin = step->write_begin = step->touch_end = p->touch_count;
    return step;
}

static inline void hand_read(mbs_program *p, int32_t tensor, int32_t map)
{
    mbs_step *step = &p->steps[p->step_count - 1];
    p->touches[p->touch_count++] =
        (mbs_touch){.tensor = tensor, .step = p->step_count - 1, .map = map};
    step->write_begin = step->touch_end = p->touch_count;
}

static inline void hand_write(mbs_program *p, int32_t tensor)
{
    p->touches[p->touch_count++] = (mbs_touch){.tensor = tensor, .step = p->step_count - 1};
    p->steps[p->step_count - 1].touch_end = p->touch_count;
}

/* A plan that owns the program, in 4096 bytes; intervals inside groups of strips are resident. */
static inline mbs_plan *hand_plan(mbs_program *p, int64_t batch, const mbs_group *groups,
                                  int32_t group_count)
{
    program_link(p);
    mbs_plan *plan = plan_allocate(p, "hand");
    plan->owned_program = p;
    plan->outcome = MBS_HEURISTIC;
    plan->batch = batch;
    plan->buffer_bytes = 4096;
    plan->norm_passes = 2;
    plan->group_count = group_count;
    memcpy(plan->groups, groups, (size_t)group_count * sizeof *groups);
    for (int32_t g = 0; g < group_count; g++)
        for (int32_t t = 0; t < p->touch_count && groups[g].strips > 1; t++)
            if (p->touches[t].step >= groups[g].first && p->touches[t].next >= 0 &&
                p->touches[p->touches[t].next].step < groups[g].end)
                plan->resident[t] = true;
    return plan;
}

static inline void hand_traffic(mbs_plan *plan, int64_t read, int64_t write, int64_t weights,
                                int64_t gradients)
{
    plan->traffic = (mbs_traffic){.activation_read = read,
                                  .activation_write = write,
                                  .weight_read = weights,
                                  .weight_gradient = gradients,
                                  .total = read + write + weights + gradients};
}

static inline mbs_conv hand_conv(int64_t stride)
{
    return (mbs_conv){.channels = 1,
                      .filters = 1,
                      .kernel = {3, 3},
                      .stride = {stride, stride},
                      .dilation = {1, 1}};
}

/*
 * A convolution and its norm in two steps, 2 samples.
 *
 * Group 0, 4 strips: c.stat does 2, 4, 6, 8 rows, so does c; of x that needs 3, 5, 7, 8 rows and
 * keeps the last 2: it holds up to 4 of 10 bytes, 2 of them kept. Of c, 20 bytes a row, 2 are
 * there, none kept. c has 10 bytes of weights, less than the 20 that pass of x: streamed.
 * Footprints: c 20 (x kept) + 40 + 10; c.stat 20 + 40; pinned 4: peak 74.
 *
 * Group 1, 4 strips: g does a row of p in each, p two of r, r and n as many. n is streamed: 8 bytes
 * of weights against 40 of c. g's sum is kept, 20 bytes. Footprints: n 20 + 40 + 8; r 20 + 40 + 40;
 * p 20 + 40 + 20; g 20 + 20: peak 100.
 *
 * Reads x 160, c 320; writes c 320, g 40; weights 4 + 8·6 and 8·8: total 956.
 */
static inline mbs_plan *strip_inference(void)
{
    enum { x, c, statistics, n, r, p, g, tensors };
    static const mbs_group groups[] = {
        {.first = 0,
         .end = 2,
         .iterations = 8,
         .sub_batch = 1,
         .strips = 4,
         .passes = 1,
         .peak_bytes = 74},
        {.first = 2,
         .end = 6,
         .iterations = 8,
         .sub_batch = 1,
         .strips = 4,
         .passes = 1,
         .peak_bytes = 100},
    };
    mbs_program *program = hand_program(6, tensors, true);
    hand_tensor(program, "x", 80, 8);
    hand_tensor(program, "c", 160, 8);
    hand_tensor(program, "n.statistics", 0, 1);
    hand_tensor(program, "n", 160, 8);
    hand_tensor(program, "r", 160, 8);
    hand_tensor(program, "p", 80, 4);
    hand_tensor(program, "g", 20, 1);
    hand_step(program, "c", "conv", 8)->weight_bytes = 10;
    program->steps[0].conv = hand_conv(1);
    hand_read(program, x, HAND_WINDOW);
    hand_write(program, c);
    hand_step(program, "n.stat", "norm.stat", 8);
    hand_read(program, c, ROW_MAP_SAME);
    hand_write(program, statistics);
    hand_step(program, "n", "norm", 8)->weight_bytes = 8;
    hand_read(program, c, ROW_MAP_SAME);
    hand_read(program, statistics, ROW_MAP_WHOLE);
    hand_write(program, n);
    hand_step(program, "r", "relu", 8);
    hand_read(program, n, ROW_MAP_SAME);
    hand_write(program, r);
    hand_step(program, "p", "max_pool", 4);
    hand_read(program, r, HAND_POOL);
    hand_write(program, p);
    hand_step(program, "g", "global_avg_pool", 4);
    hand_read(program, p, ROW_MAP_SAME);
    hand_write(program, g);
    program->tensors[g].kept = true;
    mbs_plan *plan = hand_plan(program, 2, groups, 2);
    plan->mode[0] = plan->mode[2] = MBS_STREAMED;
    plan->pinned_weight[0] = 4;
    hand_traffic(plan, 480, 360, 116, 0);
    return plan;
}

/*
 * Two convolutions in training, b with stride 2, 3 samples.
 *
 * Group 0, 8 strips: c does 1, 2, ... 8 rows, b 2, 3, ... 8, 8; of y that needs 4, 6, ... 16, 16
 * rows: up to 4 of 10 bytes, 1 kept. Of x 3 rows of 10 bytes are there, 2 kept; of c one of 5.
 * b is streamed: 20 bytes of weights against 30 of y; c staged: 6 against 5. Footprints: b 30 + 10
 * + 20, c 30 + 10 + 5: peak 60.
 *
 * Group 1: loss, 3 · (40 + 40).
 *
 * Group 2, 4 strips of 2 rows for each step. Of gc 4 rows of 5 bytes are there (2 kept), of gx 2 of
 * 10 bytes (none), of x 4 of 10 (2), of y 5 of 10 (1). c.wgrad is streamed: 12 bytes of
 * accumulators against 20 of x; b.wgrad staged: 40 against 40. Footprints: gc 20, x 20, y 50, and
 * c.wgrad 12, c.dgrad gx 20, b.wgrad 20; pinned 15: peak 125.
 *
 * Reads y 480, c 120, gc 120, x 240, y 480; writes x 240, c 120, gc 120; weights 24·(20 + 6) and
 * 12·6; accumulators 23·12 and 15 + 23·25: total 3482.
 */
static inline mbs_plan *strip_training(void)
{
    enum { y, x, c, gc, gx, tensors };
    static const mbs_group groups[] = {
        {.first = 0,
         .end = 2,
         .iterations = 24,
         .sub_batch = 1,
         .strips = 8,
         .passes = 1,
         .peak_bytes = 60},
        {.first = 2,
         .end = 3,
         .iterations = 1,
         .sub_batch = 3,
         .strips = 1,
         .passes = 1,
         .peak_bytes = 240},
        {.first = 3,
         .end = 6,
         .iterations = 12,
         .sub_batch = 1,
         .strips = 4,
         .passes = 1,
         .peak_bytes = 125},
    };
    mbs_program *program = hand_program(6, tensors, false);
    hand_tensor(program, "y", 160, 16);
    hand_tensor(program, "x", 80, 8);
    hand_tensor(program, "c", 40, 8);
    hand_tensor(program, "gc", 40, 8);
    hand_tensor(program, "gx", 80, 8);
    hand_step(program, "b", "conv", 8)->weight_bytes = 20;
    hand_read(program, y, HAND_STRIDED);
    hand_write(program, x);
    hand_step(program, "c", "conv", 8)->weight_bytes = 6;
    hand_read(program, x, HAND_WINDOW);
    hand_write(program, c);
    hand_step(program, "loss", "loss", 8)->phase = MBS_BACKWARD;
    hand_read(program, c, ROW_MAP_WHOLE);
    hand_write(program, gc);
    hand_step(program, "c.wgrad", "conv.wgrad", 8)->accumulator_bytes = 12;
    hand_read(program, x, HAND_WINDOW);
    hand_read(program, gc, ROW_MAP_SAME);
    hand_step(program, "c.dgrad", "conv.dgrad", 8)->weight_bytes = 6;
    hand_read(program, gc, HAND_TRANSPOSED);
    hand_write(program, gx);
    hand_step(program, "b.wgrad", "conv.wgrad", 8)->accumulator_bytes = 40;
    hand_read(program, y, HAND_STRIDED);
    hand_read(program, gx, ROW_MAP_SAME);
    program->steps[0].conv = program->steps[5].conv = hand_conv(2);
    program->steps[1].conv = program->steps[3].conv = program->steps[4].conv = hand_conv(1);
    mbs_plan *plan = hand_plan(program, 3, groups, 3);
    plan->mode[0] = plan->mode[3] = MBS_STREAMED;
    plan->pinned_accumulator[5] = 15;
    hand_traffic(plan, 1440, 480, 696, 866);
    return plan;
}

#endif
