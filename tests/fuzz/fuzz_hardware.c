/* Hardware files, and what a plan costs on those that are good. */
#include <math.h>
#include <string.h>

#include "fuzz.h"

static const char network_text[] =
    "{\"format\": \"mbsopt-network/1\", \"name\": \"tiny\","
    "\"inputs\": [{\"name\": \"x\", \"shape\": [3, 8, 8]}], \"layers\": ["
    "{\"name\": \"c\", \"op\": \"conv\", \"inputs\": [\"x\"], \"out_channels\": 4, \"kernel\": 3},"
    "{\"name\": \"n\", \"op\": \"norm\", \"kind\": \"layer\", \"inputs\": [\"c\"]},"
    "{\"name\": \"r\", \"op\": \"relu\", \"inputs\": [\"n\"]},"
    "{\"name\": \"f\", \"op\": \"fc\", \"inputs\": [\"r\"], \"out_features\": 10}]}";

static void plan_on(const mbs_hardware *hardware, const mbs_program *program)
{
    mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
    mbs_plan *plan = NULL;
    mbs_cost cost;
    mbs_error error;
    mbs_error_clear(&error);
    options.batch = 4;
    mbs_status status = mbs_plan_create(&plan, program, hardware, &options, &error);
    fuzz_check_error(status, &error);
    fuzz_require(status != MBS_ERR_VERIFY, "a planner's plan passes the verifier");
    if (status == MBS_OK) {
        fuzz_require(mbs_plan_cost(plan, hardware, &cost) == MBS_OK, "a plan has a cost");
        fuzz_require(!isnan(cost.time_s) && cost.time_s >= 0, "time is a number");
        fuzz_require(!isnan(cost.energy_j) && cost.energy_j >= 0, "energy is a number");
    }
    mbs_plan_free(plan);
}

static void use_hardware(const mbs_hardware *hardware)
{
    mbs_network *network = NULL;
    mbs_program *program = NULL;
    mbs_error error;
    mbs_error_clear(&error);
    mbs_program_options options = MBS_PROGRAM_OPTIONS_INIT;
    options.bits = hardware->bits;
    fuzz_require(memchr(hardware->name, '\0', sizeof hardware->name) != NULL &&
                     memchr(hardware->memory_name, '\0', sizeof hardware->memory_name) != NULL,
                 "names end within their room");
    if (mbs_network_load_text(&network, network_text, strlen(network_text), "tiny", &error) ==
            MBS_OK &&
        mbs_program_create(&program, network, &options, &error) == MBS_OK)
        plan_on(hardware, program);
    fuzz_require(error.count == 0, "the network is good");
    mbs_program_free(program);
    mbs_network_free(network);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mbs_hardware hardware;
    mbs_error error;
    mbs_error_clear(&error);
    mbs_status status =
        mbs_hardware_load_text(&hardware, (const char *)data, size, "input.json", &error);
    fuzz_check_error(status, &error);
    if (status == MBS_OK)
        use_hardware(&hardware);
    return 0;
}
