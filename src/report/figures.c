#include "report/figures.h"

#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

typedef struct size_unit {
    const char *name;
    int64_t bytes;
} size_unit;

static const size_unit decimal_units[] = {
    {"TB", 1000000000000}, {"GB", 1000000000}, {"MB", 1000000}, {"kB", 1000}, {"B", 1}};
static const size_unit binary_units[] = {{"TiB", INT64_C(1) << 40},
                                         {"GiB", INT64_C(1) << 30},
                                         {"MiB", INT64_C(1) << 20},
                                         {"KiB", INT64_C(1) << 10},
                                         {"B", 1}};

static const size_unit *largest_unit(const size_unit *unit, int64_t bytes)
{
    while (unit->bytes > 1 && bytes < unit->bytes)
        unit++;
    return unit;
}

figure figure_ratio(int64_t value, int64_t unit, int decimals)
{
    figure out;
    int64_t scale = 1;
    for (int i = 0; i < decimals; i++)
        scale *= 10;
    int64_t whole = value / unit;
    int64_t part = (value % unit * scale + unit / 2) / unit;
    if (part == scale) {
        whole++;
        part = 0;
    }
    if (decimals == 0)
        snprintf(out.text, sizeof out.text, "%" PRId64, whole);
    else
        snprintf(out.text, sizeof out.text, "%" PRId64 ".%0*" PRId64, whole, decimals, part);
    return out;
}

static figure with_unit(int64_t bytes, const size_unit *unit, int decimals)
{
    figure out;
    figure ratio = figure_ratio(bytes, unit->bytes, unit->bytes > 1 ? decimals : 0);
    snprintf(out.text, sizeof out.text, "%.30s %s", ratio.text, unit->name);
    return out;
}

figure figure_traffic(int64_t bytes)
{
    return with_unit(bytes, largest_unit(decimal_units, bytes), 2);
}

figure figure_space(int64_t bytes)
{
    const size_unit *unit = largest_unit(binary_units, bytes);
    int64_t whole = bytes / unit->bytes;
    return with_unit(bytes, unit, whole < 10 ? 2 : whole < 100 ? 1 : 0);
}

figure figure_exact_space(int64_t bytes)
{
    const size_unit *unit = largest_unit(binary_units, bytes);
    if (bytes % unit->bytes == 0)
        return with_unit(bytes, unit, 0);
    figure out;
    figure rounded = with_unit(bytes, unit, 2);
    snprintf(out.text, sizeof out.text, "%.20s (%" PRId64 " B)", rounded.text, bytes);
    return out;
}

figure figure_percent(int64_t part, int64_t whole)
{
    double share = whole > 0 ? (double)part / (double)whole : 0.0;
    /* ten million times as much is as good as any more */
    return figure_ratio((int64_t)((share < 1e7 ? share : 1e7) * 1000.0 + 0.5), 10, 1);
}

figure figure_integer(int64_t value)
{
    figure out;
    snprintf(out.text, sizeof out.text, "%" PRId64, value);
    return out;
}

group_figures figures_of_group(const mbs_plan *plan, size_t index)
{
    const mbs_program *program = mbs_plan_program(plan);
    group_figures of = {0};
    const bool known = mbs_plan_group(plan, index, &of.group) == MBS_OK &&
                       mbs_plan_group_traffic(plan, index, &of.traffic) == MBS_OK &&
                       mbs_program_step(program, of.group.first, &of.first) == MBS_OK &&
                       mbs_program_step(program, of.group.last, &of.last) == MBS_OK;
    assert(known);
    (void)known;
    return of;
}
