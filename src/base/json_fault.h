/* A JSON document, places in it, and what is wrong there. */
#ifndef BASE_JSON_FAULT_H
#define BASE_JSON_FAULT_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "mbsopt/status.h"

/* What needs no quotes in a place. */
#define WORD_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

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

/* Reports that memory ran out. */
void json_out_of_memory(json_document *document);

/* What a loader returns once it is through with the document. */
mbs_status json_status(const json_document *document);

/* Reports a fault at `at` (or, if `member` is not null, at its member): "file: place: message", and
 * behind it the name of the list's element that the place is in: ` (in "conv2")`. */
void json_fault(json_document *document, const json_path *at, const char *member,
                const char *format, ...) MBS_PRINTF(4, 5);

/* Whether the text of another fault would be kept; if not, there is no point in refining it. */
bool json_fault_is_shown(const json_document *document);

#endif
