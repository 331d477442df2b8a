/* Solution files of other solvers, for one small network's integer program. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

static const char network_text[] =
    "{\"format\": \"mbsopt-network/1\", \"name\": \"tiny\","
    "\"inputs\": [{\"name\": \"x\", \"shape\": [3, 32, 32]}], \"layers\": ["
    "{\"name\": \"c\", \"op\": \"conv\", \"inputs\": [\"x\"], \"out_channels\": 4, \"kernel\": 3},"
    "{\"name\": \"r\", \"op\": \"relu\", \"inputs\": [\"c\"]}]}";

static const mbs_program *tiny_program(void)
{
    static mbs_program *program; /* built once: the integer program is of it, not of the input */
    mbs_network *network = NULL;
    mbs_program_options options = MBS_PROGRAM_OPTIONS_INIT;
    if (program != NULL)
        return program;
    if (mbs_network_load_text(&network, network_text, strlen(network_text), "tiny", NULL) == MBS_OK)
        mbs_program_create(&program, network, &options, NULL);
    mbs_network_free(network);
    fuzz_require(program != NULL, "the network is good");
    return program;
}

static void import(const char *path)
{
    mbs_hardware hardware;
    mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
    mbs_plan *plan = NULL;
    mbs_error error;
    mbs_error_clear(&error);
    mbs_hardware_wavecore(&hardware);
    options.planner = MBS_PLANNER_ILP;
    options.batch = 2;
    options.buffer_bytes = 16384;
    mbs_status status =
        mbs_plan_import_solution(&plan, tiny_program(), &hardware, &options, path, &error);
    fuzz_check_error(status, &error);
    fuzz_require((plan != NULL) == (status == MBS_OK), "a plan where there is no error");
    fuzz_require(status != MBS_ERR_VERIFY, "an imported plan passes the verifier");
    mbs_plan_free(plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    int file = memfd_create("solution", MFD_CLOEXEC);
    fuzz_require(file >= 0, "there is memory for a file");
    fuzz_require(write(file, data, size) == (ssize_t)size, "the file can be written");
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    import(path);
    close(file);
    return 0;
}
