/* Networks, and programs of them, of which time is counted. */
#ifndef TESTS_UNIT_TIMED_NETWORKS_H
#define TESTS_UNIT_TIMED_NETWORKS_H

#include <check.h>
#include <string.h>

#include "mbsopt/mbsopt.h"
#include "run.h"

static mbs_error error;

/* x [2,4,4] -> c [2,4,4], 64 bytes per sample each, 8 bytes of weights: 16 x 2 by 2 x 2. */
static const char one_conv[] =
    "{\"format\":\"mbsopt-network/1\",\"name\":\"one\","
    "\"inputs\":[{\"name\":\"x\",\"shape\":[2,4,4]}],\"layers\":["
    "{\"name\":\"c\",\"op\":\"conv\",\"inputs\":[\"x\"],\"out_channels\":2,\"kernel\":1}]}";

static inline mbs_program *make_program(const mbs_network *network, int inference,
                                        int keep_batch_norm)
{
    mbs_program_options options = MBS_PROGRAM_OPTIONS_INIT;
    mbs_program *program;
    options.inference = inference;
    options.keep_batch_norm = keep_batch_norm;
    must_succeed(mbs_program_create(&program, network, &options, &error), &error, "program");
    return program;
}

static inline mbs_network *load_text(const char *text)
{
    mbs_network *network;
    mbs_error_clear(&error);
    must_succeed(mbs_network_load_text(&network, text, strlen(text), "network", &error), &error,
                 "network");
    return network;
}

#endif
