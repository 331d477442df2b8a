/* Taking values from a document, and names that are mistyped. */
#ifndef BASE_JSON_TAKE_H
#define BASE_JSON_TAKE_H

#include <stdint.h>

#include "base/json_fault.h"

/* Largest integer that JSON readers keep exactly: 2^53 - 1. */
#define JSON_MAX_INTEGER INT64_C(9007199254740991)

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
