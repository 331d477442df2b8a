/* Ctrl-C while something takes its time. */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

#include <stdbool.h>

/*
 * From now on SIGINT, SIGTERM and SIGHUP, unless they are ignored, are noted; only the second one
 * ends the program. May be done again before it is undone.
 */
void signals_catch(void);

/* Undoes the last signals_catch. */
void signals_restore(void);

/* The signal that was noted, 0 if none: any thread may ask. */
int signals_noted(void);

/* How many were noted so far. */
int signals_count(void);

/* Whether signals are caught: else one that is noted is to end the program. */
bool signals_are_caught(void);

/*
 * Ends the program by the signal that was noted: the caller, such as a shell's loop, is to know
 * that it did not end by itself. Returns if there was none.
 */
void signals_end(void);

#endif
