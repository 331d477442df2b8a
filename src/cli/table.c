#include "table.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "command.h"
#include "output.h"

#define WIDTH_WITHOUT_TERMINAL 80

static int chosen_width; /* 0: none */

/* ---- Width ----------------------------------------------------------------------------------- */

int width_choose(const char *value)
{
    int64_t width;
    mbs_error error;
    mbs_error_clear(&error);
    int status = report_error(
        mbs_parse_integer(&width, value, NARROWEST_WIDTH, WIDEST_WIDTH, "--width", &error), &error);
    if (status == EXIT_OK)
        chosen_width = (int)width;
    return status;
}

void width_choose_all(void)
{
    chosen_width = -1;
}

/* As if it were one of --width, or 0. */
static int width_of_environment(void)
{
    const char *value = getenv("COLUMNS");
    const long width = value != NULL ? strtol(value, NULL, 10) : 0;
    return width >= NARROWEST_WIDTH && width <= WIDEST_WIDTH ? (int)width : 0;
}

int output_width(const char *path)
{
    struct winsize size;
    if (chosen_width != 0)
        return chosen_width;
    if (path != NULL && strcmp(path, "-") != 0)
        return WIDTH_WITHOUT_TERMINAL;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col < NARROWEST_WIDTH ? NARROWEST_WIDTH : size.ws_col;
    const int width = width_of_environment();
    return width > 0 ? width : WIDTH_WITHOUT_TERMINAL;
}

/* ---- Pages ----------------------------------------------------------------------------------- */

void page_begin(page *of, int width)
{
    *of = (page){.width = width, .indent = 2};
    of->out = open_memstream(&of->text, &of->length);
}

char *page_text(page *of)
{
    char *wrapped = NULL;
    char *result = NULL;
    bool good = of->out != NULL && ferror(of->out) == 0;
    good = of->out != NULL && fclose(of->out) == 0 && good;
    if (good && mbs_report_wrapped(&wrapped, of->text, of->indent, of->width, NULL) == MBS_OK)
        result = strdup(wrapped);
    mbs_free(wrapped);
    free(of->text);
    return result;
}

int page_print(page *of)
{
    char *text = page_text(of);
    if (text == NULL) {
        complain("out of memory");
        return EXIT_SYSTEM;
    }
    const int status = print_text(text);
    free(text);
    return status;
}

/* ---- Tables ---------------------------------------------------------------------------------- */

/* The text that `format` makes, owned by the caller; null if memory is out. */
static MBS_PRINTF(1, 0) char *format_text(const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    const int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    char *text = length >= 0 ? malloc((size_t)length + 1) : NULL;
    if (text != NULL)
        vsnprintf(text, (size_t)length + 1, format, arguments);
    return text;
}

void table_start(table *of, const mbs_table_column *columns, size_t column_count)
{
    *of = (table){.columns = columns, .column_count = column_count};
}

void table_cell(table *of, const char *format, ...)
{
    if (of->failed)
        return;
    if (of->count == of->capacity) {
        const size_t capacity = of->capacity == 0 ? 64 : 2 * of->capacity;
        char **cells = realloc(of->cells, capacity * sizeof *cells);
        if (cells == NULL) {
            of->failed = true;
            return;
        }
        of->cells = cells;
        of->capacity = capacity;
    }
    va_list arguments;
    va_start(arguments, format);
    of->cells[of->count] = format_text(format, arguments);
    va_end(arguments);
    of->failed = of->cells[of->count++] == NULL;
}

void table_put(table *of, page *onto)
{
    const mbs_report_options options = {.width = onto->width};
    char *text = NULL;
    if (!of->failed && onto->out != NULL &&
        mbs_report_table(&text, of->columns, of->column_count, (const char *const *)of->cells,
                         of->count / of->column_count, &options, NULL) == MBS_OK) {
        fputs(text, onto->out);
    } else if (onto->out != NULL) { /* so that page_text is null */
        fclose(onto->out);
        onto->out = NULL;
    }
    mbs_free(text);
    for (size_t i = 0; i < of->count; i++)
        free(of->cells[i]);
    free(of->cells);
}
