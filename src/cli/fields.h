/* Pieces of tables, CSV and JSON, written to a stream; the same in every locale. */
#ifndef CLI_FIELDS_H
#define CLI_FIELDS_H

#include <stdint.h>
#include <stdio.h>

#define FIGURE_BYTES 32

/* Room for one figure; returned by value and used within one expression. */
typedef struct field_figure {
    char text[FIGURE_BYTES];
} field_figure;

/* A number with twelve digits at most, as CSV and JSON take it. */
field_figure field_number(double value);

/* `value` with so many decimals and a unit behind it, which may be "". */
field_figure field_fixed(double value, int decimals, const char *unit);

/* A text with control characters and all that turns a line around made visible: "\x0a". */
void put_safe(FILE *out, const char *text);

/* The same as a CSV field, in quotes where it needs them; always within one line. */
void put_csv(FILE *out, const char *text);

/* The text itself as a JSON string. */
void put_json(FILE *out, const char *text);

/* A further member of a JSON object, as field_number. */
void put_json_member(FILE *out, const char *name, double value);

/* "10 MiB", "512 KiB", "10000000 bytes". */
field_figure field_space(int64_t bytes);

/* A unit that shows all figures of a column with some digits before the point. */
typedef struct field_scale {
    const char *name;
    double factor;
} field_scale;

/* The unit for figures up to `largest` bytes of traffic, seconds or joules. */
field_scale field_scale_bytes(double largest);
field_scale field_scale_seconds(double largest);
field_scale field_scale_joules(double largest);

#endif
