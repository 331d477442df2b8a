#include "plan/solver/write.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/sink.h"
#include "base/text.h"

/* Some readers take lines of 255 bytes and no more. */
#define LINE_BYTES 76

typedef struct writer {
    const solver_problem *problem;
    sink *sink;
    text *out; /* the sink's */
    size_t line_begin;
    int *begin; /* per row (LP) or column (MPS), from 1 on, and one more: where its elements are */
    int *order; /* the elements, sorted by that */
} writer;

/* Sorts the elements by row or by column; those of one keep their order. */
static bool sort_elements(writer *w, const int *key, int keys)
{
    const int count = w->problem->element_count;
    w->begin = mem_calloc((size_t)keys + 3, sizeof *w->begin);
    w->order = mem_alloc(((size_t)count + 1) * sizeof *w->order);
    if (w->begin == NULL || w->order == NULL)
        return false;
    for (int i = 1; i <= count; i++)
        w->begin[key[i] + 2]++;
    for (int k = 1; k <= keys + 2; k++)
        w->begin[k] += w->begin[k - 1];
    for (int i = 1; i <= count; i++)
        w->order[w->begin[key[i] + 1]++] = i;
    return true;
}

static void put_number(writer *w, double value)
{
    text_format(w->out, "%.17g", value); /* exact: what is read back is the same number */
}

static void put_row_name(writer *w, int row)
{
    const char *name = w->problem->rows[row - 1].name;
    if (name != NULL)
        text_string(w->out, name);
    else
        text_format(w->out, "R%d", row);
}

static void put_column_name(writer *w, int column)
{
    text_string(w->out, w->problem->columns[column - 1].name);
}

/* A row has one bound, or two that are equal. */
static double row_bound(const problem_row *row)
{
    assert(isinf(row->lower) || isinf(row->upper) || row->lower == row->upper);
    return isinf(row->lower) ? row->upper : row->lower;
}

/* ---- LP format ------------------------------------------------------------------------------- */

static void lp_term(writer *w, double value, int column)
{
    if (w->out->length - w->line_begin > LINE_BYTES) {
        text_string(w->out, "\n ");
        w->line_begin = w->out->length;
    }
    text_string(w->out, value < 0 ? " - " : " + ");
    if (fabs(value) != 1) {
        put_number(w, fabs(value));
        text_string(w->out, " ");
    }
    put_column_name(w, column);
}

static void lp_rows(writer *w)
{
    const solver_problem *p = w->problem;
    text_string(w->out, "\nSubject To\n");
    for (int i = 1; i <= p->row_count && sink_flush(w->sink); i++) {
        const problem_row *row = &p->rows[i - 1];
        w->line_begin = w->out->length;
        text_string(w->out, " ");
        put_row_name(w, i);
        text_string(w->out, ":");
        for (int e = w->begin[i]; e < w->begin[i + 1]; e++)
            lp_term(w, p->element_value[w->order[e]], p->element_column[w->order[e]]);
        const char *sign = row->lower == row->upper ? " = " : isinf(row->lower) ? " <= " : " >= ";
        text_string(w->out, sign);
        put_number(w, row_bound(row));
        text_string(w->out, "\n");
    }
}

static void lp_columns(writer *w)
{
    const solver_problem *p = w->problem;
    text_string(w->out, "Bounds\n");
    for (int j = 1; j <= p->column_count && sink_flush(w->sink); j++) {
        const problem_column *column = &p->columns[j - 1];
        if (column->kind == SOLVER_BINARY || isinf(column->upper))
            continue;
        text_string(w->out, " ");
        put_column_name(w, j);
        text_string(w->out, column->lower == column->upper ? " = " : " <= ");
        put_number(w, column->upper);
        text_string(w->out, "\n");
    }
    text_string(w->out, "Binaries\n");
    for (int j = 1; j <= p->column_count && sink_flush(w->sink); j++) {
        if (p->columns[j - 1].kind != SOLVER_BINARY)
            continue;
        text_string(w->out, " ");
        put_column_name(w, j);
        text_string(w->out, "\n");
    }
    text_string(w->out, "End\n");
}

