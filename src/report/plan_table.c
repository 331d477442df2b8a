/* A plan as a table for people. */
#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "mbsopt/report.h"
#include "report/figures.h"
#include "report/grid.h"

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
} table_units;

static const column_unit *choose_unit(const column_unit *unit, int64_t bytes)
{
    while (bytes < unit->from)
        unit++;
    return unit;
}

/* MB and MiB, unless the plan is too small or too large for figures of a few digits. */
static table_units choose_units(const mbs_plan *plan)
{
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
                         *choose_unit(space_units, mbs_plan_buffer_bytes(plan))};
}

static void put_title(text *out, const mbs_plan *plan, bool color)
{
    const mbs_program *program = mbs_plan_program(plan);
    const char *phase = mbs_program_is_inference(program) ? "inference" : "training";
    mbs_outcome outcome = mbs_plan_outcome(plan);
    text_begin_style(out, color, STYLE_BOLD);
    text_safe(out, mbs_program_network_name(program));
    text_end_style(out, color, STYLE_BOLD);
    text_format(out, " · %s · %" PRId64 " %s per core · %s buffer · ", phase, mbs_plan_batch(plan),
                mbs_plan_batch(plan) == 1 ? "sample" : "samples",
                figure_exact_space(mbs_plan_buffer_bytes(plan)).text);
    text_safe(out, mbs_plan_planner_name(plan));
    text_format(out, ", %s%s", mbs_outcome_name(outcome),
                outcome == MBS_OPTIMAL ? " in its space" : "");
    if (outcome != MBS_OPTIMAL && mbs_plan_bound_bytes(plan) > 0)
        text_format(out, ", bound %s", figure_traffic(mbs_plan_bound_bytes(plan)).text);
    text_string(out, "\n");
}

static void put_versus(text *out, int64_t total, int64_t baseline, bool color)
{
    char versus[64];
    if (total == baseline)
        snprintf(versus, sizeof versus, "no less");
    else if (total < baseline)
        snprintf(versus, sizeof versus, "%s %% less",
                 figure_percent(baseline - total, baseline).text);
    else
        snprintf(versus, sizeof versus, "%s %% more",
                 figure_percent(total - baseline, baseline).text);
    text_string(out, ", ");
    text_styled(out, color, total < baseline ? STYLE_GOOD : STYLE_BOLD, versus);
    text_format(out, " than baseline %s", figure_traffic(baseline).text);
}

static void put_headline(text *out, const mbs_plan *plan, const mbs_report_options *options,
                         bool color)
{
    mbs_traffic traffic;
    mbs_traffic other;
    mbs_plan_traffic(plan, &traffic);
    text_styled(out, color, STYLE_BOLD, figure_traffic(traffic.total).text);
    text_string(out, " per step and core");
    if (options->baseline != NULL) {
        mbs_plan_traffic(options->baseline, &other);
        put_versus(out, traffic.total, other.total, color);
    }
    if (options->greedy != NULL) {
        mbs_plan_traffic(options->greedy, &other);
        text_format(out, "; mbs2 %s", figure_traffic(other.total).text);
    }
    text_string(out, "\n\n");
}

static void add_columns(grid *table, const table_units *units)
{
    const grid_column columns[] = {
        {.head = {"", "#"}, .gap = "", .right = true},
        {.head = {"", "steps"}, .gap = "  ", .flexible = true},
        {.head = {"", ""}, .gap = " .. ", .flexible = true},
        {.head = {"", "phase"}, .gap = "  "},
        {.head = {"sub-", "batch"}, .gap = "  ", .right = true},
        {.head = {"", "iter."}, .gap = "  ", .right = true},
        {.head = {"peak", units->space.name}, .gap = "  ", .right = true},
        {.head = {"", "used"}, .gap = " ", .right = true},
        {.head = {"", "read"}, .gap = "  ", .right = true},
        {.head = {"", "write"}, .gap = "  ", .right = true},
        {.head = {"weight", "reads"}, .gap = "  ", .right = true},
        {.head = {"weight", "grads"}, .gap = "  ", .right = true},
        {.head = {"total", units->traffic.name}, .gap = "  ", .right = true},
    };
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
        grid_add_column(table, columns[i]);
}

static void put_traffic_cells(grid *table, const mbs_traffic *traffic, const column_unit *unit,
                              text_style style, text_style total_style)
{
    const int64_t bytes[] = {traffic->activation_read, traffic->activation_write,
                             traffic->weight_read, traffic->weight_gradient};
    for (size_t i = 0; i < sizeof bytes / sizeof bytes[0]; i++)
        grid_cell(table, style, figure_ratio(bytes[i], unit->bytes, unit->decimals).text);
    grid_cell(table, total_style, figure_ratio(traffic->total, unit->bytes, unit->decimals).text);
}

/* Peak use of the buffer; a step in passes has none worth the name. */
static void put_buffer_cells(grid *table, const mbs_plan *plan, const mbs_group_info *group,
                             const column_unit *unit)
{
    char cell[64];
    mbs_mode mode = MBS_STAGED;
    mbs_plan_step_mode(plan, group->first, &mode);
    if (mode == MBS_PASSES) {
        snprintf(cell, sizeof cell, "%" PRId64 " %s", group->passes,
                 group->passes == 1 ? "pass" : "passes");
        grid_cell(table, STYLE_DIM, cell);
        grid_cell(table, STYLE_PLAIN, "");
        return;
    }
    const double used = (double)group->peak_bytes / (double)mbs_plan_buffer_bytes(plan);
    snprintf(cell, sizeof cell, "%d%%", (int)(used * 100.0 + 0.5));
    grid_cell(table, STYLE_PLAIN,
              figure_ratio(group->peak_bytes, unit->bytes, unit->decimals).text);
    grid_cell(table, STYLE_DIM, cell);
}

