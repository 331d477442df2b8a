/* A plan as a table for people. */
#include <inttypes.h>
#include <stdio.h>

#include "base/error.h"
#include "base/text.h"
#include "mbsopt/cost.h"
#include "mbsopt/report.h"
#include "program/program.h"
#include "report/dram_peak.h"
#include "report/estimates.h"
#include "report/figures.h"
#include "report/grid.h"
#include "report/headline.h"
#include "report/origin.h"
#include "report/wrap.h"

/* The unit of all figures in a column, so that they compare at a glance. */
typedef struct column_unit {
    const char *name;
    int64_t bytes;
    int decimals;
    int64_t from; /* the least that is worth this unit */
} column_unit;

typedef struct table_units {
    column_unit traffic;
    column_unit space;
    column_unit time; /* in ns */
} table_units;

static const column_unit *choose_unit(const column_unit *unit, int64_t bytes)
{
    while (bytes < unit->from)
        unit++;
    return unit;
}

/* MB and MiB, unless the plan is too small or too large for figures of a few digits. */
static table_units choose_units(const mbs_plan *plan, double time_s)
{
    static const column_unit time_units[] = {
        {"s", 1000000000, 2, 100000000000}, {"ms", 1000000, 2, 1000000}, {"us", 1000, 2, 0}};
    static const column_unit traffic_units[] = {{"TB", 1000000000000, 1, 10000000000000000},
                                                {"GB", 1000000000, 1, 10000000000000},
                                                {"MB", 1000000, 1, 10000000},
                                                {"kB", 1000, 1, 10000},
                                                {"B", 1, 0, 0}};
    static const column_unit space_units[] = {{"GiB", INT64_C(1) << 30, 2, INT64_C(1) << 33},
                                              {"MiB", INT64_C(1) << 20, 2, INT64_C(1) << 20},
                                              {"KiB", INT64_C(1) << 10, 1, 0}};
    mbs_traffic traffic;
    mbs_plan_traffic(plan, &traffic);
    return (table_units){*choose_unit(traffic_units, traffic.total),
                         *choose_unit(space_units, mbs_plan_buffer_bytes(plan)),
                         *choose_unit(time_units, (int64_t)fmin(time_s * 1e9, 1e18))};
}

static void add_columns(grid *table, const table_units *units, bool updates, bool with_time)
{
    const grid_column columns[] = {
        {.head = {"", "#"}, .gap = "", .right = true, .rank = 1, .name = "number"},
        {.head = {"", "steps"}, .gap = "  ", .flexible = true},
        {.head = {"", ""}, .gap = " .. ", .flexible = true, .rank = 2, .name = "last step"},
        {.head = {"", "phase"}, .gap = " ", .rank = 6},
        {.head = {"sub-", "batch"}, .gap = " ", .right = true, .name = "sub-batch"},
        {.head = {"", "iter."}, .gap = " ", .right = true, .rank = 7},
        {.head = {"peak", units->space.name}, .gap = "  ", .right = true, .rank = 4},
        {.head = {"", "read"}, .gap = "  ", .right = true, .rank = 5},
        {.head = {"", "write"}, .gap = "  ", .right = true, .rank = 5},
        {.head = {"weight", "reads"}, .gap = "  ", .right = true, .rank = 8},
        {.head = {"weight", "grads"}, .gap = "  ", .right = true, .rank = 8},
    };
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
        grid_add_column(table, columns[i]);
    if (updates)
        grid_add_column(table, (grid_column){.head = {"opti-", "mizer"},
                                             .gap = "  ",
                                             .right = true,
                                             .rank = 8,
                                             .name = "optimizer"});
    grid_add_column(
        table, (grid_column){.head = {"total", units->traffic.name}, .gap = "  ", .right = true});
    if (!with_time)
        return;
    grid_add_column(
        table,
        (grid_column){.head = {"time", units->time.name}, .gap = "  ", .right = true, .rank = 3});
    grid_add_column(table, (grid_column){.head = {"", "by"}, .gap = " ", .rank = 9});
}

/* Time, and what most of it is spent on; nothing if costs are not known. */
static void put_time_cells(grid *table, const mbs_cost *cost, const column_unit *unit,
                           text_style style)
{
    const bool computes = cost->compute_bound_s >= 0.5 * cost->time_s;
    grid_cell(table, style, figure_nanos(cost->time_s, unit->bytes, unit->decimals).text);
    grid_cell(table, STYLE_DIM, computes ? "comp" : "DRAM");
}

/* Whether the plan has a column of what updates move. */
static bool has_updates(const mbs_plan *plan)
{
    mbs_traffic traffic;
    mbs_plan_traffic(plan, &traffic);
    return traffic.optimizer > 0;
}

