#include "setup.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fields.h"
#include "import.h"
#include "output.h"
#include "search.h"
#include "shipped.h"

bool setup_optimizer(mbs_optimizer *optimizer, const arguments *given)
{
    const char *names[MBS_OPTIMIZER_COUNT + 1] = {NULL};
    size_t choice;
    for (int i = 0; i < MBS_OPTIMIZER_COUNT; i++)
        names[i] = mbs_optimizer_name((mbs_optimizer)i);
    if (!option_choice(given, "optimizer", names, &choice))
        return false;
    *optimizer = (mbs_optimizer)choice;
    return true;
}

static int read_choices(setup *result, const arguments *given)
{
    static const char *const batch_norms[] = {"replace", "keep", NULL};
    static const char *const colors[] = {"auto", "always", "never", NULL};
    const char *hardware = option_value(given, "hardware");
    size_t batch_norm;
    size_t color;
    if (!option_choice(given, "batch-norm", batch_norms, &batch_norm) ||
        !option_choice(given, "color", colors, &color) ||
        !setup_optimizer(&result->optimizer, given))
        return EXIT_USAGE;
    if (hardware != NULL && strcmp(hardware, "-") == 0 && strcmp(given->operand, "-") == 0) {
        complain("--hardware - and %s - cannot both be standard input", given->command->operand);
        return EXIT_USAGE;
    }
    result->output = option_value(given, "output");
    result->inference = option_flag(given, "inference");
    result->keep_batch_norm = batch_norm == 1;
    const bool to_file = result->output != NULL && strcmp(result->output, "-") != 0;
    result->color = color == 1 || (color == 0 && !to_file && terminal_takes_color());
    return EXIT_OK;
}

/* Where one is read, a list is a mistake of those who know sweep. */
static bool refuse_list(const arguments *given, const char *option)
{
    const char *value = option_value(given, option);
    if (value == NULL || strchr(value, ',') == NULL)
        return false;
    complain("--%s %s: %s takes one; sweep and advise take several", option, value,
             given->command->name);
    return true;
}

static int read_buffer(setup *result, const char *value)
{
    mbs_error error;
    mbs_error_clear(&error);
    mbs_status status = mbs_parse_size(&result->hardware.buffer_bytes, value, &error);
    if (status != MBS_OK)
        return report_error(status, &error);
    if (result->hardware.buffer_bytes < MBS_MIN_BUFFER_BYTES) {
        complain("--buffer %s: expected at least %d bytes", value, MBS_MIN_BUFFER_BYTES);
        return EXIT_BAD_INPUT;
    }
    return EXIT_OK;
}

/* What the hardware keeps for itself must leave a buffer worth planning for. */
static int check_reserved(const mbs_hardware *hardware)
{
    if (hardware->buffer_bytes - hardware->reserved_bytes >= MBS_MIN_BUFFER_BYTES)
        return EXIT_OK;
    complain("buffer of %" PRId64 " bytes: the hardware reserves %" PRId64
             " of it; expected at least %d more",
             hardware->buffer_bytes, hardware->reserved_bytes, MBS_MIN_BUFFER_BYTES);
    return EXIT_BAD_INPUT;
}

static int read_batch(setup *result, const char *value)
{
    mbs_error error;
    mbs_error_clear(&error);
    return report_error(
        mbs_parse_integer(&result->batch, value, 1, MBS_MAX_BATCH, "--batch", &error), &error);
}

int load_hardware(mbs_hardware *hardware, const char *name)
{
    char *path;
    mbs_error error;
    mbs_error_clear(&error);
    int status = shipped_find(&path, SHIPPED_MACHINE, name);
    if (status != EXIT_OK)
        return status;
    status = report_error(mbs_hardware_load_file(hardware, path, &error), &error);
    free(path);
    return status;
}

/* What is written of another machine than the file's says so: its name ends in `what`. */
static void rename_machine(mbs_hardware *hardware, const char *what)
{
    char own[sizeof hardware->name];
    snprintf(own, sizeof own, "%s", hardware->name);
    snprintf(hardware->name, sizeof hardware->name, "%.*s:%s",
             (int)(sizeof own - 1 - strlen(what) - 1), own, what);
}

static int read_cycle_model(mbs_hardware *hardware, const arguments *given)
{
    static const char *const models[] = {"wavecore", "scalesim", NULL};
    size_t model;
    if (option_value(given, "cycle-model") == NULL)
        return EXIT_OK;
    if (!option_choice(given, "cycle-model", models, &model))
        return EXIT_USAGE;
    if (hardware->cycle_model != (mbs_cycle_model)model)
        rename_machine(hardware, models[model]);
    hardware->cycle_model = (mbs_cycle_model)model;
    return EXIT_OK;
}

