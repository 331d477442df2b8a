/* Writing plans in other programs' formats. */
#ifndef CLI_EXPORTING_H
#define CLI_EXPORTING_H

#include <mbsopt/mbsopt.h>
#include <stdbool.h>

#include "options.h"

/* Whether there is such a format; says so if not. `what` is where the name was given. */
bool export_format_exists(const char *what, const char *name);

/* Announces what is large, then writes `path`. Says what went wrong; returns the exit status. */
int export_plan(const mbs_plan *plan, const mbs_hardware *hardware,
                const mbs_export_options *options, const char *path);

/* Likewise the integer program that ilp would solve. */
int export_model(const mbs_program *program, const mbs_hardware *hardware,
                 const mbs_plan_options *options, const char *path);

/*
 * The plan as it can be placed in the buffer, its changes as notes. Likewise; *placed is null if
 * not EXIT_OK, and else must not outlive `plan`.
 */
int make_placed(mbs_plan **placed, const mbs_plan *plan, const mbs_hardware *hardware);

/* ---- --export FORMAT=OUT, however often ---- */

/* Checks what is asked before any planning; `output` is where the plan goes, null for standard
 * output. Says what is wrong; returns the exit status. */
int exports_check(const arguments *given, const char *output);

/* Whether something is asked for that needs a placed plan. */
bool exports_place(const arguments *given);

/* Writes all that is asked for. */
int exports_write(const arguments *given, const mbs_plan *plan, const mbs_hardware *hardware);

#endif
