#include "exporting.h"

#include <string.h>

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

int export_plan(const mbs_plan *plan, const mbs_hardware *hardware,
                const mbs_export_options *options, const char *path)
{
    mbs_error error;
    mbs_error_clear(&error);
    return report_error(mbs_plan_export(plan, hardware, options, path, &error), &error);
}
