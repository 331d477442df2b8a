/* Programs that recompute, and what their backward steps are. */
#ifndef TESTS_UNIT_REMAT_PROGRAMS_H
#define TESTS_UNIT_REMAT_PROGRAMS_H

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "mbsopt/mbsopt.h"

static mbs_error error;

static inline mbs_network *load(const char *layers)
{
    char text[4096];
    mbs_network *network;
    snprintf(
        text, sizeof text,
        "{\"format\":\"mbsopt-network/1\",\"name\":\"t\",\"inputs\":[{\"name\":\"x\",\"shape\":"
        "[4,8,8]}],\"layers\":[%s]}",
        layers);
    mbs_error_clear(&error);
    ck_assert_msg(mbs_network_load_text(&network, text, strlen(text), "t", &error) == MBS_OK, "%s",
                  error.message[0]);
    return network;
}

/* `layers` holds a digit per layer, the sum of MBS_RECOMPUTE_*; null: the policy. */
static inline mbs_program *build(const mbs_network *network, const char *layers,
                                 mbs_recompute policy)
{
    unsigned char set[32] = {0};
    mbs_program *program;
    mbs_program_options options = MBS_PROGRAM_OPTIONS_INIT;
    options.recompute = policy;
    for (size_t l = 0; layers != NULL && layers[l] != '\0'; l++)
        set[l] = (unsigned char)(layers[l] - '0');
    options.recompute_layers = layers != NULL ? set : NULL;
    mbs_error_clear(&error);
    mbs_status status = mbs_program_create(&program, network, &options, &error);
    ck_assert_msg(status == MBS_OK, "%s", error.message[0]);
    return program;
}

/* "name(reads)writes" of the backward steps, in order. */
static inline void describe(char *out, size_t size, const mbs_program *program)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t k = 0; k < mbs_program_step_count(program); k++) {
        mbs_step_info step;
        mbs_tensor_info tensor;
        ck_assert_int_eq(mbs_program_step(program, k, &step), MBS_OK);
        if (step.phase != MBS_BACKWARD)
            continue;
        used += (size_t)snprintf(out + used, size - used, "%s(", step.name);
        for (size_t r = 0; r < step.read_count; r++) {
            const int64_t id = mbs_program_step_read(program, k, r);
            ck_assert_int_eq(mbs_program_tensor(program, (size_t)id, &tensor), MBS_OK);
            used +=
                (size_t)snprintf(out + used, size - used, "%s%s", r > 0 ? " " : "", tensor.name);
        }
        used += (size_t)snprintf(out + used, size - used, ")\n");
        ck_assert_uint_lt(used, size);
    }
}

static inline void expect(const mbs_network *network, const char *layers, mbs_recompute policy,
                          const char *steps)
{
    char found[4096];
    mbs_program *program = build(network, layers, policy);
    describe(found, sizeof found, program);
    ck_assert_str_eq(found, steps);
    mbs_program_free(program);
}

#define CONV(name, from)                                                                           \
    "{\"name\":\"" name "\",\"op\":\"conv\",\"inputs\":[\"" from                                   \
    "\"],\"out_channels\":4,\"kernel\":3,\"pad\":1}"
#define NORM(name, from)                                                                           \
    "{\"name\":\"" name "\",\"op\":\"norm\",\"kind\":\"group\",\"groups\":2,\"inputs\":[\"" from   \
    "\"]}"
#define OP(name, op, from) "{\"name\":\"" name "\",\"op\":\"" op "\",\"inputs\":[\"" from "\"]}"
#define SLICE(name, from, begin, end)                                                              \
    "{\"name\":\"" name "\",\"op\":\"slice\",\"axis\":0,\"begin\":" begin ",\"end\":" end          \
    ",\"inputs\":[\"" from "\"]}"

#endif
