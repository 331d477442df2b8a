/* A network of two convolutions, or another, with its program and a plan. */
#ifndef TESTS_UNIT_MADE_PLAN_H
#define TESTS_UNIT_MADE_PLAN_H

#include <check.h>
#include <string.h>

#include "mbsopt/mbsopt.h"
#include "scratch_folder.h"

static const char network_text[] =
    "{\"format\":\"mbsopt-network/1\",\"name\":\"t\","
    "\"inputs\":[{\"name\":\"x\",\"shape\":[3,5,7]}],\"layers\":["
    "{\"name\":\"c\",\"op\":\"conv\",\"inputs\":[\"x\"],\"out_channels\":5,\"kernel\":3,"
    "\"bias\":true},"
    "{\"name\":\"r\",\"op\":\"relu\",\"inputs\":[\"c\"]},"
    "{\"name\":\"d\",\"op\":\"conv\",\"inputs\":[\"r\"],\"out_channels\":2,\"kernel\":1}]}";

typedef struct made {
    mbs_network *network;
    mbs_program *program;
    mbs_plan *plan;
    mbs_hardware hardware;
} made;

static inline void must(mbs_status status)
{
    ck_assert_msg(status == MBS_OK, "%s", error.message[0]);
}

static inline made make_of(const char *source, int64_t batch, int64_t buffer)
{
    made all;
    mbs_program_options program_options = MBS_PROGRAM_OPTIONS_INIT;
    mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
    options.batch = batch;
    options.buffer_bytes = buffer;
    mbs_hardware_wavecore(&all.hardware);
    must(mbs_network_load_text(&all.network, source, strlen(source), "t", &error));
    must(mbs_program_create(&all.program, all.network, &program_options, &error));
    must(mbs_plan_create(&all.plan, all.program, &all.hardware, &options, &error));
    return all;
}

static inline made make(int64_t batch, int64_t buffer)
{
    return make_of(network_text, batch, buffer);
}

static inline void unmake(made *all)
{
    mbs_plan_free(all->plan);
    mbs_program_free(all->program);
    mbs_network_free(all->network);
}

#endif
