/*
 * Solution files of integer-programming solvers. Three forms:
 * - a list of "name value" or "index name value …" lines, perhaps below a heading (CBC, HiGHS,
 * SCIP, Gurobi);
 * - GLPK's own, "j number value" lines (glpsol --write, glp_write_mip);
 * - GLPK's printed report (glpsol --output).
 */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "plan/model/model.h"

#define MAX_WORDS 8

/* How far from 0 or 1 a solver may leave a binary. */
#define BINARY_SLACK 0.01

typedef struct named_column {
    const char *name;
    int column;
} named_column;

typedef struct reader {
    const model *m;
    const char *label;
    mbs_error *error;
    named_column *sorted; /* by name */
    int columns;
    double *value;
    bool *seen; /* per column: the file has its value */
    bool any;   /* of any column */
    bool other_section;
    bool ended;
    int pending; /* a report's column whose value is on the next line, or 0 */

    int line;
    char *words[MAX_WORDS]; /* of the line at hand; those after the last are null */
    int count;
} reader;

static mbs_status fault(const reader *r, const char *what, const char *word)
{
    return error_set(r->error, MBS_ERR_INPUT, "solution %s: line %d: %s%s%s", quoted(r->label).text,
                     r->line, what, word != NULL ? " " : "", word != NULL ? quoted(word).text : "");
}

static const char *word(const reader *r, int index)
{
    return index < r->count ? r->words[index] : "";
}

static bool is(const reader *r, int index, const char *wanted)
{
    return strcmp(word(r, index), wanted) == 0;
}

static bool parse_number(const char *text, double *number)
{
    char *end;
    if (strspn(text, "+-.0123456789eE") != strlen(text) || strpbrk(text, "0123456789") == NULL)
        return false;
    *number = strtod(text, &end);
    return *end == '\0' && isfinite(*number);
}

static bool is_index(const char *text)
{
    return text[0] != '\0' && strspn(text, "0123456789") == strlen(text);
}

/* ---- Columns --------------------------------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const named_column *)a)->name, ((const named_column *)b)->name);
}

/* The column of that name, or 0. */
static int find_column(const reader *r, const char *name)
{
    const named_column wanted = {name, 0};
    const named_column *found =
        bsearch(&wanted, r->sorted, (size_t)r->columns, sizeof wanted, compare_names);
    return found != NULL ? found->column : 0;
}

static mbs_status set_value(reader *r, int column, double value)
{
    const char *name = solver_column_name(r->m->problem, column);
    if (r->seen[column])
        return fault(r, "a second value for", name);
    if (r->m->columns[column].binary && fabs(value) > BINARY_SLACK &&
        fabs(value - 1) > BINARY_SLACK)
        return fault(r, "expected 0 or 1 (is this a solution of the relaxation?) for", name);
    r->seen[column] = true;
    r->any = true;
    r->value[column] = value;
    return MBS_OK;
}

/* ---- Lists ----------------------------------------------------------------------------------- */

/* HiGHS heads its lists with comments. */
static void read_comment(reader *r)
{
    const char *section = is(r, 0, "#") ? word(r, 1) : r->words[0] + 1;
    if (strcmp(section, "Columns") == 0)
        r->other_section = false;
    else if (strcmp(section, "Rows") == 0)
        r->other_section = true;
    else if (strcmp(section, "Dual") == 0 || strcmp(section, "Basis") == 0)
        r->ended = true;
}

static mbs_status read_list_line(reader *r)
{
    int at = is(r, 0, "**"); /* CBC's mark of a column out of its bounds */
    double value;
    if (r->words[0][0] == '#') {
        read_comment(r);
        return MBS_OK;
    }
    if (r->other_section)
        return MBS_OK;
    if (is_index(word(r, at)) && parse_number(word(r, at + 2), &value))
        at++;
    else if (!parse_number(word(r, at + 1), &value) || is_index(word(r, at)))
        /* above the list anything may stand: "Optimal - objective value 651311552" */
        return r->any ? fault(r, "expected a column's name and its value, not", word(r, 0))
                      : MBS_OK;
    const char *name = word(r, at);
    int column = find_column(r, name);
    if (column != 0)
        return set_value(r, column, value);
    /* rows have names in capitals; "=obj= 651311552", "Objective 651311552" */
    if (isupper((unsigned char)name[0]) || strcmp(name, "=obj=") == 0)
        return MBS_OK;
    return fault(r, "this network has, with these options, no column", name);
}

/* ---- GLPK's formats -------------------------------------------------------------------------- */

