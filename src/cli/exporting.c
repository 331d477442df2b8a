#include "exporting.h"

#include <inttypes.h>
#include <string.h>

#include "command.h"
#include "options.h"
#include "output.h"

#define MOST_FORMATS 32

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

int export_plan(const mbs_plan *plan, const mbs_hardware *hardware,
                const mbs_export_options *options, const char *path)
{
    mbs_error error;
    mbs_export_size size;
    mbs_error_clear(&error);
    mbs_status status = mbs_plan_export_size(plan, hardware, options, &size, &error);
    if (status != MBS_OK)
        return report_error(status, &error);
    if (size.requests > 0 && size.most_file_bytes > MBS_EXPORT_MAX_BYTES && !options->force) {
        complain("%s: %" PRId64 " requests take up to %.1f GB, more than 4 GiB; --force writes "
                 "them all, --steps, --iterations and --sample-every a part",
                 options->format, size.requests, (double)size.most_file_bytes / 1e9);
        return EXIT_BAD_INPUT;
    }
    if (size.requests > 0)
        note("%s: %" PRId64 " requests for %" PRId64 " bytes of traffic, a file of up to %.1f MB",
             options->format, size.requests, size.moved_bytes, (double)size.most_file_bytes / 1e6);
    mbs_export_options with_notes = *options;
    with_notes.note = print_note;
    with_notes.note_context = &with_notes;
    return report_error(mbs_plan_export(plan, hardware, &with_notes, path, &error), &error);
}
