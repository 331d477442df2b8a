/* Reading JSON documents: the one place that knows cJSON's habits. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mbsopt/status.h"

/* Largest integer that JSON readers keep exactly: 2^53 - 1. */
#define JSON_MAX_INTEGER INT64_C(9007199254740991)

/* A document of more values (numbers, strings, arrays, ...) is refused: each takes 64 bytes. */
#define JSON_MAX_VALUES 100000000

/* A place in a document, printed as `layers[17].inputs[1]`; made on the stack while descending. */
typedef struct json_path {
    const struct json_path *parent; /* null at the top */
    const char *member;             /* null for an array element */
    size_t index;
} json_path;

/* The document that faults are reported for. */
typedef struct json_document {
    const char *label; /* the file's name */
    cJSON *root;
    mbs_error *error;
    size_t faults;  /* reported so far; right even where `error` is null */
    bool no_memory; /* set when an allocation failed; the loader then gives up */
} json_document;

/*
 * Parses `length` bytes of strict JSON, which need not end in a NUL. The document must be one
 * object, without a NUL (nor an escaped one) and without a member given twice. Free with
 * json_close, also after a failure. Errors: MBS_ERR_INPUT with line and column, MBS_ERR_MEMORY.
 */
mbs_status json_open(json_document *document, const char *text, size_t length, const char *label,
                     mbs_error *error);
void json_close(json_document *document);

/* Reports that memory ran out. */
void json_out_of_memory(json_document *document);

/* What a loader returns once it is through with the document. */
mbs_status json_status(const json_document *document);

/* Reports a fault at `at` (or, if `member` is not null, at its member): "file: place: message". */
void json_fault(json_document *document, const json_path *at, const char *member,
                const char *format, ...) MBS_PRINTF(4, 5);

/* Whether the text of another fault would be kept; if not, there is no point in refining it. */
bool json_fault_is_shown(const json_document *document);

/* The member of an object, or null. O(members). */
const cJSON *json_member(const cJSON *object, const char *name);

/* What kind of value it is, for messages: "a string", "nothing", … */
const char *json_kind(const cJSON *value);

/* A number or string as people wrote it, near enough, or its kind; for "found" in messages. */
typedef struct json_shown {
    char text[128];
} json_shown;
json_shown json_show(const cJSON *value);

/* Reports "found ..., expected ...", or "is missing, expected ..." where `value` is null. */
void json_unexpected(json_document *document, const json_path *at, const char *member,
                     const cJSON *value, const char *expected);

/*
 * Takes a whole number within [minimum, maximum] (at most JSON_MAX_INTEGER) from `value`, which may
 * be null for a missing member. Reports a fault and returns false if it is none.
 */
bool json_integer(json_document *document, const json_path *at, const char *member,
                  const cJSON *value, int64_t minimum, int64_t maximum, int64_t *result);

/* Takes a finite number that is not negative. */
bool json_real(json_document *document, const json_path *at, const char *member, const cJSON *value,
               double *result);

/* Takes a string that is not empty; reports a fault and returns null if it is none. */
const char *json_name(json_document *document, const json_path *at, const char *member,
                      const cJSON *value);

/* Takes true or false. */
bool json_boolean(json_document *document, const json_path *at, const char *member,
                  const cJSON *value, bool *result);

/* Checks the root's "format" member against the one this loader reads. */
bool json_check_format(json_document *document, const char *expected);

/* Members that every loader passes over: those that start with "x_". */
bool json_is_ignored(const char *member);

/*
 * Reports every member of `object` that is neither in `known` (null-terminated) nor starts with
 * "x_". Suggests the nearest known one.
 */
void json_check_members(json_document *document, const json_path *at, const cJSON *object,
                        const char *const *known);

/* The edit distance of two names, or `limit` if it is not below that. O(length · limit). */
size_t name_distance(const char *a, const char *b, size_t limit);

/* The search for what a mistyped name was meant to be. */
typedef struct name_guess {
    const char *name;
    const char *best; /* null while nothing is near enough */
    size_t distance;
} name_guess;
name_guess name_guess_start(const char *name);
void name_guess_try(name_guess *guess, const char *candidate);

/* ` (did you mean "relu4"?)`, or nothing. */
json_shown name_guess_show(const name_guess *guess);

#endif
