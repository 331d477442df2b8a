/* Pictures, drawn by the script plot.py with matplotlib. */
#ifndef CLI_PLOTTING_H
#define CLI_PLOTTING_H

#include <mbsopt/mbsopt.h>
#include <stdbool.h>

#include "script.h"

#define OPTION_PLOT                                                                                \
    {                                                                                              \
        "plot", '\0', "FILE.svg|.png|.pdf", "draw the plan too; see: mbsopt help plot"             \
    }

/* Whether the path ends as a picture's; if not says so, as of --`option`. */
bool plot_path_ends_well(const char *option, const char *path);

/* Begins the script's command line. Says so if it is not installed, and returns the exit status;
 * free with script_free in any case. */
int plot_begin(script *of);

/* Draws the plan into the file `path`. Says what is wrong; returns the exit status. */
int plot_plan(const mbs_plan *plan, const char *path);

#endif
