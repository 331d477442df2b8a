#include "emit/exporter.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "emit/trace_size.h"

static const export_format formats[] = {
    {"wavecore", "OUT", "the command stream with addresses in buffer and DRAM, as JSON lines",
     false, false, NO_TRACE, export_wavecore},
    {"scalesim", "OUT/conv.csv, gemm.csv, runs.csv, scalesim.cfg, names.csv",
     "matrix products for SCALE-Sim 2 and 3, how often each runs, and the array", true, true,
     NO_TRACE, export_scalesim},
    {"timeloop", "OUT/STEP_bSAMPLES.yaml, runs.csv, names.csv",
     "a problem for each distinct convolution or matrix product", true, true, NO_TRACE,
     export_timeloop},
    {"astra-sim", "OUT/workload.txt, names.csv",
     "times and weight gradients of the layers, for data-parallel clusters", true, true, NO_TRACE,
     export_astra_sim},
    {"dramsim3", "OUT", "every DRAM request with its cycle, for DRAMsim3", false, true,
     TRACE_CYCLES, export_trace_cycles},
    {"ramulator", "OUT", "the same, for Ramulator 1", false, true, TRACE_CYCLES,
     export_trace_cycles},
    {"ramulator2", "OUT", "every DRAM request in order, for Ramulator 2", false, true, TRACE_PLAIN,
     export_trace_plain},
    {"addresses", "OUT", "the DRAM regions of parameters and tensors, as CSV", false, false,
     NO_TRACE, export_addresses},
    {"perfetto", "OUT", "the timeline, for ui.perfetto.dev and chrome://tracing", false, true,
     NO_TRACE, export_perfetto},
};

#define FORMAT_COUNT (sizeof formats / sizeof formats[0])

size_t mbs_export_count(void)
{
    return FORMAT_COUNT;
}

mbs_status mbs_export_format(size_t index, mbs_export_info *info)
{
    if (index >= FORMAT_COUNT)
        return MBS_ERR_ARGUMENT;
    const export_format *format = &formats[index];
    *info = (mbs_export_info){format->name, format->files, format->carries, format->is_folder};
    return MBS_OK;
}

/* ---- Checks ---------------------------------------------------------------------------------- */

static mbs_status find_format(const export_format **found, const char *name, mbs_error *error)
{
    char known[200] = "";
    for (size_t i = 0; i < FORMAT_COUNT; i++) {
        *found = &formats[i];
        if (strcmp(formats[i].name, name) == 0)
            return MBS_OK;
        list_word(known, sizeof known, ", ", formats[i].name);
    }
    return error_set(error, MBS_ERR_INPUT, "unknown format %s: expected one of %s",
                     quoted(name).text, known);
}

/* Makes sure of a range of which -1 is the last of `count`. */
static mbs_status check_range(const char *what, int64_t *first, int64_t *last, int64_t count,
                              mbs_error *error)
{
    if (*last == -1)
        *last = count - 1;
    if (*first >= 0 && *first <= *last && *last < count)
        return MBS_OK;
    return error_set(error, MBS_ERR_INPUT,
                     "%s %" PRId64 "..%" PRId64 ": expected a range within 0..%" PRId64, what,
                     *first, *last, count - 1);
}

static mbs_status check_options(const mbs_plan *plan, mbs_export_options *options, mbs_error *error)
{
    const int64_t bytes = options->request_bytes;
    if (options->sample_every < 1 || options->trace_hz < 0 || bytes < 1 || bytes > 4096 ||
        (bytes & (bytes - 1)) != 0)
        return error_set(error, MBS_ERR_INPUT,
                         "export: expected requests of a power of 2 up to 4096 bytes, every "
                         "sample or every few, and a clock of some Hz");
    int64_t iterations = 1;
    for (int32_t g = 0; g < plan->group_count; g++)
        if (plan->groups[g].iterations > iterations)
            iterations = plan->groups[g].iterations;
    mbs_status status = check_range("steps", &options->first_step, &options->last_step,
                                    plan->program->step_count, error);
    if (status == MBS_OK)
        status = check_range("iterations", &options->first_iteration, &options->last_iteration,
                             iterations, error);
    return status;
}

/* ---- Exporting ------------------------------------------------------------------------------- */

static mbs_status write_file(exporter *e, const export_format *format, const char *path)
{
    mbs_status status = sink_open(&e->out, path, e->error);
    if (status != MBS_OK)
        return status;
    sink_watch(e->out, plan_watch_stops, &e->watch);
    status = format->write(e);
    mbs_status closed = sink_close(e->out, status == MBS_OK, e->error);
    return status != MBS_OK ? status : closed;
}