static int read_dram_efficiency(mbs_hardware *hardware, const arguments *given)
{
    const char *value = option_value(given, "dram-efficiency");
    const double own = hardware->dram_efficiency;
    mbs_error error;
    mbs_error_clear(&error);
    if (value == NULL)
        return EXIT_OK;
    int status = strcmp(value, "measured") == 0
                     ? report_error(mbs_hardware_use_measured_efficiency(hardware, &error), &error)
                     : search_decimal(&hardware->dram_efficiency, given, "dram-efficiency", 1, "");
    if (status == EXIT_OK && !(hardware->dram_efficiency > 0)) {
        complain("--dram-efficiency %s: expected a number above 0, at most 1, or measured", value);
        return EXIT_BAD_INPUT;
    }
    if (status == EXIT_OK && (hardware->dram_efficiency < own || hardware->dram_efficiency > own)) {
        char what[sizeof "dram-" + FIGURE_BYTES];
        snprintf(what, sizeof what, "dram-%s", field_number(hardware->dram_efficiency).text);
        rename_machine(hardware, what);
    }
    return status;
}

static int read_overlap(mbs_hardware *hardware, const arguments *given)
{
    const char *names[MBS_OVERLAP_COUNT + 1] = {NULL};
    char what[sizeof "overlap-" + 8];
    size_t overlap;
    if (option_value(given, "overlap") == NULL)
        return EXIT_OK;
    for (int i = 0; i < MBS_OVERLAP_COUNT; i++)
        names[i] = mbs_overlap_name((mbs_overlap)i);
    if (!option_choice(given, "overlap", names, &overlap))
        return EXIT_USAGE;
    if (hardware->overlap != (mbs_overlap)overlap) {
        snprintf(what, sizeof what, "overlap-%.8s", names[overlap]);
        rename_machine(hardware, what);
    }
    hardware->overlap = (mbs_overlap)overlap;
    return EXIT_OK;
}

int setup_machine(mbs_hardware *hardware, const arguments *given)
{
    int status = read_cycle_model(hardware, given);
    if (status == EXIT_OK)
        status = read_dram_efficiency(hardware, given);
    return status == EXIT_OK ? read_overlap(hardware, given) : status;
}

int setup_options(setup *result, const arguments *given)
{
    const char *hardware = option_value(given, "hardware");
    const char *buffer = option_value(given, "buffer");
    const char *batch = option_value(given, "batch");
    *result = (setup){.batch = 32};
    int status = read_choices(result, given);
    if (status != EXIT_OK)
        return status;
    if (refuse_list(given, "buffer") || refuse_list(given, "batch") ||
        (hardware != NULL && access(hardware, F_OK) != 0 && refuse_list(given, "hardware")))
        return EXIT_USAGE;
    mbs_hardware_wavecore(&result->hardware);
    /* each is looked at even if another is wrong, so that one run shows all that is */
    int hardware_status = hardware != NULL ? load_hardware(&result->hardware, hardware) : EXIT_OK;
    if (hardware_status == EXIT_OK)
        hardware_status = setup_machine(&result->hardware, given);
    if (hardware_status == EXIT_USAGE)
        return EXIT_USAGE;
    result->machine_buffer_bytes = result->hardware.buffer_bytes;
    int buffer_status = buffer != NULL ? read_buffer(result, buffer) : EXIT_OK;
    int batch_status = batch != NULL ? read_batch(result, batch) : EXIT_OK;
    if (hardware_status != EXIT_OK)
        return hardware_status;
    if (buffer_status == EXIT_OK)
        buffer_status = check_reserved(&result->hardware);
    return buffer_status != EXIT_OK ? buffer_status : batch_status;
}

mbs_program_options setup_program_options(const setup *of, int keep_batch_norm)
{
    return search_program_options(&of->hardware, of->inference, of->optimizer, keep_batch_norm);
}

mbs_status setup_program(setup *result, mbs_error *error)
{
    const mbs_program_options options = setup_program_options(result, result->keep_batch_norm);
    return mbs_program_create(&result->program, result->network, &options, error);
}

int setup_load(setup *result, const arguments *given)
{
    mbs_error error;
    mbs_error_clear(&error);
    int status = load_network(&result->network, given, given->operand);
    stage_done("load");
    if (status == EXIT_OK)
        status = report_error(setup_program(result, &error), &error);
    stage_done("program");
    return status;
}

void setup_free(setup *result)
{
    mbs_program_free(result->program);
    mbs_network_free(result->network);
}
