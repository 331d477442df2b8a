/* Ctrl-C while something takes its time. */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

/*
 * From now on SIGINT and SIGTERM, unless they are ignored, are noted; only the second one ends the
 * program.
 */
void signals_catch(void);

/* What was before. */
void signals_restore(void);

/* The signal that was noted, 0 if none: any thread may ask. */
int signals_noted(void);

#endif
