/* Paragraphs of running text, broken into lines. */
#ifndef EXPLAIN_PROSE_H
#define EXPLAIN_PROSE_H

#include "base/text.h"

/* Lines get no longer than this, a word alone aside. */
#define PROSE_WIDTH 80

/* Names of more characters are shortened in their middle. */
#define PROSE_NAME 36

/* "3.29 GB" of traffic, or "9.87 MiB" of the buffer; never broken between number and unit. */
void prose_traffic(text *out, int64_t bytes);
void prose_space(text *out, int64_t bytes);

/* "12.3 %"; likewise. */
void prose_percent(text *out, int64_t part, int64_t whole);

/* A name of a file, made safe, shortened, and never broken. */
void prose_name(text *out, const char *name);

/* "1 step", "12 steps"; likewise. */
void prose_count(text *out, int64_t count, const char *one, const char *many);

/*
 * Appends the paragraph, broken into lines that begin with so many blanks, but the first one of
 * which has `head` in place of them.
 */
void prose_wrap(text *out, const char *paragraph, const char *head, int indent);

/* Appends the paragraph as one JSON string. */
void prose_json(text *out, const char *paragraph);

#endif
