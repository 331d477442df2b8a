/* Setting error text: once, where the fault is seen. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdarg.h>

#include "mbsopt/status.h"

/*
 * Records one fault and returns `status`, so that a caller can `return error_set(...)`. `error` may
 * be null. Names from files must pass through quoted() first, so that a message is one printable
 * line.
 */
mbs_status error_set(mbs_error *error, mbs_status status, const char *format, ...) MBS_PRINTF(3, 4);

/* The fault "out of memory". */
mbs_status error_memory(mbs_error *error);

#ifdef __clang_analyzer__
/* It looks at one file at a time, and would take it that these may return MBS_OK. */
#define error_set(error, status, ...) (status)
#define error_memory(error)           MBS_ERR_MEMORY
#endif

/* Space for one quoted name. */
#define QUOTED_BYTES 96
typedef struct quoted_text {
    char text[QUOTED_BYTES];
} quoted_text;

/*
 * `name` in double quotes, with quotes, control characters and broken UTF-8 escaped, cut with
 * "..." where it is long. Use as quoted(name).text within one expression.
 */
quoted_text quoted(const char *name);

/* Appends `word` to the words in `list` of `size` bytes, after `separator` if it is not the first.
 */
void list_word(char *list, size_t size, const char *separator, const char *word);

#endif