static void put_traffic_cells(grid *table, bool updates, const mbs_traffic *traffic,
                              const column_unit *unit, text_style style, text_style total_style)
{
    const int64_t bytes[] = {traffic->activation_read, traffic->activation_write,
                             traffic->weight_read, traffic->weight_gradient, traffic->optimizer};
    for (size_t i = 0; i < sizeof bytes / sizeof bytes[0] - !updates; i++)
        grid_cell(table, style, figure_ratio(bytes[i], unit->bytes, unit->decimals).text);
    grid_cell(table, total_style, figure_ratio(traffic->total, unit->bytes, unit->decimals).text);
}

/* Peak use of the buffer; a step in passes has none worth the name. */
static void put_buffer_cell(grid *table, const mbs_plan *plan, const mbs_group_info *group,
                            const column_unit *unit)
{
    char cell[64];
    mbs_mode mode = MBS_STAGED;
    mbs_plan_step_mode(plan, group->first, &mode);
    if (mode == MBS_PASSES) {
        snprintf(cell, sizeof cell, "%" PRId64 " %s", group->passes,
                 group->passes == 1 ? "pass" : "passes");
        grid_cell(table, STYLE_DIM, cell);
        return;
    }
    grid_cell(table, STYLE_PLAIN,
              figure_ratio(group->peak_bytes, unit->bytes, unit->decimals).text);
}

/* "1/14": a 14th of a sample. */
static void put_sub_batch_cell(grid *table, const mbs_group_info *group)
{
    char cell[64];
    if (group->strips > 1)
        snprintf(cell, sizeof cell, "%" PRId64 "/%" PRId64, group->sub_batch, group->strips);
    else
        snprintf(cell, sizeof cell, "%" PRId64, group->sub_batch);
    grid_cell(table, STYLE_BOLD, cell);
}

static void put_group(grid *table, const comparison *with, size_t index, const table_units *units)
{
    const mbs_plan *plan = with->plan;
    const group_figures of = figures_of_group(plan, index);
    const char *phase = "both";
    text_style phase_style = STYLE_PLAIN;
    if (of.first.phase == of.last.phase) {
        phase = of.first.phase == MBS_FORWARD ? "fwd" : "bwd";
        phase_style = of.first.phase == MBS_FORWARD ? STYLE_FIRST : STYLE_SECOND;
    }
    grid_cell(table, STYLE_DIM, figure_integer((int64_t)index + 1).text);
    if (of.group.first == of.group.last) {
        grid_wide_cell(table, STYLE_PLAIN, of.first.name);
    } else {
        grid_cell(table, STYLE_PLAIN, of.first.name);
        grid_cell(table, STYLE_PLAIN, of.last.name);
    }
    grid_cell(table, phase_style, phase);
    put_sub_batch_cell(table, &of.group);
    grid_cell(table, STYLE_PLAIN, figure_integer(of.group.iterations).text);
    put_buffer_cell(table, plan, &of.group, &units->space);
    put_traffic_cells(table, has_updates(plan), &of.traffic, &units->traffic, STYLE_PLAIN,
                      STYLE_BOLD);
    mbs_cost cost;
    if (with->hardware != NULL && mbs_plan_group_cost(plan, with->hardware, index, &cost) == MBS_OK)
        put_time_cells(table, &cost, &units->time, STYLE_PLAIN);
    grid_end_row(table);
}

/* A row below the rule: a label and traffic by class. */
static void put_sum(grid *table, const char *label, const mbs_plan *plan,
                    const mbs_hardware *hardware, const table_units *units, text_style style)
{
    mbs_traffic traffic;
    mbs_plan_traffic(plan, &traffic);
    grid_cell(table, STYLE_PLAIN, "");
    grid_cell(table, style, label);
    for (int blank = 0; blank < 5; blank++)
        grid_cell(table, STYLE_PLAIN, "");
    put_traffic_cells(table, has_updates(plan), &traffic, &units->traffic, style, style);
    mbs_cost cost;
    if (hardware != NULL && mbs_plan_cost(plan, hardware, &cost) == MBS_OK)
        put_time_cells(table, &cost, &units->time, style);
    grid_end_row(table);
}

static void put_shares(grid *table, const mbs_plan *plan)
{
    mbs_traffic traffic;
    mbs_plan_traffic(plan, &traffic);
    const int64_t bytes[] = {traffic.activation_read, traffic.activation_write, traffic.weight_read,
                             traffic.weight_gradient, traffic.optimizer,        traffic.total};
    grid_cell(table, STYLE_PLAIN, "");
    grid_cell(table, STYLE_DIM, "share, %");
    for (int blank = 0; blank < 5; blank++)
        grid_cell(table, STYLE_PLAIN, "");
    for (size_t i = 0; i < sizeof bytes / sizeof bytes[0]; i++)
        if (i != 4 || has_updates(plan))
            grid_cell(table, STYLE_DIM, figure_percent(bytes[i], traffic.total).text);
    grid_end_row(table);
}

