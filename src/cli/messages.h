/* What the program says on standard error, as lines for people or as JSON for programs. */
#ifndef CLI_MESSAGES_H
#define CLI_MESSAGES_H

#include <mbsopt/mbsopt.h>
#include <stdbool.h>

/*
 * From now on each message is one line holding a JSON object with the members "level" ("error" or
 * "note"), "message", and for what the library found "status", such as "bad input".
 */
void messages_as_json(void);
bool messages_are_json(void);

/* One line: "mbsopt: " and the message, made safe for terminals. */
void complain(const char *format, ...) MBS_PRINTF(1, 2);

/* The same of what the library found. `status` is in words. */
void complain_of(const char *status, const char *message);

/* One line: "note: " and what the user may want to know though nothing failed. */
void note(const char *format, ...) MBS_PRINTF(1, 2);

/* The same, ending in "; to go on:", and below it a command of any length, as a line to be copied.
 */
void note_command(const char *command_line, const char *format, ...) MBS_PRINTF(2, 3);

/*
 * A pipe whose reader has gone, as in `mbsopt plan ... | head -1`, is no fault to be told of: from
 * now on a write to one fails, so that what is half done can be cleaned up, and after it there are
 * no more messages. end_with_pipe then ends the program as the signal SIGPIPE does; without such a
 * write it returns.
 */
void messages_end_with_pipe(void);
void end_with_pipe(void);

/* From now on the end of each stage is noted, with the seconds since the one before. */
void stages_begin(void);
void stage_done(const char *name);

#endif
