#include "report/grid_fit.h"

#include "base/utf8.h"

/* To these a flexible column is narrowed: before others go, and at last. */
#define COMFORTABLE 15
#define NARROWEST   8
/* The same where no column goes. */
#define NARROWEST_OF_ALL 12

size_t grid_span_width(const grid_column *column)
{
    if (column[1].hidden)
        return column[0].width;
    return column[0].width + utf8_width(column[1].gap) + column[1].width;
}

size_t grid_row_width(const grid_column *columns, size_t count)
{
    size_t width = 0;
    for (size_t i = 0; i < count; i++)
        if (!columns[i].hidden)
            width += utf8_width(columns[i].gap) + columns[i].width;
    return width;
}

/* Columns on their way to a width of `limit`. */
typedef struct fitting {
    grid_column *columns;
    size_t count;
    size_t limit;
    size_t widest[GRID_MAX_COLUMNS]; /* cell of each */
} fitting;

/* Widens columns to what is in them: cells over two columns widen the first. */
static void set_natural_widths(const fitting *of)
{
    for (size_t i = 0; i < of->count; i++)
        of->columns[i].width = of->widest[i];
    for (size_t i = 0; i + 1 < of->count; i++) {
        grid_column *column = &of->columns[i];
        if (!column->hidden && column->wide > grid_span_width(column))
            column->width += column->wide - grid_span_width(column);
    }
}

/*
 * Narrows the flexible columns to fit `limit`, but not below `narrowest`: what the others leave is
 * shared evenly, and a column that needs less than its share leaves the rest to the others.
 */
static void share_room(const fitting *of, size_t narrowest)
{
    size_t wanted = 0;
    size_t count = 0; /* of the flexible ones */
    for (size_t i = 0; i < of->count; i++) {
        if (of->columns[i].flexible && !of->columns[i].hidden) {
            wanted += of->columns[i].width;
            count++;
        }
    }
    size_t fixed = grid_row_width(of->columns, of->count) - wanted;
    size_t room = fixed < of->limit ? of->limit - fixed : 0;
    if (wanted <= room)
        return;
    bool settled[GRID_MAX_COLUMNS] = {false};
    for (bool again = true; again && count > 0;) {
        again = false;
        for (size_t i = 0; i < of->count; i++) {
            const grid_column *column = &of->columns[i];
            if (column->flexible && !column->hidden && !settled[i] &&
                column->width <= room / count) {
                settled[i] = again = true;
                room -= column->width;
                count--;
                break;
            }
        }
    }
    size_t share = count > 0 ? room / count : 0;
    size_t rest = count > 0 ? room % count : 0;
    rest = share >= narrowest ? rest : 0;
    share = share > narrowest ? share : narrowest;
    for (size_t i = 0; i < of->count; i++) {
        grid_column *column = &of->columns[i];
        if (!column->flexible || column->hidden || settled[i] || column->width <= share)
            continue;
        column->width = share + (rest > 0 ? 1 : 0);
        rest -= rest > 0;
    }
}

static void set_hidden(const fitting *of, int rank, bool hidden)
{
    for (size_t i = 0; i < of->count; i++)
        if (of->columns[i].rank == rank)
            of->columns[i].hidden = hidden;
}

/* Whether rows fit with names that are still told easily. */
static bool fits(const fitting *of)
{
    set_natural_widths(of);
    share_room(of, COMFORTABLE);
    return grid_row_width(of->columns, of->count) <= of->limit;
}

/* Hides columns by rank until rows fit, then brings back what the last that went has left room for.
 */
static void hide_columns(const fitting *of)
{
    int highest = 0;
    for (size_t i = 0; i < of->count; i++)
        highest = of->columns[i].rank > highest ? of->columns[i].rank : highest;
    int rank = highest;
    for (; rank > 0 && !fits(of); rank--)
        set_hidden(of, rank, true);
    for (rank++; rank <= highest && fits(of); rank++) {
        set_hidden(of, rank, false);
        set_hidden(of, rank, !fits(of));
    }
    fits(of);
}

void grid_fit(grid_column *columns, size_t count, int width)
{
    fitting of = {columns, count, width > 0 ? (size_t)width : GRID_WIDTH, {0}};
    for (size_t i = 0; i < count; i++)
        of.widest[i] = columns[i].width;
    set_natural_widths(&of);
    if (width == 0)
        share_room(&of, NARROWEST_OF_ALL);
    if (width <= 0)
        return;
    hide_columns(&of);
    if (grid_row_width(columns, count) > of.limit)
        share_room(&of, NARROWEST);
}
