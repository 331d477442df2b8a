#include "plotting.h"

#include <string.h>
#include <strings.h>

#include "alive.h"
#include "command.h"
#include "output.h"
#include "share.h"

bool plot_path_ends_well(const char *option, const char *path)
{
    static const char *const endings[] = {".svg", ".png", ".pdf"};
    const size_t length = strlen(path);
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
        if (length > strlen(endings[i]) &&
            strcasecmp(path + length - strlen(endings[i]), endings[i]) == 0)
            return true;
    complain("--%s %s: expected a name that ends in .svg, .png or .pdf", option, path);
    return false;
}

int plot_begin(script *of)
{
    char room[SHARE_PATH_BYTES];
    *of = (script){0};
    if (!share_find(room, sizeof room, "plot.py")) {
        complain("the script that draws is not installed, neither beside the program nor as %s",
                 room);
        return EXIT_SYSTEM;
    }
    script_begin(of, room);
    script_add(of, "--speaker=mbsopt");
    return EXIT_OK;
}

int plot_plan(const mbs_plan *plan, const char *path)
{
    script of;
    char *text = NULL;
    mbs_error error;
    mbs_error_clear(&error);
    int status = plot_begin(&of);
    if (status == EXIT_OK)
        status = report_error(mbs_plan_to_json(&text, plan, &error), &error);
    if (status == EXIT_OK) {
        alive_stage("drawing");
        script_add(&of, "--output=%s", path);
        script_add(&of, "plan");
        script_add(&of, "-");
        of.given = text;
        of.given_length = strlen(text);
        status = script_run(&of, "draws", path);
        stage_done("plot");
    }
    mbs_free(text);
    script_free(&of);
    return status;
}
