/* How wide a table's columns are, and which are shown. */
#ifndef REPORT_GRID_FIT_H
#define REPORT_GRID_FIT_H

#include <stdbool.h>
#include <stddef.h>

#define GRID_MAX_COLUMNS 20
/* Unless grid_fit_to says otherwise rows get no wider than this while flexible columns can give
 * way. */
#define GRID_WIDTH 120

typedef struct grid_column {
    const char *head[2]; /* two lines; "" for none */
    const char *gap;     /* stands before the cell; blank where the cell is empty */
    const char *name;    /* in the note on what went, where the heads make none; or null */
    size_t width;        /* of the widest cell so far, in characters */
    size_t wide;         /* of the widest cell over this column and the next */
    int rank;            /* of grid_fit_to: the highest goes first; 0: stays */
    bool right;          /* aligned right */
    bool flexible;       /* its long cells are shortened where rows get too wide */
    bool hidden;         /* went */
} grid_column;

/*
 * Sets the widths to what is shown, and which columns go, for rows of at most `width` (of
 * mbs_report_options): flexible columns are narrowed as far as names are still told easily, then
 * columns go by rank, then flexible ones are narrowed further.
 */
void grid_fit(grid_column *columns, size_t count, int width);

/* The width of a cell over the column, which is shown, and the next. */
size_t grid_span_width(const grid_column *column);

/* The width of a row of the columns that are shown. */
size_t grid_row_width(const grid_column *columns, size_t count);

#endif
