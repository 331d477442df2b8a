/* Programs of networks written in short, listed a step a line. */
#ifndef TESTS_UNIT_PROGRAM_LISTING_H
#define TESTS_UNIT_PROGRAM_LISTING_H

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "mbsopt/mbsopt.h"
#include "program/program.h"
#include "run.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/*
 * Unless a case says otherwise the input `x` is [2,4,4]: 32 elements, 64 bytes, a mask of it 4. A
 * CONV keeps that shape: 2·2 weights, 8 bytes, and accumulators of 16.
 */
#define X_INPUT                  "{'name':'x','shape':[2,4,4]}"
#define LAYER(name, in, members) "{'name':'" name "','inputs':['" in "']," members "},"
#define CONV(name, in)           LAYER(name, in, "'op':'conv','out_channels':2,'kernel':1")
#define OP(name, op, in)         LAYER(name, in, "'op':'" op "'")
#define OP2(name, op, a, b)      OP(name, op, a "','" b)
#define OP3(name, op, a, b, c)   OP(name, op, a "','" b "','" c)

/* SUMS: those that steps can do besides what they make are no steps (section 13). */
enum { TRAINING = 0, INFERENCE = 1, KEEP = 2, SPLIT = 4, ACTIVATIONS = 8, SUMS = 16 };

static mbs_error error;

static inline mbs_network *load(const char *inputs, const char *layers)
{
    char document[4096];
    mbs_network *network;
    size_t end = strlen(layers) - 1; /* of the last comma */
    int length = snprintf(document, sizeof document,
                          "{'format':'mbsopt-network/1','name':'test','inputs':[%s],"
                          "'layers':[%.*s]}",
                          inputs, (int)end, layers);
    ck_assert_int_lt(length, (int)sizeof document);
    double_quotes(document);
    mbs_error_clear(&error);
    mbs_status status =
        mbs_network_load_text(&network, document, (size_t)length, "test.json", &error);
    ck_assert_msg(status == MBS_OK, "%s\n%s", error.message[0], document);
    return network;
}

static inline mbs_status build(mbs_program **program, const char *inputs, const char *layers,
                               const mbs_program_options *options)
{
    mbs_network *network = load(inputs, layers);
    mbs_status status = mbs_program_create(program, network, options, &error);
    mbs_network_free(network); /* the program must not need it any more */
    return status;
}

static inline mbs_program *must_build(const char *layers, int flags)
{
    mbs_program_options options = MBS_PROGRAM_OPTIONS_INIT;
    mbs_program *program;
    options.inference = (flags & INFERENCE) != 0;
    options.keep_batch_norm = (flags & KEEP) != 0;
    options.split_norms = (flags & SPLIT) != 0;
    options.recompute = flags & ACTIVATIONS ? MBS_RECOMPUTE_ACTIVATIONS : MBS_RECOMPUTE_NONE;
    mbs_network *network = load(X_INPUT, layers);
    mbs_network *fused;
    const int fusion = flags & SUMS ? MBS_FUSE_SUMS : 0;
    const bool good = mbs_network_fuse(&fused, network, fusion, &error) == MBS_OK &&
                      mbs_program_create(&program, fused, &options, &error) == MBS_OK;
    ck_assert_msg(good, "%s", error.message[0]);
    mbs_network_free(network); /* the program must not need it any more */
    mbs_network_free(fused);
    return program;
}

static inline void list_tensor(text *out, const mbs_program *p, int64_t id, size_t position)
{
    mbs_tensor_info tensor;
    ck_assert_int_eq(mbs_program_tensor(p, (size_t)id, &tensor), MBS_OK);
    text_format(out, "%s%s", position == 0 ? "" : " ", tensor.name);
}

/* "c.grad#1(c.grad@d+)" of a tensor that a step writes which adds to another */
static inline void list_written(text *out, const mbs_program *p, int64_t id, size_t position)
{
    mbs_tensor_info tensor;
    list_tensor(out, p, id, position);
    ck_assert_int_eq(mbs_program_tensor(p, (size_t)id, &tensor), MBS_OK);
    if (tensor.running < 0)
        return;
    ck_assert_int_eq(mbs_program_tensor(p, (size_t)tensor.running, &tensor), MBS_OK);
    text_format(out, "(%s+)", tensor.name);
}

/* "B c.wgrad conv.wgrad [x c.grad@t]>[] a16" */
static inline void list_step(text *out, const mbs_program *p, size_t k)
{
    mbs_step_info step;
    ck_assert_int_eq(mbs_program_step(p, k, &step), MBS_OK);
    text_format(out, "%s %s %s [", step.phase == MBS_FORWARD ? "F" : "B", step.name, step.kind);
    for (size_t i = 0; i < step.read_count; i++)
        list_tensor(out, p, mbs_program_step_read(p, k, i), i);
    text_string(out, "]>[");
    for (size_t i = 0; i < step.write_count; i++)
        list_written(out, p, mbs_program_step_write(p, k, i), i);
    text_string(out, "]");
    if (step.weight_bytes != 0)
        text_format(out, " w%" PRId64, step.weight_bytes);
    if (step.accumulator_bytes != 0)
        text_format(out, " a%" PRId64, step.accumulator_bytes);
    if (step.state_read_bytes + step.state_write_bytes != 0)
        text_format(out, " g%" PRId64 " r%" PRId64 " w%" PRId64, step.gradient_bytes,
                    step.state_read_bytes, step.state_write_bytes);
    text_format(out, "%s%s", p->steps[k].whole_sample ? " whole" : "",
                p->steps[k].coupled ? " coupled" : "");
    if (p->steps[k].coupled_to >= 0)
        text_format(out, " with %" PRId32, p->steps[k].coupled_to);
    if (p->steps[k].weight_use.previous >= 0)
        text_format(out, " w=%" PRId32, p->steps[k].weight_use.previous);
    if (p->steps[k].accumulator_use.previous >= 0)
        text_format(out, " a=%" PRId32, p->steps[k].accumulator_use.previous);
    for (size_t i = 0; i < step.fused_count; i++)
        text_format(out, " +%s", mbs_program_step_fused(p, k, i));
    text_string(out, "\n");
}

/* All steps, a line each. */
static inline char *list_steps(const mbs_program *p)
{
    text out = TEXT_INIT;
    char *result;
    for (size_t k = 0; k < mbs_program_step_count(p); k++)
        list_step(&out, p, k);
    ck_assert_int_eq(text_finish(&out, &result, NULL), MBS_OK);
    return result;
}

/* "x:64 c:64", an asterisk after those that are kept at the end. */
static inline char *list_tensors(const mbs_program *p)
{
    text out = TEXT_INIT;
    char *result;
    for (size_t id = 0; id < mbs_program_tensor_count(p); id++) {
        list_tensor(&out, p, (int64_t)id, id);
        text_format(&out, ":%" PRId64 "%s", p->tensors[id].bytes, p->tensors[id].kept ? "*" : "");
    }
    ck_assert_int_eq(text_finish(&out, &result, NULL), MBS_OK);
    return result;
}

static inline void check_listing(const mbs_program *program, const char *steps, const char *tensors)
{
    char *found = list_steps(program);
    ck_assert_msg(strcmp(found, steps) == 0, "found\n%sexpected\n%s", found, steps);
    mbs_free(found);
    found = list_tensors(program);
    if (tensors != NULL)
        ck_assert_str_eq(found, tensors);
    mbs_free(found);
}

#endif
