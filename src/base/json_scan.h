/* Strict JSON syntax. */
#ifndef BASE_JSON_SCAN_H
#define BASE_JSON_SCAN_H

#include "base/json_fault.h"

/* A document of more values (numbers, strings, arrays, ...) is refused: each takes 64 bytes. */
#define JSON_MAX_VALUES 100000000

/*
 * Reports the first fault of the text, if any, and returns whether there is none. cJSON accepts
 * much that is no JSON, cuts strings at a NUL, and says "null" alike for bad syntax and for want of
 * memory. So the text is checked here first: what passes, cJSON parses, unless memory runs out.
 */
bool json_scan(json_document *document, const char *text, size_t length);

#endif
