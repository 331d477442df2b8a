/* Tables of the caller's cells. */
#include "base/error.h"
#include "mbsopt/report.h"
#include "report/grid.h"
#include "report/wrap.h"

static const char *text_or_empty(const char *string)
{
    return string != NULL ? string : "";
}

mbs_status mbs_report_table(char **result, const mbs_table_column *columns, size_t column_count,
                            const char *const *cells, size_t row_count,
                            const mbs_report_options *options, mbs_error *error)
{
    text out = TEXT_INIT;
    grid table;
    *result = NULL;
    if (column_count < 1 || column_count > GRID_MAX_COLUMNS)
        return error_set(error, MBS_ERR_ARGUMENT, "a table of %zu columns: expected 1 to %d",
                         column_count, GRID_MAX_COLUMNS);
    const int width = options != NULL ? options->width : 0;
    grid_start(&table, options != NULL && options->color != 0);
    grid_fit_to(&table, width);
    for (size_t i = 0; i < column_count; i++)
        grid_add_column(&table, (grid_column){.head = {text_or_empty(columns[i].head[0]),
                                                       text_or_empty(columns[i].head[1])},
                                              .gap = i > 0 ? "  " : "",
                                              .right = columns[i].right != 0,
                                              .flexible = columns[i].shortens != 0,
                                              .rank = columns[i].rank,
                                              .name = columns[i].name});
    for (size_t row = 0; row < row_count; row++) {
        const char *const *of = cells + row * column_count;
        if (of[0] == NULL) {
            grid_rule(&table);
            continue;
        }
        for (size_t i = 0; i < column_count; i++)
            grid_cell(&table, STYLE_PLAIN, text_or_empty(of[i]));
    }
    grid_finish(&table, &out);
    return report_finish(&out, width, result, error);
}