static mbs_status read_glpk_line(reader *r)
{
    double value;
    if (is(r, 0, "s")) {
        if (!is(r, 1, "mip"))
            return fault(r, "expected an integer solution (s mip), not s", word(r, 1));
        if (!is_index(word(r, 3)) || strtol(word(r, 3), NULL, 10) != r->columns)
            return fault(
                r, "the solved program has another number of columns than this one:", word(r, 3));
        if (!is(r, 4, "o") && !is(r, 4, "f"))
            return fault(r, "no solution was found, status", word(r, 4));
    } else if (is(r, 0, "j")) {
        long number = is_index(word(r, 1)) ? strtol(word(r, 1), NULL, 10) : 0;
        if (number < 1 || number > r->columns || !parse_number(word(r, 2), &value))
            return fault(r, "expected a column's number and its value, not", word(r, 1));
        return set_value(r, (int)number, value);
    } else if (is(r, 0, "e")) {
        r->ended = true;
    } else if (!is(r, 0, "c") && !is(r, 0, "i")) {
        return fault(r, "no line of a GLPK solution begins with", word(r, 0));
    }
    return MBS_OK;
}

/* "  12 z_0_1        *              1             0             1"; a long name stands alone. */
static mbs_status read_report_line(reader *r)
{
    double value;
    if (is(r, 0, "No.")) {
        r->other_section = !is(r, 1, "Column");
        return MBS_OK;
    }
    if (r->other_section || word(r, 0)[0] == '-')
        return MBS_OK;
    int at = 0;
    int column = r->pending;
    if (column == 0) {
        if (!is_index(word(r, 0))) {
            r->ended = r->any; /* the report goes on with figures of its accuracy */
            return r->any ? MBS_OK : fault(r, "expected a column, not", word(r, 0));
        }
        column = find_column(r, word(r, 1));
        at = 2;
    }
    if (column == 0)
        return fault(r, "this network has, with these options, no column", word(r, 1));
    r->pending = r->count == at ? column : 0;
    if (r->pending != 0)
        return MBS_OK;
    at += is(r, at, "*");
    if (!parse_number(word(r, at), &value))
        return fault(r, "expected the value in an integer solution, not", word(r, at));
    return set_value(r, column, value);
}

/* ---- Files ----------------------------------------------------------------------------------- */

typedef mbs_status line_function(reader *r);

/* Cuts the line that begins at `text` into words; returns what follows it. */
static char *next_line(reader *r, char *text)
{
    char *end = text + strcspn(text, "\n");
    char *next = *end == '\0' ? end : end + 1;
    *end = '\0';
    r->line++;
    r->count = 0;
    for (;;) {
        text += strspn(text, " \t\r");
        if (*text == '\0' || r->count == MAX_WORDS)
            return next;
        r->words[r->count++] = text;
        text += strcspn(text, " \t\r");
        if (*text != '\0')
            *text++ = '\0';
    }
}

static line_function *choose_form(reader *r)
{
    if (is(r, 0, "Problem:")) {
        r->other_section = true; /* until the heading of the columns */
        return read_report_line;
    }
    if (is(r, 0, "c") || (is(r, 0, "s") && r->count > 3))
        return read_glpk_line;
    return read_list_line;
}

static mbs_status read_lines(reader *r, char *text)
{
    line_function *read_line = NULL;
    mbs_status status = MBS_OK;
    while (*text != '\0' && !r->ended && status == MBS_OK) {
        text = next_line(r, text);
        if (r->count == 0)
            continue;
        if (read_line == NULL)
            read_line = choose_form(r);
        status = read_line(r);
    }
    if (status == MBS_OK && !r->any)
        status = error_set(r->error, MBS_ERR_INPUT,
                           "solution %s: no column's value in it; expected lines of names and "
                           "values, or a file written by glpsol",
                           quoted(r->label).text);
    return status;
}

mbs_status solution_read(double *value, const model *m, const char *path, mbs_error *error)
{
    char *text;
    size_t length;
    mbs_status status = file_read(&text, &length, path, error);
    if (status != MBS_OK)
        return status;
    reader r = {.m = m,
                .label = path,
                .error = error,
                .columns = solver_column_count(m->problem),
                .value = value};
    r.sorted = mem_alloc(((size_t)r.columns + 1) * sizeof *r.sorted);
    r.seen = mem_calloc((size_t)r.columns + 1, sizeof *r.seen);
    if (r.sorted == NULL || r.seen == NULL) {
        status = error_memory(error);
    } else if (strlen(text) != length) {
        status = error_set(error, MBS_ERR_INPUT, "solution %s: is no text file", quoted(path).text);
    } else {
        for (int j = 1; j <= r.columns; j++)
            r.sorted[j - 1] = (named_column){solver_column_name(m->problem, j), j};
        qsort(r.sorted, (size_t)r.columns, sizeof *r.sorted, compare_names);
        status = read_lines(&r, text);
    }
    mem_free(r.sorted);
    mem_free(r.seen);
    mem_free(text);
    return status;
}
