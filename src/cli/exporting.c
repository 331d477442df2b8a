#include "exporting.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "alive.h"
#include "command.h"
#include "options.h"
#include "output.h"
#include "signals.h"

#define MOST_FORMATS 32

/* The format with addresses in the buffer. */
#define PLACED_FORMAT "wavecore"

bool export_format_exists(const char *what, const char *name)
{
    const char *names[MOST_FORMATS + 1] = {NULL};
    char list[200] = "";
    mbs_export_info info;
    for (size_t i = 0; i < MOST_FORMATS && mbs_export_format(i, &info) == MBS_OK; i++) {
        if (strcmp(info.name, name) == 0)
            return true;
        names[i] = info.name;
        strncat(list, i == 0 ? "" : ", ", sizeof list - strlen(list) - 1);
        strncat(list, info.name, sizeof list - strlen(list) - 1);
    }
    const char *nearest = nearest_name(name, names);
    if (nearest != NULL)
        complain("%s %s: no such format (did you mean %s?)", what, name, nearest);
    else
        complain("%s %s: no such format; expected one of %s", what, name, list);
    return false;
}

static void print_note(const char *text, void *context)
{
    const mbs_export_options *options = context;
    note("%s: %s", options->format, text);
}

/* An interrupt since `context`, a signals_count, ends it. */
static int on_progress(const mbs_progress *progress, void *context)
{
    const int *count_before = context;
    (void)progress;
    return signals_count() != *count_before;
}

/* Says how writing `path` ended; returns the exit status. */
static int report_writing(mbs_status status, const char *path, const mbs_error *error)
{
    if (status == MBS_ERR_STOPPED) {
        note("interrupted before %s was written", path);
        signals_end();
    }
    return report_error(status, error);
}

/* Whether there is a temporary file or folder until all is written: not beside devices and pipes.
 */
static bool is_replaced(const char *path)
{
    struct stat existing;
    if (strcmp(path, "-") == 0)
        return false;
    return stat(path, &existing) != 0 || S_ISREG(existing.st_mode) || S_ISDIR(existing.st_mode);
}

/* Exports; an interrupt leaves nothing behind that is not whole, and ends the program. */
static int export_watched(const mbs_plan *plan, const mbs_hardware *hardware,
                          const mbs_export_options *options, const char *path)
{
    mbs_error error;
    mbs_export_options watched = *options;
    int count_before = signals_count(); /* one that ended the search is heeded already */
    watched.note = print_note;
    watched.note_context = &watched;
    watched.progress = on_progress;
    watched.progress_context = &count_before;
    const bool replaced = is_replaced(path);
    mbs_error_clear(&error);
    if (replaced)
        signals_catch();
    mbs_status status = mbs_plan_export(plan, hardware, &watched, path, &error);
    if (replaced)
        signals_restore();
    return report_writing(status, path, &error);
}

int export_model(const mbs_program *program, const mbs_hardware *hardware,
                 const mbs_plan_options *options, const char *path)
{
    mbs_error error;
    mbs_plan_options watched = *options;
    int count_before = signals_count();
    watched.progress = on_progress;
    watched.progress_context = &count_before;
    const bool replaced = is_replaced(path);
    mbs_error_clear(&error);
    alive_stage("exporting");
    if (replaced)
        signals_catch();
    mbs_status status = mbs_plan_export_model(program, hardware, &watched, path, &error);
    if (replaced)
        signals_restore();
    return report_writing(status, path, &error);
}

int export_plan(const mbs_plan *plan, const mbs_hardware *hardware,
                const mbs_export_options *options, const char *path)
{
    mbs_error error;
    mbs_export_size size;
    mbs_error_clear(&error);
    alive_stage("exporting");
    mbs_status status = mbs_plan_export_size(plan, hardware, options, &size, &error);
    if (status != MBS_OK)
        return report_error(status, &error);
    if (size.requests > 0 && size.most_file_bytes > MBS_EXPORT_MAX_BYTES && !options->force) {
        complain("%s: %" PRId64 " requests take up to %.1f GB, more than 4 GiB; export --force "
                 "writes them all, --steps, --iterations and --sample-every a part",
                 options->format, size.requests, (double)size.most_file_bytes / 1e9);
        return EXIT_BAD_INPUT;
    }
    if (size.requests > 0)
        note("%s: %" PRId64 " requests for %" PRId64 " bytes of traffic, a file of up to %.1f MB",
             options->format, size.requests, size.moved_bytes, (double)size.most_file_bytes / 1e6);
    return export_watched(plan, hardware, options, path);
}

int make_placed(mbs_plan **placed, const mbs_plan *plan, const mbs_hardware *hardware)
{
    mbs_error error;
    mbs_export_options options = {.format = PLACED_FORMAT};
    mbs_error_clear(&error);
    alive_stage("placing");
    return report_error(mbs_plan_place(placed, plan, hardware, print_note, &options, &error),
                        &error);
}

/* ---- --export -------------------------------------------------------------------------------- */

#define MOST_FORMAT_NAME 32

/* Splits F=OUT: the format's name, "" if there is none or it is too long, and the path. */
static const char *split_export(const char *asked, char format[MOST_FORMAT_NAME])
{
    const size_t length = strcspn(asked, "=");
    format[0] = '\0';
    if (asked[length] != '=' || length >= MOST_FORMAT_NAME)
        return NULL;
    memcpy(format, asked, length);
    format[length] = '\0';
    return asked[length + 1] != '\0' ? asked + length + 1 : NULL;
}

int exports_check(const arguments *given, const char *output)
{
    const bool to_output = output == NULL || strcmp(output, "-") == 0;
    const char *asked;
    for (size_t i = 0; (asked = option_nth(given, "export", i)) != NULL; i++) {
        char format[MOST_FORMAT_NAME];
        const char *path = split_export(asked, format);
        if (path == NULL) {
            complain("--export %s: expected FORMAT=OUT; see: mbsopt export --list", asked);
            return EXIT_USAGE;
        }
        if (strcmp(path, "-") == 0 && to_output) {
            complain("--export %s: standard output is the plan's; see --output", asked);
            return EXIT_USAGE;
        }
        if (!export_format_exists("--export", format))
            return EXIT_USAGE;
    }
    return EXIT_OK;
}

bool exports_place(const arguments *given)
{
    const char *asked;
    for (size_t i = 0; (asked = option_nth(given, "export", i)) != NULL; i++) {
        char format[MOST_FORMAT_NAME];
        split_export(asked, format);
        if (strcmp(format, PLACED_FORMAT) == 0)
            return true;
    }
    return false;
}

int exports_write(const arguments *given, const mbs_plan *plan, const mbs_hardware *hardware)
{
    int status = EXIT_OK;
    const char *asked;
    for (size_t i = 0; (asked = option_nth(given, "export", i)) != NULL && status == EXIT_OK; i++) {
        char format[MOST_FORMAT_NAME];
        const char *path = split_export(asked, format);
        mbs_export_options options = MBS_EXPORT_OPTIONS_INIT;
        options.format = format;
        status = export_plan(plan, hardware, &options, path);
    }
    return status;
}
