/* A growing text; an allocation that fails is remembered, so that only the end must be checked. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mbsopt/status.h"

typedef struct text {
    char *data; /* NUL-terminated once anything was appended; null before */
    size_t length;
    size_t capacity;
    bool failed;
} text;

#define TEXT_INIT                                                                                  \
    {                                                                                              \
        NULL, 0, 0, false                                                                          \
    }

void text_bytes(text *out, const char *bytes, size_t length);
void text_string(text *out, const char *string);
void text_format(text *out, const char *format, ...) MBS_PRINTF(2, 3);
void text_integer(text *out, int64_t value);

/* Room for any number that real_digits writes. */
#define REAL_BYTES 40

/* `value` as "%.*g" writes it with so many digits, with a point whatever the locale. */
void real_digits(char *out, size_t size, double value, int digits);

/* `string` as a JSON string with its quotes; broken UTF-8 becomes U+FFFD. */
void text_json_string(text *out, const char *string);

/* `string` as a CSV field, quoted where it must be. */
void text_csv_field(text *out, const char *string);

/*
 * Hands the text over: *result is owned by the caller (mem_free), never null on success.
 * On failure frees it. Errors: MBS_ERR_MEMORY.
 */
mbs_status text_finish(text *out, char **result, mbs_error *error);

void text_free(text *out);

bool ends_with(const char *string, const char *ending);

#endif
