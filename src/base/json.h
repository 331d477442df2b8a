/* Reading JSON documents: the files base/json* alone know cJSON's habits. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/json_take.h"

/*
 * Parses `length` bytes of strict JSON, which need not end in a NUL. The document must be one
 * object, without a NUL (nor an escaped one) and without a member given twice. Free with
 * json_close, also after a failure. Errors: MBS_ERR_INPUT with line and column, MBS_ERR_MEMORY.
 */
mbs_status json_open(json_document *document, const char *text, size_t length, const char *label,
                     mbs_error *error);
void json_close(json_document *document);

#endif
