/* Network files, and what is planned of those that are good. */
#include "fuzz.h"

/* Larger programs only take longer; they show nothing that small ones do not. */
#define MAX_PLANNED_STEPS 120

static void plan_with(const mbs_program *program, const mbs_hardware *hardware, mbs_planner planner)
{
    mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
    mbs_plan *plan = NULL;
    mbs_error error;
    mbs_error_clear(&error);
    options.planner = planner;
    options.batch = 5;
    options.buffer_bytes = 65536;
    mbs_status status = mbs_plan_create(&plan, program, hardware, &options, &error);
    fuzz_check_error(status, &error);
    fuzz_require(status != MBS_ERR_VERIFY, "a planner's plan passes the verifier");
    fuzz_require((plan != NULL) == (status == MBS_OK), "a plan where there is no error");
    if (status == MBS_OK)
        fuzz_use_plan(plan);
    mbs_plan_free(plan);
}

static void use_network(const mbs_network *network)
{
    const mbs_hardware *hardware;
    mbs_hardware wavecore;
    mbs_layer_info layer;
    mbs_program *program = NULL;
    mbs_error error;
    mbs_error_clear(&error);
    mbs_hardware_wavecore(&wavecore);
    hardware = &wavecore;
    for (size_t l = 0; mbs_network_layer(network, l, &layer) == MBS_OK; l++)
        for (size_t i = 0; i < layer.input_count; i++)
            fuzz_require(mbs_network_layer_input(network, l, i) != NULL, "an input has a name");
    mbs_program_options options = MBS_PROGRAM_OPTIONS_INIT;
    mbs_status status = mbs_program_create(&program, network, &options, &error);
    fuzz_check_error(status, &error);
    fuzz_require((program != NULL) == (status == MBS_OK), "a program where there is no error");
    if (status == MBS_OK && mbs_program_step_count(program) <= MAX_PLANNED_STEPS) {
        plan_with(program, hardware, MBS_PLANNER_BASELINE);
        plan_with(program, hardware, MBS_PLANNER_IL);
        plan_with(program, hardware, MBS_PLANNER_MBS2);
        plan_with(program, hardware, MBS_PLANNER_DP);
    }
    mbs_program_free(program);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mbs_network *network = NULL;
    mbs_error error;
    mbs_error_clear(&error);
    mbs_status status =
        mbs_network_load_text(&network, (const char *)data, size, "input.json", &error);
    fuzz_check_error(status, &error);
    fuzz_require((network != NULL) == (status == MBS_OK), "a network where there is no error");
    if (status == MBS_OK)
        use_network(network);
    mbs_network_free(network);
    return 0;
}
