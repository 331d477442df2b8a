/* Writing plans in other programs' formats. */
#ifndef CLI_EXPORTING_H
#define CLI_EXPORTING_H

#include <mbsopt/mbsopt.h>
#include <stdbool.h>

/* Whether there is such a format; says so if not. `what` is where the name was given. */
bool export_format_exists(const char *what, const char *name);

/* Announces what is large, then writes `path`. Says what went wrong; returns the exit status. */
int export_plan(const mbs_plan *plan, const mbs_hardware *hardware,
                const mbs_export_options *options, const char *path);

#endif
