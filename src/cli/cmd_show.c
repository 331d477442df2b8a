/* mbsopt show FILE */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "import.h"
#include "options.h"
#include "output.h"
#include "planning.h"
#include "setup.h"
#include "shipped.h"
#include "table.h"

/* What the file turned out to hold; a network is in the setup. */
typedef struct shown {
    setup setup;
    mbs_file_kind kind;
    mbs_plan *plan;
    mbs_hardware machine;
    char *tables[2]; /* of a plan the second lists its steps, or is "" */
} shown;

static int load(shown *of, const arguments *given)
{
    char *path;
    mbs_error error;
    mbs_error_clear(&error);
    if (is_onnx_path(given->operand))
        return load_network(&of->setup.network, given, given->operand);
    int status = check_import_options(given);
    if (status == EXIT_OK)
        status = shipped_find(&path, SHIPPED_NETWORK | SHIPPED_MACHINE, given->operand);
    if (status != EXIT_OK)
        return status;
    status = report_error(
        mbs_load_any_file(&of->kind, &of->setup.network, &of->plan, &of->machine, path, &error),
        &error);
    free(path);
    return status == EXIT_OK && of->kind == MBS_FILE_NETWORK
               ? fuse_network(&of->setup.network, given)
               : status;
}

/* What says how a network runs says nothing of a plan, and less of a machine. */
static int check_options(const shown *of, const arguments *given)
{
    static const char *const of_networks[] = {"buffer",    "batch",   "inference", "batch-norm",
                                              "optimizer", "no-fold", "fuse",      NULL};
    const bool plan = of->kind == MBS_FILE_PLAN;
    if (of->kind == MBS_FILE_NETWORK)
        return EXIT_OK;
    for (size_t i = 0; of_networks[i] != NULL; i++)
        if (option_value(given, of_networks[i]) != NULL) {
            complain("--%s is of networks, and %s is a %s", of_networks[i], given->operand,
                     plan ? "plan" : "machine");
            return EXIT_USAGE;
        }
    if (!plan && option_value(given, "hardware") != NULL) {
        complain("--hardware: %s is a machine itself", given->operand);
        return EXIT_USAGE;
    }
    return EXIT_OK;
}

/* Fills in of->tables. */
static mbs_status make_tables(shown *of, const arguments *given, mbs_error *error)
{
    setup *with = &of->setup;
    char **output = &of->tables[0];
    mbs_report_options options = {.color = with->color, .width = output_width(with->output)};
    if (of->kind == MBS_FILE_HARDWARE)
        return mbs_report_hardware_table(output, &of->machine, &options, error);
    if (of->kind == MBS_FILE_PLAN) {
        if (option_value(given, "hardware") != NULL) {
            options.hardware = &with->hardware;
            note_other_hardware(of->plan, options.hardware);
        }
        mbs_status made = mbs_report_plan_table(output, of->plan, &options, error);
        return made != MBS_OK ? made
                              : mbs_report_plan_rows(&of->tables[1], of->plan, &options, error);
    }
    mbs_status status = setup_program(with, error);
    if (status != MBS_OK)
        return status;
    return mbs_report_layers(output, with->network, with->program, &with->hardware, with->batch,
                             &options, error);
}

static int write_tables(const shown *of)
{
    const char *steps = of->tables[1] != NULL ? of->tables[1] : "";
    const size_t size = strlen(of->tables[0]) + strlen(steps) + 2;
    char *output = malloc(size);
    if (output == NULL) {
        complain("out of memory");
        return EXIT_SYSTEM;
    }
    snprintf(output, size, "%s%s%s", of->tables[0], steps[0] != '\0' ? "\n" : "", steps);
    int status = write_output(of->setup.output, output);
    free(output);
    return status;
}

static int run_show(const arguments *given)
{
    static const char *const formats[] = {"table", NULL};
    size_t format;
    shown of = {0};
    mbs_error error;
    mbs_error_clear(&error);
    if (!option_format(given, option_value(given, "output"), formats, &format))
        return EXIT_USAGE;
    int status = setup_options(&of.setup, given);
    if (status == EXIT_OK)
        status = load(&of, given);
    stage_done("load");
    if (status == EXIT_OK)
        status = check_options(&of, given);
    if (status == EXIT_OK)
        status = report_error(make_tables(&of, given, &error), &error);
    if (status == EXIT_OK)
        status = write_tables(&of);
    mbs_free(of.tables[0]);
    mbs_free(of.tables[1]);
    mbs_plan_free(of.plan);
    setup_free(&of.setup);
    return status;
}

static const option_spec show_options[] = {
    OPTION_BUFFER,  OPTION_BATCH,  OPTIONS_PROGRAM, OPTION_HARDWARE,
    OPTIONS_IMPORT, OPTION_OUTPUT, OPTION_COLOR,
};

const command command_show = {
    .name = "show",
    .operand = "FILE",
    .operand_required = 1,
    .takes_networks = 1,
    .summary = "show what is in a network, hardware or plan file",
    .details =
        "FILE (- is standard input) is one of three kinds, or the name of a network or machine "
        "that\n"
        "comes with mbsopt (mbsopt list). Of a network (an ONNX model is imported) it lists the\n"
        "layers in the order they run: output shape, parameters, output bytes per sample, and the\n"
        "smallest number of iterations in which the layer's steps fit the buffer, each alone with\n"
        "its operands staged (\"passes\": not even one sample fits). Of a machine it shows the\n"
        "peaks, their balance, and each member with what is not in the file and so WaveCore's. Of "
        "a\n"
        "plan it shows the table that plan shows, unchecked; with --hardware also times. A SIZE "
        "is\n"
        "10MiB, 10MB, 512KiB or a number of bytes.\n",
    .examples = "  mbsopt show resnet50 --buffer 1MiB\n"
                "      what each layer needs of a buffer\n"
                "  mbsopt show my-chip.json\n"
                "      what a machine is taken to be, and what its file does not say\n",
    .options = show_options,
    .option_count = sizeof show_options / sizeof show_options[0],
    .run = run_show,
};
