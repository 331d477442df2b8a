/* Writing files of any length in constant memory: a text that is emptied into a file now and then.
 */
#ifndef BASE_SINK_H
#define BASE_SINK_H

#include <stdbool.h>

#include "base/text.h"

typedef struct sink sink;

/*
 * Begins to write `path`. A regular file is replaced at the end, by a temporary file of the same
 * folder and a rename, so that a failure leaves it as it was; what is no regular file (a device, a
 * pipe) is written to directly; "-" is standard output. *out must be handed to sink_close.
 * Errors: MBS_ERR_IO, MBS_ERR_MEMORY; *out is then null.
 */
mbs_status sink_open(sink **out, const char *path, mbs_error *error);

/* The same for a new file that nobody else looks at yet; messages call it `shown`. */
mbs_status sink_create(sink **out, const char *path, const char *shown, mbs_error *error);

/* Whether somebody wants what is under way to end. */
typedef bool sink_stop_function(void *context);

/* From now on `is_over` is asked by sink_flush, and by sink_close before a file takes its place. */
void sink_watch(sink *out, sink_stop_function *is_over, void *context);

/* What is appended to this text comes next in the file. */
text *sink_text(sink *out);

/*
 * To be called after each record: empties a text that has grown large into the file. False once
 * anything has failed, or it is to end, when there is no point in going on; sink_close says which.
 */
bool sink_flush(sink *out);

/*
 * Ends the file and frees `out` (null is allowed). If `keep`, what was written becomes the file;
 * else, or if anything failed, it is as before. Errors: MBS_ERR_IO, MBS_ERR_MEMORY,
 * MBS_ERR_STOPPED.
 */
mbs_status sink_close(sink *out, bool keep, mbs_error *error);

#endif