/* All columns stand in the objective, so that every reader numbers them in our order. */
static void write_lp(writer *w, const char *title)
{
    const solver_problem *p = w->problem;
    text_format(w->out, "\\ %s\n\nMinimize\n bytes:", title);
    w->line_begin = w->out->length;
    for (int j = 1; j <= p->column_count; j++)
        lp_term(w, p->columns[j - 1].cost, j);
    lp_rows(w);
    lp_columns(w);
}

/* ---- MPS format ------------------------------------------------------------------------------ */

static void mps_rows(writer *w)
{
    const solver_problem *p = w->problem;
    text_string(w->out, "ROWS\n N bytes\n");
    for (int i = 1; i <= p->row_count && sink_flush(w->sink); i++) {
        const problem_row *row = &p->rows[i - 1];
        text_string(w->out, row->lower == row->upper ? " E " : isinf(row->lower) ? " L " : " G ");
        put_row_name(w, i);
        text_string(w->out, "\n");
    }
}

static void mps_entry(writer *w, int column, int row, double value)
{
    text_string(w->out, " ");
    put_column_name(w, column);
    text_string(w->out, " ");
    if (row == 0)
        text_string(w->out, "bytes");
    else
        put_row_name(w, row);
    text_string(w->out, " ");
    put_number(w, value);
    text_string(w->out, "\n");
}

static void mps_columns(writer *w)
{
    const solver_problem *p = w->problem;
    bool integers = false;
    int markers = 0;
    text_string(w->out, "COLUMNS\n");
    for (int j = 1; j <= p->column_count && sink_flush(w->sink); j++) {
        if ((p->columns[j - 1].kind == SOLVER_BINARY) != integers) {
            integers = !integers;
            text_format(w->out, " M%d 'MARKER' '%s'\n", ++markers, integers ? "INTORG" : "INTEND");
        }
        mps_entry(w, j, 0, p->columns[j - 1].cost);
        for (int e = w->begin[j]; e < w->begin[j + 1]; e++)
            mps_entry(w, j, p->element_row[w->order[e]], p->element_value[w->order[e]]);
    }
    if (integers)
        text_format(w->out, " M%d 'MARKER' 'INTEND'\n", ++markers);
}

static void mps_bounds(writer *w)
{
    const solver_problem *p = w->problem;
    text_string(w->out, "RHS\n");
    for (int i = 1; i <= p->row_count && sink_flush(w->sink); i++) {
        double bound = row_bound(&p->rows[i - 1]);
        if (bound == 0)
            continue;
        text_string(w->out, " RHS ");
        put_row_name(w, i);
        text_string(w->out, " ");
        put_number(w, bound);
        text_string(w->out, "\n");
    }
    text_string(w->out, "BOUNDS\n");
    for (int j = 1; j <= p->column_count && sink_flush(w->sink); j++) {
        const problem_column *column = &p->columns[j - 1];
        if (isinf(column->upper))
            continue;
        text_string(w->out, column->lower == column->upper ? " FX BND " : " UP BND ");
        put_column_name(w, j);
        text_string(w->out, " ");
        put_number(w, column->upper);
        text_string(w->out, "\n");
    }
    text_string(w->out, "ENDATA\n");
}

static void write_mps(writer *w, const char *title)
{
    text_format(w->out, "* %s\nNAME mbsopt FREE\n", title);
    mps_rows(w);
    mps_columns(w);
    mps_bounds(w);
}

mbs_status solver_write(const solver_problem *problem, solver_format format, const char *title,
                        const char *path, plan_watch *watch, mbs_error *error)
{
    writer w = {.problem = problem};
    const bool lp = format == SOLVER_LP;
    mbs_status status = sink_open(&w.sink, path, error);
    if (status != MBS_OK)
        return status;
    sink_watch(w.sink, plan_watch_stops, watch);
    w.out = sink_text(w.sink);
    const bool sorted = lp ? sort_elements(&w, problem->element_row, problem->row_count)
                           : sort_elements(&w, problem->element_column, problem->column_count);
    if (!sorted)
        status = error_memory(error);
    else if (lp)
        write_lp(&w, title);
    else
        write_mps(&w, title);
    const mbs_status closed = sink_close(w.sink, sorted, error);
    mem_free(w.begin);
    mem_free(w.order);
    return status != MBS_OK ? status : closed;
}
