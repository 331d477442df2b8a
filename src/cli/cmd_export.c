/* mbsopt export PLAN_OR_NET */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "either.h"
#include "exporting.h"
#include "import.h"
#include "options.h"
#include "output.h"
#include "planning.h"
#include "setup.h"
#include "table.h"

typedef struct export_run {
    setup setup;
    mbs_plan_options planning;
    mbs_recompute_options recompute;
    mbs_export_options options;
    const char *path;
    mbs_plan *plan;
} export_run;

/* ---- Options --------------------------------------------------------------------------------- */

/* `A..B`, `A..` or `A` into a range; -1 stands for the last there is. */
static int read_range(const arguments *given, const char *name, int64_t *first, int64_t *last)
{
    const char *value = option_value(given, name);
    char from[32];
    mbs_error error;
    mbs_error_clear(&error);
    if (value == NULL)
        return EXIT_OK;
    const char *dots = strstr(value, "..");
    const size_t length = dots != NULL ? (size_t)(dots - value) : strlen(value);
    if (length >= sizeof from) {
        complain("--%s %s: expected A..B", name, value);
        return EXIT_USAGE;
    }
    memcpy(from, value, length);
    from[length] = '\0';
    mbs_status status = mbs_parse_integer(first, from, 0, INT32_MAX, name, &error);
    *last = -1;
    if (status == MBS_OK && dots == NULL)
        *last = *first;
    else if (status == MBS_OK && dots[2] != '\0')
        status = mbs_parse_integer(last, dots + 2, 0, INT32_MAX, name, &error);
    return report_error(status, &error) == EXIT_OK ? EXIT_OK : EXIT_USAGE;
}

static int read_number(const arguments *given, const char *name, int64_t most, int64_t *result)
{
    const char *value = option_value(given, name);
    mbs_error error;
    mbs_error_clear(&error);
    if (value == NULL)
        return EXIT_OK;
    mbs_status status = mbs_parse_integer(result, value, 1, most, name, &error);
    return report_error(status, &error) == EXIT_OK ? EXIT_OK : EXIT_USAGE;
}

static int read_parts(mbs_export_options *options, const arguments *given)
{
    int status = read_range(given, "steps", &options->first_step, &options->last_step);
    if (status == EXIT_OK)
        status =
            read_range(given, "iterations", &options->first_iteration, &options->last_iteration);
    if (status == EXIT_OK)
        status = read_number(given, "sample-every", MBS_MAX_BATCH, &options->sample_every);
    if (status == EXIT_OK)
        status = read_number(given, "request-bytes", 4096, &options->request_bytes);
    if (status == EXIT_OK)
        status = read_number(given, "trace-clock", INT64_C(1000000000000), &options->trace_hz);
    options->legacy_keys = option_flag(given, "timeloop-legacy");
    options->full = option_flag(given, "full");
    options->force = option_flag(given, "force");
    return status;
}

static int read_options(export_run *run, const arguments *given)
{
    run->options = (mbs_export_options)MBS_EXPORT_OPTIONS_INIT;
    run->options.format = option_value(given, "format");
    run->path = option_value(given, "output");
    if (given->operand == NULL || run->options.format == NULL || run->path == NULL) {
        complain("export: %s is missing; see: mbsopt help export",
                 given->operand == NULL        ? given->command->operand
                 : run->options.format == NULL ? "--format"
                                               : "--output");
        return EXIT_USAGE;
    }
    if (!export_format_exists("--format", run->options.format))
        return EXIT_USAGE;
    const int status = read_parts(&run->options, given);
    return status == EXIT_OK ? planning_read(&run->planning, &run->recompute, &run->setup, given)
                             : status;
}

/* ---- The command ----------------------------------------------------------------------------- */

static int print_list(void)
{
    mbs_export_info info;
    page list;
    page_begin(&list, output_width(NULL));
    for (size_t i = 0; list.out != NULL && mbs_export_format(i, &info) == MBS_OK; i++)
        fprintf(list.out, "%-11s  %s\n%-11s  %s\n", info.name, info.carries, "", info.files);
    return page_print(&list);
}

static int run_export(const arguments *given)
{
    if (option_flag(given, "list"))
        return print_list();
    export_run run = {0};
    int status = read_options(&run, given);
    if (status == EXIT_OK)
        status = plan_or_load(&run.plan, &run.setup, run.recompute, &run.planning, given);
    if (status == EXIT_OK)
        status = export_plan(run.plan, &run.setup.hardware, &run.options, run.path);
    mbs_plan_free(run.plan);
    setup_free(&run.setup);
    return status;
}

static const option_spec export_options[] = {
    {"format", '\0', "NAME", "what to write; --list shows all"},
    {"output", 'o', "OUT", "the file (- is standard output) or, for some formats, folder"},
    {"list", '\0', NULL, "list the formats, their files and what they carry"},
    {"steps", '\0', "A..B", "traces: only these steps, as numbered in plan files"},
    {"iterations", '\0', "A..B", "traces: only these iterations of each group, from 0"},
    {"sample-every", '\0', "K", "traces: every K-th sample only"},
    {"request-bytes", '\0', "N", "traces: bytes of a request (default: 64)"},
    {"trace-clock", '\0', "HZ", "traces: clock of the cycles (default: the hardware's)"},
    {"force", '\0', NULL, "traces: even if above 4 GiB"},
    {"timeloop-legacy", '\0', NULL, "timeloop: the keys of version 3 and before"},
    {"full", '\0', NULL, "perfetto: all iterations, however many"},
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

const command command_export = {
    .name = "export",
    .operand = "FILE",
    .takes_networks = 1,
    .summary = "write a plan in the formats of simulators and viewers",
    .details =
        "FILE (- is standard input) is a plan file, which is replayed and checked first, or a\n"
        "network file or an ONNX model, which is planned first. Files and folders are replaced\n"
        "whole or not at all. docs/simulators.md says how to run each simulator on what is\n"
        "written.\n",
    .options = export_options,
    .option_count = sizeof export_options / sizeof export_options[0],
    .run = run_export,
};
