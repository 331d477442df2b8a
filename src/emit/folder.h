/* A folder of exported files that appears whole or not at all. */
#ifndef EMIT_FOLDER_H
#define EMIT_FOLDER_H

#include "base/sink.h"

typedef struct folder folder;

/* The file in each exported folder that says what it is and lists the others. */
#define FOLDER_INDEX "export.json"

/*
 * Begins a folder at `path` under a temporary name beside it. What stands there already must be a
 * folder that is empty or holds nothing but an earlier export. `format` is what is exported.
 * *out must be handed to folder_close. Errors: MBS_ERR_IO, MBS_ERR_MEMORY; *out is then null.
 */
mbs_status folder_open(folder **out, const char *path, const char *format, mbs_error *error);

/* From now on each file is watched (sink_watch). */
void folder_watch(folder *in, sink_stop_function *is_over, void *context);

/*
 * Begins a file in it; `name` has letters, digits, dots, dashes and underscores. The caller closes
 * it (sink_close). Errors: MBS_ERR_IO, MBS_ERR_MEMORY; *out is then null.
 */
mbs_status folder_file(sink **out, folder *in, const char *name, mbs_error *error);

/*
 * Ends the folder and frees it (null is allowed). If `keep`, it takes its place, and an earlier
 * export there is gone; else nothing has changed. Errors: MBS_ERR_IO, MBS_ERR_MEMORY.
 */
mbs_status folder_close(folder *in, bool keep, mbs_error *error);

#endif
