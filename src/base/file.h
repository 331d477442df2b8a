/* Reading whole files. Writing is public: mbs_write_file; sink.h does it bit by bit. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>

#include "mbsopt/status.h"

/* Larger files are refused unread. */
#define FILE_MAX_BYTES ((size_t)1 << 30)

/*
 * Reads a file ("-" is standard input) into *data, NUL-terminated, owned by the caller (mem_free).
 * Errors: MBS_ERR_IO (unreadable, a directory), MBS_ERR_INPUT (too large), MBS_ERR_MEMORY.
 */
mbs_status file_read(char **data, size_t *length, const char *path, mbs_error *error);

/* What messages call a file that file_read reads: its path, or "standard input". */
const char *file_label(const char *path);

/* "cannot VERB PATH: REASON" from an errno; returns MBS_ERR_IO. */
mbs_status file_error(mbs_error *error, const char *verb, const char *path, int number);

/*
 * The same from a stream; `label` names it in messages. Errors: also MBS_ERR_IO where the stream
 * says that it failed.
 */
mbs_status stream_read(char **data, size_t *length, mbs_read_function *read_some, void *context,
                       const char *label, mbs_error *error);

/*
 * What `path` stands for, symbolic links followed, so that writing replaces that and not the link;
 * of what does not exist, the path itself. Owned by the caller; null if memory is out.
 */
char *file_target(const char *path);

#endif