static mbs_status write_folder(exporter *e, const export_format *format, const char *path)
{
    if (strcmp(path, "-") == 0)
        return error_set(e->error, MBS_ERR_INPUT,
                         "export: %s is a folder of files, expected its name and not -",
                         format->name);
    mbs_status status = folder_open(&e->folder, path, format->name, e->error);
    if (status != MBS_OK)
        return status;
    folder_watch(e->folder, plan_watch_stops, &e->watch);
    status = format->write(e);
    mbs_status closed = folder_close(e->folder, status == MBS_OK, e->error);
    return status != MBS_OK ? status : closed;
}

/* Finds the format and makes sure of all that is asked. */
static mbs_status prepare(exporter *e, const export_format **format, const mbs_plan *plan,
                          const mbs_hardware *hardware, mbs_export_options *options,
                          mbs_error *error)
{
    *e = (exporter){.plan = plan, .hardware = hardware, .options = options, .error = error};
    plan_watch_open_for(&e->watch, options->progress, options->progress_context);
    if (options->format == NULL)
        return error_set(error, MBS_ERR_ARGUMENT, "export without a format");
    mbs_status status = find_format(format, options->format, error);
    if (status == MBS_OK)
        status = check_options(plan, options, error);
    if (status == MBS_OK && (*format)->needs_shapes && !plan->program->has_shapes)
        status = error_set(error, MBS_ERR_INPUT,
                           "plan of %s: format %s needs the sizes of matrix products and tensors "
                           "(members gemm and elements), which the plan file does not tell",
                           quoted(plan->program->network_name).text, (*format)->name);
    return status;
}

mbs_status mbs_plan_export(const mbs_plan *plan, const mbs_hardware *hardware,
                           const mbs_export_options *options, const char *path, mbs_error *error)
{
    const export_format *format = NULL;
    exporter e;
    mbs_export_options checked = *options;
    mbs_status status = prepare(&e, &format, plan, hardware, &checked, error);
    if (status != MBS_OK)
        return status;
    return format->is_folder ? write_folder(&e, format, path) : write_file(&e, format, path);
}

mbs_status mbs_plan_export_size(const mbs_plan *plan, const mbs_hardware *hardware,
                                const mbs_export_options *options, mbs_export_size *size,
                                mbs_error *error)
{
    const export_format *format = NULL;
    exporter e;
    mbs_export_options checked = *options;
    *size = (mbs_export_size){0};
    mbs_status status = prepare(&e, &format, plan, hardware, &checked, error);
    if (status == MBS_OK && format->trace != NO_TRACE)
        status = trace_size(&e, format->trace == TRACE_CYCLES, size);
    return status;
}

/* ---- Files of any format --------------------------------------------------------------------- */

/* What a document is by the beginning of its "format"; a network if it says nothing. */
static mbs_file_kind kind_of(const char *data, size_t length)
{
    static const struct {
        const char *prefix;
        mbs_file_kind kind;
    } kinds[] = {{"mbsopt-plan/", MBS_FILE_PLAN}, {"mbsopt-hardware/", MBS_FILE_HARDWARE}};
    json_document document;
    mbs_file_kind kind = MBS_FILE_NETWORK;
    if (json_open(&document, data, length, "", NULL) == MBS_OK) {
        const cJSON *format = json_member(document.root, "format");
        for (size_t i = 0; i < sizeof kinds / sizeof kinds[0] && cJSON_IsString(format); i++)
            if (strncmp(format->valuestring, kinds[i].prefix, strlen(kinds[i].prefix)) == 0)
                kind = kinds[i].kind;
    }
    json_close(&document);
    return kind;
}

mbs_status mbs_load_any_file(mbs_file_kind *kind, mbs_network **network, mbs_plan **plan,
                             mbs_hardware *hardware, const char *path, mbs_error *error)
{
    char *data;
    size_t length;
    *kind = MBS_FILE_NETWORK;
    *network = NULL;
    *plan = NULL;
    mbs_status status = file_read(&data, &length, path, error);
    if (status != MBS_OK)
        return status;
    const char *label = file_label(path);
    *kind = kind_of(data, length);
    if (*kind == MBS_FILE_HARDWARE && hardware == NULL)
        *kind = MBS_FILE_NETWORK; /* not wanted: the message says what is */
    if (*kind == MBS_FILE_HARDWARE)
        status = mbs_hardware_load_text(hardware, data, length, label, error);
    else if (*kind == MBS_FILE_PLAN)
        status = mbs_plan_load_text(plan, data, length, label, error);
    else
        status = mbs_network_load_text(network, data, length, label, error);
    mem_free(data);
    return status;
}

mbs_status mbs_load_file(mbs_network **network, mbs_plan **plan, const char *path, mbs_error *error)
{
    mbs_file_kind kind;
    return mbs_load_any_file(&kind, network, plan, NULL, path, error);
}
