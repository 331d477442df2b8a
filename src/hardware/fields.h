/* What a hardware file says: the table of its members. */
#ifndef HARDWARE_FIELDS_H
#define HARDWARE_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

#include "mbsopt/hardware.h"

#define HARDWARE_MOST_REAL 1e9 /* of a real that is no share */

typedef enum field_kind {
    FIELD_TAG,     /* the format, checked elsewhere */
    FIELD_SECTION, /* an object whose members are rows of their own */
    FIELD_INTEGER,
    FIELD_REAL,
    FIELD_SHARE, /* a real above 0 and at most 1; 0, in no file: all, or not known */
    FIELD_NAME,
    FIELD_CYCLE_MODEL,
    FIELD_OVERLAP,
    FIELD_TEXT /* a string that is for the reader only */
} field_kind;

typedef struct hardware_field {
    const char *section; /* the object that it is a member of; null for the document itself */
    const char *member;
    field_kind kind;
    size_t offset; /* in mbs_hardware; likewise below, of those kinds that have a place there */
    int64_t minimum;
    int64_t maximum;
} hardware_field;

/* Fewer than the bits of mbs_hardware.stated, so that each has one. */
extern const hardware_field hardware_fields[];
extern const size_t hardware_field_count;

/* Whether the member has a value in mbs_hardware. */
bool field_has_value(const hardware_field *field);

/* What it is called from outside: "cores", "memory.bandwidth_bytes_per_s". */
void field_name(char *out, size_t size, const hardware_field *field);

#endif
