/* A plan's groups as CSV, every figure to the byte. */
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

static void put_row(text *out, const mbs_plan *plan, size_t index)
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
    text_integer(out, (int64_t)index);
    put_integer(out, (int64_t)group.first);
    put_integer(out, (int64_t)group.last);
    put_name(out, first.name);
    put_name(out, last.name);
    put_name(out, phase_name(program, group.first, group.last));
    const int64_t figures[] = {group.sub_batch,
                               group.iterations,
                               group.passes,
                               group.peak_bytes,
                               group.pinned_bytes,
                               traffic.activation_read,
                               traffic.activation_write,
                               traffic.weight_read,
                               traffic.weight_gradient,
                               traffic.total};
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++)
        put_integer(out, figures[i]);
    text_string(out, "\n");
}

mbs_status mbs_report_plan_csv(char **result, const mbs_plan *plan, mbs_error *error)
{
    text out = TEXT_INIT;
    text_string(&out, "group,first,last,first_step,last_step,phase,sub_batch,iterations,passes,"
                      "peak_bytes,pinned_bytes,activation_read_bytes,activation_write_bytes,"
                      "weight_read_bytes,weight_gradient_bytes,total_bytes\n");
    for (size_t i = 0; i < mbs_plan_group_count(plan); i++)
        put_row(&out, plan, i);
    return text_finish(&out, result, error);
}