static void put_group(grid *table, const mbs_plan *plan, size_t index, const table_units *units)
{
    const mbs_program *program = mbs_plan_program(plan);
    mbs_group_info group;
    mbs_step_info first;
    mbs_step_info last;
    mbs_traffic traffic;
    if (mbs_plan_group(plan, index, &group) != MBS_OK ||
        mbs_plan_group_traffic(plan, index, &traffic) != MBS_OK ||
        mbs_program_step(program, group.first, &first) != MBS_OK ||
        mbs_program_step(program, group.last, &last) != MBS_OK)
        return;
    const char *phase = phase_name(program, group.first, group.last);
    text_style phase_style = STYLE_PLAIN;
    if (first.phase == last.phase)
        phase_style = first.phase == MBS_FORWARD ? STYLE_FIRST : STYLE_SECOND;
    grid_cell(table, STYLE_DIM, figure_integer((int64_t)index + 1).text);
    if (group.first == group.last) {
        grid_wide_cell(table, STYLE_PLAIN, first.name);
    } else {
        grid_cell(table, STYLE_PLAIN, first.name);
        grid_cell(table, STYLE_PLAIN, last.name);
    }
    grid_cell(table, phase_style, phase);
    grid_cell(table, STYLE_BOLD, figure_integer(group.sub_batch).text);
    grid_cell(table, STYLE_PLAIN, figure_integer(group.iterations).text);
    put_buffer_cells(table, plan, &group, &units->space);
    put_traffic_cells(table, &traffic, &units->traffic, STYLE_PLAIN, STYLE_BOLD);
}

/* A row below the rule: a label and traffic by class. */
static void put_sum(grid *table, const char *label, const mbs_plan *plan, const column_unit *unit,
                    text_style style)
{
    mbs_traffic traffic;
    mbs_plan_traffic(plan, &traffic);
    grid_cell(table, STYLE_PLAIN, "");
    grid_cell(table, style, label);
    for (int blank = 0; blank < 6; blank++)
        grid_cell(table, STYLE_PLAIN, "");
    put_traffic_cells(table, &traffic, unit, style, style);
}

static void put_shares(grid *table, const mbs_plan *plan)
{
    mbs_traffic traffic;
    mbs_plan_traffic(plan, &traffic);
    const int64_t bytes[] = {traffic.activation_read, traffic.activation_write, traffic.weight_read,
                             traffic.weight_gradient, traffic.total};
    grid_cell(table, STYLE_PLAIN, "");
    grid_cell(table, STYLE_DIM, "share, %");
    for (int blank = 0; blank < 6; blank++)
        grid_cell(table, STYLE_PLAIN, "");
    for (size_t i = 0; i < sizeof bytes / sizeof bytes[0]; i++)
        grid_cell(table, STYLE_DIM, figure_percent(bytes[i], traffic.total).text);
}

static void put_groups(text *out, const mbs_plan *plan, const mbs_report_options *options,
                       bool color)
{
    const table_units units = choose_units(plan);
    grid table;
    grid_start(&table, color);
    add_columns(&table, &units);
    for (size_t i = 0; i < mbs_plan_group_count(plan); i++)
        put_group(&table, plan, i, &units);
    grid_rule(&table);
    put_sum(&table, "total", plan, &units.traffic, STYLE_BOLD);
    put_shares(&table, plan);
    if (options->greedy != NULL)
        put_sum(&table, "mbs2", options->greedy, &units.traffic, STYLE_DIM);
    if (options->baseline != NULL)
        put_sum(&table, "baseline", options->baseline, &units.traffic, STYLE_DIM);
    grid_finish(&table, out);
}

static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

/* What the rows do not show: how operands come in, and what is pinned. */
static void put_summary(text *out, const mbs_plan *plan)
{
    const size_t steps = mbs_program_step_count(mbs_plan_program(plan));
    const size_t groups = mbs_plan_group_count(plan);
    size_t counts[] = {0, 0, 0};
    int64_t pinned = 0;
    for (size_t i = 0; i < steps; i++) {
        mbs_mode mode;
        if (mbs_plan_step_mode(plan, i, &mode) == MBS_OK)
            counts[mode]++;
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
    if (pinned > 0)
        text_format(out, "; up to %s of parameters pinned", figure_space(pinned).text);
    text_string(out, "\n");
}

mbs_status mbs_report_plan_table(char **result, const mbs_plan *plan,
                                 const mbs_report_options *options, mbs_error *error)
{
    static const mbs_report_options plain = {0};
    if (options == NULL)
        options = &plain;
    const bool color = options->color != 0;
    text out = TEXT_INIT;
    put_title(&out, plan, color);
    put_headline(&out, plan, options, color);
    put_groups(&out, plan, options, color);
    put_summary(&out, plan);
    return text_finish(&out, result, error);
}
