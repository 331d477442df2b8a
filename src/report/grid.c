#include "report/grid.h"

#include <string.h>

#include "base/utf8.h"

#define NARROWEST_FLEXIBLE 12
#define WIDE_TAG           0x40 /* beside the style, in the byte before a cell */

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

/* The width of a cell over the column and the next. */
static size_t span_width(const grid_column *column)
{
    return column[0].width + utf8_width(column[1].gap) + column[1].width;
}

static size_t row_width(const grid *table)
{
    size_t width = 0;
    for (size_t i = 0; i < table->column_count; i++)
        width += utf8_width(table->columns[i].gap) + table->columns[i].width;
    return width;
}

/*
 * Narrows the flexible columns until a row fits, if it can: what the others leave is shared
 * evenly, and a column that needs less than its share leaves the rest to the others.
 */
static void fit_width(grid *table)
{
    for (size_t i = 0; i + 1 < table->column_count; i++) {
        grid_column *column = &table->columns[i];
        if (column->wide > span_width(column))
            column->width += column->wide - span_width(column);
    }
    size_t wanted = 0;
    size_t count = 0;
    for (size_t i = 0; i < table->column_count; i++) {
        if (table->columns[i].flexible) {
            wanted += table->columns[i].width;
            count++;
        }
    }
    size_t fixed = row_width(table) - wanted;
    size_t room = fixed < GRID_WIDTH ? GRID_WIDTH - fixed : 0;
    if (wanted <= room)
        return;
    bool settled[GRID_MAX_COLUMNS] = {false};
    for (bool again = true; again && count > 0;) {
        again = false;
        for (size_t i = 0; i < table->column_count; i++) {
            const grid_column *column = &table->columns[i];
            if (column->flexible && !settled[i] && column->width <= room / count) {
                settled[i] = again = true;
                room -= column->width;
                count--;
                break;
            }
        }
    }
    size_t share = count > 0 ? room / count : 0;
    share = share > NARROWEST_FLEXIBLE ? share : NARROWEST_FLEXIBLE;
    for (size_t i = 0; i < table->column_count; i++) {
        grid_column *column = &table->columns[i];
        if (column->flexible && !settled[i] && column->width > share)
            column->width = share;
    }
}

static const char *skip_characters(const char *string, size_t count)
{
    for (; count > 0 && *string != '\0'; count--)
        string += utf8_length((const unsigned char *)string);
    return string;
}

static void put_spaces(text *out, size_t count)
{
    static const char blank[] = "                                ";
    for (; count > 0; count -= count < sizeof blank - 1 ? count : sizeof blank - 1)
        text_bytes(out, blank, count < sizeof blank - 1 ? count : sizeof blank - 1);
}

/* The cell's text; where it is too long its middle gives way, for both ends of a name matter. */
static void put_shortened(text *out, const char *string, size_t width, size_t limit)
{
    if (width <= limit) {
        text_string(out, string);
        return;
    }
    size_t head = (limit - 1) / 2;
    size_t tail = limit - 1 - head;
    text_bytes(out, string, (size_t)(skip_characters(string, head) - string));
    text_string(out, "…");
    text_string(out, skip_characters(string, width - tail));
}

/* Puts one cell; blanks not yet followed by anything wait in *pending, so that no line ends in any.
 */
static void put_cell(text *out, const grid *table, const grid_column *column, text_style style,
                     const char *string, size_t *pending)
{
    size_t width = utf8_width(string);
    size_t shown = width < column->width ? width : column->width;
    if (shown == 0) {
        *pending += utf8_width(column->gap) + column->width;
        return;
    }
    put_spaces(out, *pending);
    text_string(out, column->gap);
    if (column->right)
        put_spaces(out, column->width - shown);
    text_begin_style(out, table->color, style);
    put_shortened(out, string, width, column->width);
    text_end_style(out, table->color, style);
    *pending = column->right ? 0 : column->width - shown;
}

static void put_heads(text *out, const grid *table)
{
    for (int line = 0; line < 2; line++) {
        size_t length = out->length;
        size_t pending = 0;
        for (size_t i = 0; i < table->column_count; i++)
            put_cell(out, table, &table->columns[i], STYLE_DIM, table->columns[i].head[line],
                     &pending);
        if (out->length > length)
            text_bytes(out, "\n", 1);
    }
}

static void put_rule(text *out, const grid *table)
{
    text_begin_style(out, table->color, STYLE_RULE);
    for (size_t width = row_width(table); width > 0; width--)
        text_string(out, "─");
    text_end_style(out, table->color, STYLE_RULE);
    text_bytes(out, "\n", 1);
}

void grid_finish(grid *table, text *out)
{
    out->failed = out->failed || table->cells.failed;
    fit_width(table);
    put_heads(out, table);
    const char *at = table->cells.data;
    const char *end = out->failed ? at : at + table->cells.length;
    size_t pending = 0;
    for (size_t i = 0; at != end;) {
        const int tag = (unsigned char)*at++;
        grid_column column = table->columns[i];
        if (tag == STYLE_RULE) {
            put_rule(out, table);
            at++;
            continue;
        }
        if ((tag & WIDE_TAG) != 0)
            column.width = span_width(&table->columns[i++]);
        put_cell(out, table, &column, (text_style)(tag & ~WIDE_TAG), at, &pending);
        at += strlen(at) + 1;
        if (++i == table->column_count) {
            text_bytes(out, "\n", 1);
            pending = i = 0;
        }
    }
    text_free(&table->cells);
}
