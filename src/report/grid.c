#include "report/grid.h"

#include <string.h>

#include "base/utf8.h"
#include "report/short_names.h"

#define WIDE_TAG 0x40 /* beside the style, in the byte before a cell */

/* U+200E/F, U+2028 to U+202E, U+2066 to U+2069: they turn the line around or break it. */
static bool changes_direction(const unsigned char *at)
{
    if (at[0] != 0xE2)
        return false;
    if (at[1] == 0x80)
        return at[2] == 0x8E || at[2] == 0x8F || (at[2] >= 0xA8 && at[2] <= 0xAE);
    return at[1] == 0x81 && at[2] >= 0xA6 && at[2] <= 0xA9;
}

void text_safe(text *out, const char *string)
{
    for (const unsigned char *at = (const unsigned char *)string; *at != '\0';) {
        size_t length = utf8_length(at);
        if (length > 0 && *at >= 0x20 && *at != 0x7F && !changes_direction(at)) {
            text_bytes(out, (const char *)at, length);
            at += length;
            continue;
        }
        for (size_t i = 0; i < (length > 0 ? length : 1); i++)
            text_format(out, "\\x%02x", at[i]);
        at += length > 0 ? length : 1;
    }
}

static const char *style_code(text_style style)
{
    switch (style) {
    case STYLE_BOLD:
        return "\x1b[1m";
    case STYLE_DIM:
    case STYLE_RULE:
        return "\x1b[2m";
    case STYLE_GOOD:
        return "\x1b[1;32m";
    case STYLE_FIRST:
        return "\x1b[36m";
    case STYLE_SECOND:
        return "\x1b[35m";
    case STYLE_PLAIN:
        break;
    }
    return "";
}

void text_begin_style(text *out, bool color, text_style style)
{
    if (color)
        text_string(out, style_code(style));
}

void text_end_style(text *out, bool color, text_style style)
{
    if (color && style != STYLE_PLAIN)
        text_string(out, "\x1b[0m");
}

void text_styled(text *out, bool color, text_style style, const char *string)
{
    text_begin_style(out, color, style);
    text_string(out, string);
    text_end_style(out, color, style);
}

void grid_start(grid *table, bool color)
{
    *table = (grid){.cells = TEXT_INIT, .color = color};
}

void grid_fit_to(grid *table, int width)
{
    table->width = width;
}

void grid_add_column(grid *table, grid_column column)
{
    for (int line = 0; line < 2; line++) {
        size_t width = utf8_width(column.head[line]);
        column.width = width > column.width ? width : column.width;
    }
    table->columns[table->column_count++] = column;
}

/* A cell is a byte for its style, its text and a NUL. Returns its width. */
static size_t append_cell(grid *table, int tag, const char *string)
{
    const char byte = (char)tag;
    text_bytes(&table->cells, &byte, 1);
    size_t start = table->cells.length;
    text_safe(&table->cells, string);
    text_bytes(&table->cells, "", 1);
    return table->cells.failed ? 0 : utf8_width(table->cells.data + start);
}

void grid_cell(grid *table, text_style style, const char *string)
{
    grid_column *column = &table->columns[table->next_column];
    size_t width = append_cell(table, (int)style, string);
    column->width = width > column->width ? width : column->width;
    table->next_column = (table->next_column + 1) % table->column_count;
}

void grid_wide_cell(grid *table, text_style style, const char *string)
{
    grid_column *column = &table->columns[table->next_column];
    size_t width = append_cell(table, (int)style | WIDE_TAG, string);
    column->wide = width > column->wide ? width : column->wide;
    table->next_column = (table->next_column + 2) % table->column_count;
}

void grid_end_row(grid *table)
{
    while (table->next_column != 0)
        grid_cell(table, STYLE_PLAIN, "");
}

void grid_rule(grid *table)
{
    const char cell[] = {(char)STYLE_RULE, '\0'};
    text_bytes(&table->cells, cell, sizeof cell);
}

static void put_spaces(text *out, size_t count)
{
    static const char blank[] = "                                ";
    for (; count > 0; count -= count < sizeof blank - 1 ? count : sizeof blank - 1)
        text_bytes(out, blank, count < sizeof blank - 1 ? count : sizeof blank - 1);
}

/* Puts one cell; blanks not yet followed by anything wait in *pending, so that no line ends in any.
 * `shortened` has the form of the text, or is null where all fit. */
static void put_cell(text *out, const grid *table, const grid_column *column, text_style style,
                     const char *string, const short_names *shortened, size_t *pending)
{
    const size_t width = utf8_width(string);
    if (width == 0) {
        *pending += utf8_width(column->gap) + column->width;
        return;
    }
    put_spaces(out, *pending);
    text_string(out, column->gap);
    if (column->right && width < column->width)
        put_spaces(out, column->width - width);
    text_begin_style(out, table->color, style);
    size_t shown = width;
    if (shortened != NULL)
        shown = short_names_put(out, shortened, string);
    else
        text_string(out, string);
    text_end_style(out, table->color, style);
    *pending = column->right || shown > column->width ? 0 : column->width - shown;
}

static void put_heads(text *out, const grid *table)
{
    for (int line = 0; line < 2; line++) {
        size_t length = out->length;
        size_t pending = 0;
        for (size_t i = 0; i < table->column_count; i++)
            if (!table->columns[i].hidden)
                put_cell(out, table, &table->columns[i], STYLE_DIM, table->columns[i].head[line],
                         NULL, &pending);
        if (out->length > length)
            text_bytes(out, "\n", 1);
    }
}

static void put_rule(text *out, const grid *table)
{
    text_begin_style(out, table->color, STYLE_RULE);
    for (size_t width = grid_row_width(table->columns, table->column_count); width > 0; width--)
        text_string(out, "─");
    text_end_style(out, table->color, STYLE_RULE);
    text_bytes(out, "\n", 1);
}

