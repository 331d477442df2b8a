/* Figures and names in running text. */
#ifndef EXPLAIN_PROSE_H
#define EXPLAIN_PROSE_H

#include "base/text.h"

/* "3.29 GB" of traffic, or "9.87 MiB" of the buffer. */
void prose_traffic(text *out, int64_t bytes);
void prose_space(text *out, int64_t bytes);

/* "12.3 %" */
void prose_percent(text *out, int64_t part, int64_t whole);

/* "1 step", "12 steps" */
void prose_count(text *out, int64_t count, const char *one, const char *many);

/* Appends the paragraphs, each of which ends with a newline, and frees them: `head` before the
 * first, and so many blanks before the others. */
void prose_paragraphs(text *out, text *paragraphs, const char *head, int indent);

/* Appends the paragraphs as a list of JSON strings, and frees them. */
void prose_json(text *out, text *paragraphs);

#endif
