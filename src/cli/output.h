/* What goes to the terminal, to files and to the caller as exit status. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <mbsopt/mbsopt.h>
#include <stdbool.h>
#include <stddef.h>

#include "messages.h"

/* The exit status that says `status`. */
int exit_status(mbs_status status);

/* All messages of `error`, one line each; returns the exit status for `status`. */
int report_error(mbs_status status, const mbs_error *error);

/*
 * Writes text to a file (by way of a temporary one), or to standard output if `path` is null or
 * "-". Says what went wrong; returns the exit status.
 */
int write_output(const char *path, const char *output);

/* Writes text to standard output. Says what went wrong, and why; returns the exit status. */
int print_text(const char *text);

/* Brings out what was printed on standard output. Likewise. */
int finish_output(void);

/* Whether standard output takes colours: it is a terminal, and NO_COLOR is not set. */
bool terminal_takes_color(void);

#endif