/* The cells, one after the other. */
typedef struct cell_reader {
    const grid *table;
    const char *at;
    size_t next;   /* column */
    size_t column; /* of the cell that was read */
    const char *string;
    text_style style;
    bool wide;
} cell_reader;

/* The next cell, or a line across (STYLE_RULE); false behind the last. */
static bool read_cell(cell_reader *from)
{
    const text *cells = &from->table->cells;
    if (from->at == cells->data + cells->length)
        return false;
    const int tag = (unsigned char)*from->at++;
    from->style = (text_style)(tag & ~WIDE_TAG);
    from->wide = (tag & WIDE_TAG) != 0;
    from->string = from->at;
    from->at += strlen(from->at) + 1;
    if (from->style == STYLE_RULE)
        return true;
    from->column = from->next;
    from->next = (from->next + (from->wide ? 2 : 1)) % from->table->column_count;
    return true;
}

/* The forms of a column's cells if some are too wide for it, and of those over it and the next. */
typedef struct column_forms {
    short_names names[2];
    bool needed[2];
} column_forms;

/* Whether the cell is over two columns that are both shown. */
static bool spans_two(const cell_reader *cell)
{
    return cell->wide && !cell->table->columns[cell->column + 1].hidden;
}

static size_t width_of(const cell_reader *cell)
{
    const grid_column *column = &cell->table->columns[cell->column];
    return spans_two(cell) ? grid_span_width(column) : column->width;
}

static void find_forms(grid *table, text *out, column_forms forms[GRID_MAX_COLUMNS])
{
    cell_reader cell = {.table = table, .at = table->cells.data};
    while (read_cell(&cell)) {
        if (cell.style != STYLE_RULE && utf8_width(cell.string) > width_of(&cell))
            forms[cell.column].needed[spans_two(&cell)] = true;
    }
    cell = (cell_reader){.table = table, .at = table->cells.data};
    while (read_cell(&cell)) {
        column_forms *of = &forms[cell.column];
        if (cell.style != STYLE_RULE && of->needed[spans_two(&cell)] &&
            !table->columns[cell.column].hidden)
            out->failed =
                out->failed || !short_names_add(&of->names[spans_two(&cell)], cell.string);
    }
    for (size_t i = 0; i < table->column_count; i++) {
        column_forms *of = &forms[i];
        const size_t widths[2] = {table->columns[i].width, i + 1 < table->column_count
                                                               ? grid_span_width(&table->columns[i])
                                                               : 0};
        for (int wide = 0; wide < 2; wide++)
            if (of->needed[wide] && !out->failed)
                out->failed = !short_names_settle(&of->names[wide], widths[wide]);
    }
}

static void put_rows(const grid *table, text *out, const column_forms forms[GRID_MAX_COLUMNS])
{
    cell_reader cell = {.table = table, .at = table->cells.data};
    size_t pending = 0;
    while (!out->failed && read_cell(&cell)) {
        if (cell.style == STYLE_RULE) {
            put_rule(out, table);
            continue;
        }
        grid_column column = table->columns[cell.column];
        column.width = width_of(&cell);
        const column_forms *of = &forms[cell.column];
        const bool two = spans_two(&cell);
        if (!column.hidden)
            put_cell(out, table, &column, cell.style, cell.string,
                     of->needed[two] ? &of->names[two] : NULL, &pending);
        if (cell.next == 0) {
            text_bytes(out, "\n", 1);
            pending = 0;
        }
    }
}

static const char *second_name(const grid_column *column)
{
    return column->name != NULL ? column->name : column->head[1];
}

/* Whether the note has nothing to say of the column: it has no name, or that of one that went too.
 */
static bool is_named_before(const grid *table, size_t index)
{
    const grid_column *of = &table->columns[index];
    bool before = second_name(of)[0] == '\0';
    for (size_t i = 0; i < index && !before; i++) {
        const grid_column *other = &table->columns[i];
        before = other->hidden && strcmp(second_name(other), second_name(of)) == 0 &&
                 (of->name != NULL || strcmp(other->head[0], of->head[0]) == 0);
    }
    return before;
}

/* "not shown at this width (--wide shows all): phase, iter." */
static void put_hidden(const grid *table, text *out)
{
    const char *separator = "not shown at this width (--wide shows all): ";
    const size_t length = out->length;
    for (size_t i = 0; i < table->column_count; i++) {
        const grid_column *column = &table->columns[i];
        const bool both = column->head[0][0] != '\0' && column->head[1][0] != '\0';
        if (!column->hidden || is_named_before(table, i))
            continue;
        if (out->length == length)
            text_begin_style(out, table->color, STYLE_DIM);
        text_string(out, separator);
        if (column->name != NULL)
            text_string(out, column->name);
        else
            text_format(out, "%s%s%s", column->head[0], both ? " " : "", column->head[1]);
        separator = ", ";
    }
    if (out->length == length)
        return;
    text_end_style(out, table->color, STYLE_DIM);
    text_bytes(out, "\n", 1);
}

void grid_finish(grid *table, text *out)
{
    column_forms forms[GRID_MAX_COLUMNS] = {0};
    out->failed = out->failed || table->cells.failed;
    grid_fit(table->columns, table->column_count, table->width);
    if (!out->failed && table->cells.data != NULL)
        find_forms(table, out, forms);
    if (!out->failed)
        put_heads(out, table);
    if (!out->failed && table->cells.data != NULL)
        put_rows(table, out, forms);
    put_hidden(table, out);
    for (size_t i = 0; i < table->column_count; i++)
        for (int wide = 0; wide < 2; wide++)
            short_names_free(&forms[i].names[wide]);
    text_free(&table->cells);
}
