/* Names that simulators can bear, and the file that says what they stand for. */
#ifndef EMIT_SAFE_NAMES_H
#define EMIT_SAFE_NAMES_H

#include "emit/folder.h"

/* The mapping file of a folder: rows `name,original`. */
#define SAFE_NAMES_FILE "names.csv"

typedef struct safe_names safe_names;

/* Room for `count` names. Null if memory is out. */
safe_names *safe_names_create(int32_t count);
void safe_names_free(safe_names *names); /* null is allowed */

/*
 * The safe name of the next of the `count`: letters, digits and underscores in place of all else,
 * beginning with a letter, no "DP" (which SCALE-Sim takes for a depthwise layer), at most 100 bytes
 * and unlike every other. Lives as long as `names`; null if memory is out. O(length), amortised.
 */
const char *safe_names_add(safe_names *names, const char *original);

/* Writes the mapping file. Errors: MBS_ERR_IO, MBS_ERR_MEMORY. */
mbs_status safe_names_write(const safe_names *names, folder *in, mbs_error *error);

#endif
