/* The rows of a plan's steps and operands as a table for people. */
#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "cost/schedule.h"
#include "mbsopt/report.h"
#include "program/rows.h"
#include "report/figures.h"
#include "report/grid.h"
#include "report/wrap.h"

/* "image 224 window 7/2-3": the operand's name, its rows and, if these are not the step's row by
 * row, how they are read. */
static void put_operand(text *out, const mbs_program *p, const mbs_touch *read)
{
    const mbs_tensor *tensor = &p->tensors[read->tensor];
    const mbs_row_map *map = &p->maps[read->map];
    text_format(out, "%s %" PRId64, tensor->name, tensor->rows);
    if (map->kind != ROWS_SAME)
        text_format(out, " %s", row_map_name(map->kind));
    if (map->kind == ROWS_WINDOW || map->kind == ROWS_TRANSPOSED)
        text_format(out, " %" PRId64 "/%" PRId64 "-%" PRId64, map->window, map->stride, map->pad);
    if (map->kind == ROWS_SHIFTED)
        text_format(out, " %" PRId64, map->pad);
}

static void put_step(grid *table, const mbs_program *p, int32_t k, const mbs_group *group,
                     int32_t index)
{
    const mbs_step *step = &p->steps[k];
    text operands = TEXT_INIT;
    for (int32_t t = step->touch_begin; t < step->write_begin; t++) {
        text_string(&operands, t > step->touch_begin ? ", " : "");
        put_operand(&operands, p, &p->touches[t]);
    }
    char strips[48];
    snprintf(strips, sizeof strips, "%" PRId64 "/%" PRId64, group->sub_batch, group->strips);
    grid_cell(table, STYLE_DIM, figure_integer(k).text);
    grid_cell(table, STYLE_PLAIN, step->name);
    grid_cell(table, STYLE_DIM, figure_integer(index + 1).text);
    grid_cell(table, STYLE_BOLD,
              group->strips > 1 ? strips : figure_integer(group->sub_batch).text);
    grid_cell(table, STYLE_PLAIN, figure_integer(step->rows).text);
    grid_cell(table, STYLE_PLAIN, operands.data != NULL ? operands.data : "");
    table->cells.failed = table->cells.failed || operands.failed;
    text_free(&operands);
}

mbs_status mbs_report_plan_rows(char **result, const mbs_plan *plan,
                                const mbs_report_options *options, mbs_error *error)
{
    const grid_column columns[] = {
        {.head = {"", "#"}, .gap = "", .right = true, .rank = 2},
        {.head = {"", "step"}, .gap = "  ", .flexible = true},
        {.head = {"", "group"}, .gap = "  ", .right = true, .rank = 1},
        {.head = {"sub-", "batch"}, .gap = "  ", .right = true, .rank = 3, .name = "sub-batch"},
        {.head = {"", "rows"}, .gap = "  ", .right = true},
        {.head = {"", "reads, of rows"}, .gap = "  ", .flexible = true}};
    const mbs_program *p = plan->program;
    text out = TEXT_INIT;
    grid table;
    if (!p->has_rows)
        return text_finish(&out, result, error);
    const int width = options != NULL ? options->width : 0;
    grid_start(&table, options != NULL && options->color != 0);
    grid_fit_to(&table, width);
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
        grid_add_column(&table, columns[i]);
    for (int32_t g = 0; g < plan->group_count; g++)
        for (int32_t k = plan->groups[g].first; k < plan->groups[g].end; k++)
            put_step(&table, p, k, &plan->groups[g], g);
    grid_finish(&table, &out);
    return report_finish(&out, width, result, error);
}
