/* A plan made by hand of a training step with ten steps: fixtures setup and teardown. */
#ifndef TESTS_UNIT_TINY_PLAN_H
#define TESTS_UNIT_TINY_PLAN_H

#include <check.h>
#include <string.h>

#include "mbsopt/mbsopt.h"
#include "plan/planner.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define BATCH        10

/*
 * Bytes per sample: x, c, n, r and the gradients gr, gn, gc 64 each, mask 4, y and gy 6.
 *
 *  0 c        x -> c             weights 8
 *  1 n        c -> n             weights 8, a norm
 *  2 r        n -> r, mask
 *  3 y        r -> y             weights 192 (32·3 elements)
 *  4 loss     y -> gy
 *  5 y.wgrad  r, gy ->           accumulators 384
 *  6 y.dgrad  gy -> gr           weights 192
 *  7 r.bwd    gr, mask -> gn
 *  8 n.bwd    gn, c -> gc        weights 8, accumulators 16, a norm
 *  9 c.wgrad  x, gc ->           accumulators 16
 */
static const char network_text[] =
    "{\"format\":\"mbsopt-network/1\",\"name\":\"tiny\","
    "\"inputs\":[{\"name\":\"x\",\"shape\":[2,4,4]}],\"layers\":["
    "{\"name\":\"c\",\"op\":\"conv\",\"inputs\":[\"x\"],\"out_channels\":2,\"kernel\":1},"
    "{\"name\":\"n\",\"op\":\"norm\",\"kind\":\"batch\",\"inputs\":[\"c\"]},"
    "{\"name\":\"r\",\"op\":\"relu\",\"inputs\":[\"n\"]},"
    "{\"name\":\"y\",\"op\":\"fc\",\"inputs\":[\"r\"],\"out_features\":3}]}";

#define X    "x"
#define MASK "r.mask"
#define GY   "y.grad@loss"
#define GR   "r.grad@y"
#define GN   "n.grad@r"
#define GC   "c.grad@n"

static mbs_error error;
static mbs_program *program;
static mbs_plan *plan;

static inline mbs_program *build(int inference, int keep_batch_norm)
{
    mbs_program_options options = MBS_PROGRAM_OPTIONS_INIT;
    mbs_network *network;
    mbs_program *result;
    options.inference = inference;
    options.keep_batch_norm = keep_batch_norm;
    mbs_error_clear(&error);
    ck_assert_int_eq(
        mbs_network_load_text(&network, network_text, strlen(network_text), "tiny", &error),
        MBS_OK);
    ck_assert_int_eq(mbs_program_create(&result, network, &options, &error), MBS_OK);
    mbs_network_free(network);
    return result;
}

static inline void open_plan(int inference)
{
    program = build(inference, 0);
    plan = plan_allocate(program, "hand");
    ck_assert_ptr_nonnull(plan);
    plan->batch = BATCH;
    plan->buffer_bytes = 1 << 20;
    plan->norm_passes = 2;
}

static inline void setup(void)
{
    open_plan(0);
}

static inline void teardown(void)
{
    mbs_plan_free(plan);
    mbs_program_free(program);
}

/* The tensor stays from step `from` to step `to`, which must be its next touch. */
static inline void stay(const char *tensor, int32_t from, int32_t to)
{
    for (int32_t t = 0; t < program->touch_count; t++) {
        const mbs_touch *touch = &program->touches[t];
        if (touch->step != from || strcmp(program->tensors[touch->tensor].name, tensor) != 0)
            continue;
        ck_assert_int_ge(touch->next, 0);
        ck_assert_int_eq(program->touches[touch->next].step, to);
        plan->resident[t] = true;
        return;
    }
    ck_abort_msg("step %d does not touch %s", from, tensor);
}

#endif
