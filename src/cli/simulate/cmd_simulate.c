/* mbsopt simulate PLAN_OR_NET */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "either.h"
#include "import.h"
#include "options.h"
#include "output.h"
#include "planning.h"
#include "signals.h"
#include "simulate/simulate.h"

/* ---- Options --------------------------------------------------------------------------------- */

/* -1 without the option. */
static int read_slice(int64_t *slice_bytes, const char *value)
{
    mbs_error error;
    mbs_error_clear(&error);
    *slice_bytes = value == NULL ? -1 : 0;
    if (value == NULL || strcmp(value, "whole") == 0)
        return EXIT_OK;
    const int status = report_error(mbs_parse_size(slice_bytes, value, &error), &error);
    if (status == EXIT_OK && *slice_bytes == 0) {
        complain("--slice %s: expected at least 1 byte, or whole", value);
        return EXIT_BAD_INPUT;
    }
    return status;
}

static int on_progress(const mbs_progress *progress, void *context)
{
    (void)progress;
    (void)context;
    return signals_noted() != 0;
}

static int read_options(simulate_run *run, const arguments *given)
{
    static const char *const formats[] = {"table", "json", NULL};
    const char *prefetches[MBS_PREFETCH_COUNT + 1] = {NULL};
    size_t prefetch;
    size_t format;
    for (int i = 0; i < MBS_PREFETCH_COUNT; i++)
        prefetches[i] = mbs_prefetch_name((mbs_prefetch)i);
    run->options = (mbs_simulate_options)MBS_SIMULATE_OPTIONS_INIT;
    if (!option_choice(given, "prefetch", prefetches, &prefetch) ||
        !option_format(given, option_value(given, "output"), formats, &format))
        return EXIT_USAGE;
    run->json = format == 1;
    run->options.prefetch = (mbs_prefetch)prefetch;
    run->options.timeline = option_value(given, "timeline");
    run->options.full = option_flag(given, "full");
    run->options.progress = on_progress;
    const int status = planning_read(&run->planning, &run->recompute, &run->setup, given);
    return status == EXIT_OK ? read_slice(&run->slice_bytes, option_value(given, "slice")) : status;
}

static int write_result(const simulate_run *run)
{
    char *text = simulate_text(run);
    if (text == NULL) {
        complain("out of memory");
        return EXIT_SYSTEM;
    }
    const int status = write_output(run->setup.output, text);
    free(text);
    return status;
}

/* ---- The command ----------------------------------------------------------------------------- */

static int simulate(simulate_run *run)
{
    mbs_error error;
    mbs_error_clear(&error);
    run->groups = calloc(mbs_plan_group_count(run->plan), sizeof *run->groups);
    run->steps = calloc(mbs_program_step_count(mbs_plan_program(run->plan)), sizeof *run->steps);
    if (run->groups == NULL || run->steps == NULL) {
        complain("out of memory");
        return EXIT_SYSTEM;
    }
    /* not before: no plan is of another machine for it */
    if (run->slice_bytes >= 0)
        run->setup.hardware.slice_bytes = run->slice_bytes;
    signals_catch();
    const mbs_status status = mbs_simulate(&run->found, run->groups, run->steps, run->plan,
                                           &run->setup.hardware, &run->options, &error);
    signals_restore();
    stage_done("simulate");
    if (status == MBS_ERR_STOPPED)
        signals_end();
    return report_error(status, &error);
}

static int run_simulate(const arguments *given)
{
    simulate_run run = {0};
    int status = read_options(&run, given);
    if (status == EXIT_OK)
        status = plan_or_load(&run.plan, &run.setup, run.recompute, &run.planning, given);
    if (status == EXIT_OK)
        status = simulate(&run);
    if (status == EXIT_OK)
        status = write_result(&run);
    free(run.groups);
    free(run.steps);
    mbs_plan_free(run.plan);
    setup_free(&run.setup);
    return status;
}

static const option_spec simulate_options[] = {
    {"slice", '\0', "SIZE|whole",
     "bytes of an operand that move at a time (default: the hardware's)"},
    {"prefetch", '\0', "room|none|unlimited",
     "how far operands come ahead: as there is room (default), not at all, without end"},
    {"timeline", '\0', "FILE", "write what happens when, for ui.perfetto.dev"},
    {"full", '\0', NULL, "timeline: all executions of steps, however many"},
    {"format", '\0', "table|json", "a table (default), or all figures"},
    OPTION_OUTPUT,
    OPTION_PLANNER,
    OPTION_OBJECTIVE,
    OPTION_WEIGHT,
    OPTIONS_SEARCH,
    OPTION_BUFFER,
    OPTION_BATCH,
    OPTIONS_PROGRAM,
    OPTION_HARDWARE,
    OPTIONS_MACHINE,
    OPTIONS_IMPORT,
};

const command command_simulate = {
    .name = "simulate",
    .operand = "FILE",
    .operand_required = 1,
    .takes_networks = 1,
    .summary = "run a plan on the machine, event by event, and see where it waits",
    .details =
        "FILE (- is standard input) is a plan file, which is replayed and checked first, or a\n"
        "network file or an ONNX model, which is planned first. DRAM moves one slice at a time,\n"
        "steps compute as their operands come, and operands come ahead as the buffer has room.\n"
        "The time that takes stands beside the one that plans are made by (docs/simulation.md).\n",
    .examples = "  mbsopt simulate resnet50 --planner dp\n"
                "      where a step of ResNet-50 computes and what it waits for\n"
                "  mbsopt simulate plan.json --slice whole --timeline timeline.json\n"
                "      each step waits for all of its operands; the time line in Perfetto\n",
    .options = simulate_options,
    .option_count = sizeof simulate_options / sizeof simulate_options[0],
    .run = run_simulate,
};
