/* Names shortened to a width such that no two of them look alike. */
#ifndef REPORT_SHORT_NAMES_H
#define REPORT_SHORT_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

typedef struct short_name {
    const char *name; /* the caller's */
    size_t head;      /* columns of it before the ellipsis, at most */
    size_t tail;      /* and behind it */
    int64_t number;   /* told apart by it where no place of the ellipsis does that; 0: none */
    bool settled;
} short_name;

/* All names that are shown at one width, each once. Zeroed: none yet. */
typedef struct short_names {
    short_name *all;
    size_t count;
    size_t capacity;
    size_t *slots; /* by hash: an index + 1, or 0 */
    size_t slot_count;
    size_t width; /* in columns of the terminal */
} short_names;

/* Adds a name, well-formed UTF-8 that lives as long as the list. False if memory is out. */
bool short_names_add(short_names *list, const char *name);

/*
 * Chooses the forms, `width` (from 8) wide at most: the ellipsis in the middle, where that is
 * another's form too nearer to an end, and where no place will do with a number behind
 * ("fea…norm1~12"). Names that fit stay as they are. False if memory is out.
 */
bool short_names_settle(short_names *list, size_t width);

/* Appends the form of a name that was added. Returns its width. */
size_t short_names_put(text *out, const short_names *list, const char *name);

void short_names_free(short_names *list);

#endif