static void put_groups(text *out, const comparison *with)
{
    const mbs_plan *plan = with->plan;
    const mbs_hardware *hardware = with->hardware;
    mbs_cost cost = {0};
    if (hardware != NULL && mbs_plan_cost(plan, hardware, &cost) != MBS_OK)
        hardware = NULL; /* a loaded plan */
    const table_units units = choose_units(plan, cost.time_s);
    grid table;
    grid_start(&table, with->color);
    grid_fit_to(&table, with->width);
    add_columns(&table, &units, has_updates(plan), hardware != NULL);
    for (size_t i = 0; i < mbs_plan_group_count(plan); i++)
        put_group(&table, with, i, &units);
    grid_rule(&table);
    put_sum(&table, "total", plan, hardware, &units, STYLE_BOLD);
    put_shares(&table, plan);
    if (with->dp != NULL)
        put_sum(&table, "dp", with->dp, hardware, &units, STYLE_DIM);
    if (with->greedy != NULL)
        put_sum(&table, "mbs2", with->greedy, hardware, &units, STYLE_DIM);
    if (with->baseline != NULL)
        put_sum(&table, "baseline", with->baseline, hardware, &units, STYLE_DIM);
    grid_finish(&table, out);
}

static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

/* Layers without a step of their own: those that forward steps do besides theirs. */
static size_t count_fused(const mbs_program *program)
{
    size_t count = 0;
    for (size_t i = 0; i < mbs_program_step_count(program); i++) {
        mbs_step_info step;
        if (mbs_program_step(program, i, &step) == MBS_OK && step.phase == MBS_FORWARD)
            count += step.fused_count;
    }
    return count;
}

/* Sums of gradients without a step of their own. */
static size_t count_sums(const mbs_program *program)
{
    size_t count = 0;
    for (size_t i = 0; i < mbs_program_tensor_count(program); i++) {
        mbs_tensor_info tensor;
        count += mbs_program_tensor(program, i, &tensor) == MBS_OK && tensor.running >= 0;
    }
    return count;
}

/* What the rows do not show: how operands come in, and what is pinned. */
static void put_summary(text *out, const mbs_plan *plan)
{
    const size_t steps = mbs_program_step_count(mbs_plan_program(plan));
    const size_t groups = mbs_plan_group_count(plan);
    size_t counts[] = {0, 0, 0};
    size_t in_place = 0;
    int64_t pinned = 0;
    for (size_t i = 0; i < steps; i++) {
        mbs_mode mode;
        if (mbs_plan_step_mode(plan, i, &mode) == MBS_OK)
            counts[mode]++;
        int64_t over;
        in_place += mbs_plan_step_in_place(plan, i, &over) == MBS_OK && over >= 0;
    }
    for (size_t i = 0; i < groups; i++) {
        mbs_group_info group;
        if (mbs_plan_group(plan, i, &group) == MBS_OK && group.pinned_bytes > pinned)
            pinned = group.pinned_bytes;
    }
    text_format(out, "\n%zu step%s in %zu group%s", steps, plural(steps), groups, plural(groups));
    const char *separator = ": ";
    const char *const names[] = {"staged", "streamed", "in passes"};
    for (size_t mode = 0; mode < 3; mode++) {
        if (counts[mode] == 0)
            continue;
        text_format(out, "%s%zu %s", separator, counts[mode], names[mode]);
        separator = ", ";
    }
    if (in_place > 0)
        text_format(out, "; %zu in place", in_place);
    const size_t fused = count_fused(mbs_plan_program(plan));
    if (fused > 0)
        text_format(out, "; %zu layer%s done by others' steps", fused, plural(fused));
    const size_t sums = count_sums(mbs_plan_program(plan));
    if (sums > 0)
        text_format(out, "; %zu sum%s of gradients, too", sums, plural(sums));
    if (program_is_reordered(mbs_plan_program(plan)))
        text_string(out, "; in another order than the network's");
    if (pinned > 0)
        text_format(out, "; up to %s of parameters pinned", figure_space(pinned).text);
    text_string(out, "\n");
}

mbs_status mbs_report_exact_table(char **result, const mbs_plan *plan, const mbs_plan *dp,
                                  const mbs_report_options *options, mbs_error *error)
{
    comparison with = {.plan = plan, .dp = dp};
    if (options != NULL) {
        with.baseline = options->baseline;
        with.greedy = options->greedy;
        with.plain = options->plain;
        with.quickest = options->quickest;
        with.hardware = options->hardware;
        with.color = options->color != 0;
        with.width = options->width;
    }
    text out = TEXT_INIT;
    put_headline(&out, &with);
    put_groups(&out, &with);
    put_summary(&out, plan);
    if (!put_dram_peak(&out, plan)) {
        text_free(&out);
        *result = NULL;
        return error_memory(error);
    }
    put_estimates(&out, plan, with.hardware);
    put_origin(&out, plan);
    return report_finish(&out, with.width, result, error);
}

mbs_status mbs_report_plan_table(char **result, const mbs_plan *plan,
                                 const mbs_report_options *options, mbs_error *error)
{
    return mbs_report_exact_table(result, plan, NULL, options, error);
}
