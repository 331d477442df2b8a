/* Just enough UTF-8 to keep messages and tables whole. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>

/*
 * The length in bytes of the character at `at` (of NUL-terminated text): 1 to 4, or 0 if it is not
 * well-formed UTF-8 (overlong forms, surrogates and C1 controls count as ill-formed).
 */
size_t utf8_length(const unsigned char *at);

/* Shortens `text` to at most `length` bytes without cutting a character in two. */
void utf8_cut(char *text, size_t length);

/* How many columns of a terminal the character at `at` takes: 2 of East Asia's and of pictures,
 * else 1, also of marks that combine, so that no text is taken for narrower than it is. */
size_t utf8_columns(const unsigned char *at);

/* The columns that well-formed `text` takes, at least one for each character. */
size_t utf8_width(const char *text);

#endif
