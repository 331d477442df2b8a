/* A sweep of two networks over three buffers, two batches, three planners and four machines. */
#ifndef TESTS_UNIT_SMALL_SWEEP_H
#define TESTS_UNIT_SMALL_SWEEP_H

#include <check.h>
#include <string.h>

#include "run.h"
#include "sweep/sweep.h"

static int64_t buffers[] = {1 << 20, 2 << 20, 10 << 20};
static int64_t batches[] = {16, 32};
static sweep_machine machines[4];
static sweep_network networks[2];
static sweep of;

/* Machines: WaveCore; the same but for its DRAM's energy; with a larger buffer; with wider words.
 */
static inline void make_sweep(void)
{
    for (size_t i = 0; i < 4; i++)
        mbs_hardware_wavecore(&machines[i].hardware);
    machines[1].hardware.dram_pj_per_bit *= 2;
    machines[2].hardware.buffer_bytes *= 2;
    machines[3].hardware.bits.activation *= 2;
    memset(networks, 0, sizeof networks);
    of = (sweep){.networks = networks,
                 .network_count = 2,
                 .buffers = {buffers, 3},
                 .batches = {batches, 2},
                 .planners = {{MBS_PLANNER_BASELINE, MBS_PLANNER_IL, MBS_PLANNER_DP}, 3},
                 .machines = machines,
                 .machine_count = 4,
                 .shards = 1};
    for (size_t i = 0; i < of.machine_count; i++)
        sweep_relate_machine(&of, i);
    ck_assert(sweep_count_points(&of));
}

/* Of a name that needs quotes wherever it is written. */
static const char network_text[] =
    "{\"format\": \"mbsopt-network/1\", \"name\": \"a,b \\\"c\\\"\","
    " \"inputs\": [{\"name\": \"x\", \"shape\": [1, 10, 50]}],"
    " \"layers\": [{\"name\": \"c\", \"op\": \"conv\", \"inputs\": [\"x\"],"
    " \"out_channels\": 1, \"kernel\": 1}]}";

/* Both networks are this one: only their places tell them apart. */
static inline void load_network_of(size_t place)
{
    mbs_error error;
    mbs_error_clear(&error);
    must_succeed(mbs_network_load_text(&networks[place].network, network_text, strlen(network_text),
                                       "network", &error),
                 &error, "network");
}

#endif
