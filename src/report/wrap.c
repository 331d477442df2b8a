#include "report/wrap.h"

#include <string.h>

#include "base/utf8.h"
#include "mbsopt/report.h"

/* The bytes of the character or colour at `at`, and the columns that it takes. */
static size_t next_bytes(const char *at, size_t *columns)
{
    *columns = 0;
    if (at[0] == '\x1b' && at[1] == '[')
        return strcspn(at, "m") + (at[strcspn(at, "m")] == 'm');
    const size_t length = utf8_length((const unsigned char *)at);
    *columns = length > 0 ? utf8_columns((const unsigned char *)at) : 1;
    return length > 0 ? length : 1;
}

/* Whether a line may end at the blank `at`: a figure stays with its unit, or a short word. */
static bool may_break(const char *line, const char *at)
{
    const bool figure = at > line && at[-1] >= '0' && at[-1] <= '9';
    const size_t word = strcspn(at + 1, " \n");
    return !figure || word > 3;
}

/* How much of the line at `at` fits into `width` columns: up to its last blank that does, or all
 * that does if it has none. `rest` is where the next line goes on. */
static size_t fitting_bytes(const char *at, size_t width, const char **rest)
{
    const char *blank = NULL;
    const char *next = at;
    bool begun = false;
    for (size_t used = 0; *next != '\0' && *next != '\n';) {
        size_t columns;
        const size_t bytes = next_bytes(next, &columns);
        if (begun && *next == ' ' && used <= width && may_break(at, next))
            blank = next;
        begun = begun || *next != ' ';
        if (used + columns > width) {
            const char *end = blank != NULL ? blank : next;
            if (end == at)
                end = next + bytes; /* one character that is wider than all */
            *rest = end + (blank != NULL ? strspn(end, " ") : 0);
            return (size_t)(end - at);
        }
        used += columns;
        next += bytes;
    }
    *rest = next;
    return (size_t)(next - at);
}

static size_t trimmed(const char *at, size_t length)
{
    while (length > 0 && at[length - 1] == ' ')
        length--;
    return length;
}

static void put_blanks(text *out, size_t count)
{
    for (; count > 0; count--)
        text_bytes(out, " ", 1);
}

/*
 * Where what is broken off a line goes: below the text behind its first gap of two blanks or more,
 * or if there is none in the left half, `indent` columns to the right of where the line begins.
 */
static size_t hanging_indent(const char *line, size_t indent, size_t width)
{
    const size_t start = strspn(line, " ");
    bool after_gap = false;
    size_t column = start;
    for (const char *at = line + start; *at != '\0' && *at != '\n';) {
        size_t columns;
        const size_t bytes = next_bytes(at, &columns);
        if (column > width / 2)
            break;
        if (*at != ' ' && after_gap)
            return column;
        after_gap = after_gap || (*at == ' ' && at[1] == ' ');
        column += columns;
        at += bytes;
    }
    return start + indent < width / 2 ? start + indent : width / 2;
}

void text_wrapped(text *out, const char *string, size_t width, size_t indent)
{
    while (*string != '\0') {
        const size_t more = hanging_indent(string, indent, width);
        const char *rest;
        size_t length = fitting_bytes(string, width, &rest);
        const bool broken = *rest != '\0' && *rest != '\n';
        while (*rest != '\0' && *rest != '\n') {
            text_bytes(out, string, trimmed(string, length));
            text_bytes(out, "\n", 1);
            put_blanks(out, more);
            string = rest;
            length = fitting_bytes(string, width - more, &rest);
        }
        text_bytes(out, string, broken ? trimmed(string, length) : length);
        if (*rest == '\n')
            text_bytes(out, rest++, 1);
        string = rest;
    }
}

mbs_status report_finish(text *out, int width, char **result, mbs_error *error)
{
    if (width <= 0 || out->failed || out->data == NULL)
        return text_finish(out, result, error);
    text wrapped = TEXT_INIT;
    text_wrapped(&wrapped, out->data, (size_t)width, 2);
    text_free(out);
    return text_finish(&wrapped, result, error);
}

mbs_status mbs_report_wrapped(char **result, const char *string, int indent, int width,
                              mbs_error *error)
{
    text out = TEXT_INIT;
    if (width <= 0)
        text_string(&out, string);
    else
        text_wrapped(&out, string, (size_t)width, indent > 0 ? (size_t)indent : 0);
    return text_finish(&out, result, error);
}
