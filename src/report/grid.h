/* Text tables with aligned columns. */
#ifndef REPORT_GRID_H
#define REPORT_GRID_H

#include <stdbool.h>

#include "base/text.h"
#include "report/grid_fit.h"

typedef enum text_style {
    STYLE_PLAIN,
    STYLE_BOLD,
    STYLE_DIM,
    STYLE_GOOD,
    STYLE_FIRST, /* two colours that tell things apart without judging them */
    STYLE_SECOND,
    STYLE_RULE /* in a grid: a line across in place of a row */
} text_style;

/* Cells are kept one after the other in row order, so memory is linear in the text. */
typedef struct grid {
    grid_column columns[GRID_MAX_COLUMNS];
    size_t column_count;
    size_t next_column;
    text cells;
    int width; /* as in mbs_report_options */
    bool color;
} grid;

void grid_start(grid *table, bool color);
void grid_add_column(grid *table, grid_column column);

/*
 * Has rows be at most `width` (of mbs_report_options) wide: flexible columns are narrowed as far as
 * names are still told easily, then columns go by rank, then flexible ones are narrowed further.
 * Cells of one column that differ are shortened to forms that differ.
 */
void grid_fit_to(grid *table, int width);

/* The next cell of the current row; its text is made safe for terminals. */
void grid_cell(grid *table, text_style style, const char *string);

/* One cell in place of this one and the next, for a long text beside an empty cell. */
void grid_wide_cell(grid *table, text_style style, const char *string);

/* Empty cells up to the end of the current row. */
void grid_end_row(grid *table);

/* A line across in place of a row. */
void grid_rule(grid *table);

/*
 * Appends the heads and all rows to `out` and frees the cells; behind the rows a line says which
 * columns went, if any. Marks `out` failed if memory is out.
 */
void grid_finish(grid *table, text *out);

/* Appends `string` with control characters and broken UTF-8 escaped. */
void text_safe(text *out, const char *string);

/* What is appended between these two is in `style` if `color`. */
void text_begin_style(text *out, bool color, text_style style);
void text_end_style(text *out, bool color, text_style style);

/* Appends `string` as it is, in `style` if `color`. */
void text_styled(text *out, bool color, text_style style, const char *string);

#endif
