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

/* How many characters well-formed `text` has; its width on a terminal, near enough for names. */
size_t utf8_width(const char *text);

#endif
