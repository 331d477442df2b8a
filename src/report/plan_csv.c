/* A plan's groups as CSV, every figure to the byte. */
#include <stdbool.h>

#include "base/text.h"
#include "mbsopt/report.h"
#include "report/figures.h"

static void put_integer(text *out, int64_t value)
{
    text_string(out, ",");
    text_integer(out, value);
}

static void put_name(text *out, const char *name)
{
    text_string(out, ",");
    text_csv_field(out, name);
}

static void put_row(text *out, const mbs_plan *plan, size_t index, bool updates)
{
    const group_figures of = figures_of_group(plan, index);
    const bool backward = of.first.phase == MBS_BACKWARD;
    text_integer(out, (int64_t)index);
    put_integer(out, (int64_t)of.group.first);
    put_integer(out, (int64_t)of.group.last);
    put_name(out, of.first.name);
    put_name(out, of.last.name);
    put_name(out, of.first.phase != of.last.phase ? "both" : backward ? "backward" : "forward");
    const int64_t figures[] = {of.group.sub_batch,
                               of.group.iterations,
                               of.group.passes,
                               of.group.peak_bytes,
                               of.group.pinned_bytes,
                               of.traffic.activation_read,
                               of.traffic.activation_write,
                               of.traffic.weight_read,
                               of.traffic.weight_gradient,
                               of.traffic.total,
                               of.group.strips};
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++)
        put_integer(out, figures[i]);
    if (updates)
        put_integer(out, of.traffic.optimizer);
    text_string(out, "\n");
}

mbs_status mbs_report_plan_csv(char **result, const mbs_plan *plan, mbs_error *error)
{
    text out = TEXT_INIT;
    mbs_traffic traffic;
    mbs_plan_traffic(plan, &traffic);
    const bool updates = traffic.optimizer > 0; /* a column more */
    text_string(&out, "group,first,last,first_step,last_step,phase,sub_batch,iterations,passes,"
                      "peak_bytes,pinned_bytes,activation_read_bytes,activation_write_bytes,"
                      "weight_read_bytes,weight_gradient_bytes,total_bytes,strips");
    text_string(&out, updates ? ",optimizer_bytes\n" : "\n");
    for (size_t i = 0; i < mbs_plan_group_count(plan); i++)
        put_row(&out, plan, i, updates);
    return text_finish(&out, result, error);
}
