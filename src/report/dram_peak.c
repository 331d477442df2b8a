#include "report/dram_peak.h"

#include "mbsopt/program.h"
#include "report/figures.h"
#include "report/grid.h"

static void put_parts(text *out, const mbs_plan *plan, const mbs_dram_peak *peak)
{
    const bool inference = mbs_program_is_inference(mbs_plan_program(plan)) != 0;
    const char *tensors = inference ? "activations" : "activations and gradients";
    const char *const names[] = {"weights", "accumulators", "optimizer state", tensors};
    const int64_t bytes[] = {peak->weights, peak->accumulators, peak->state, peak->tensors};
    const char *separator = ": ";
    for (size_t i = 0; i < sizeof bytes / sizeof bytes[0]; i++) {
        if (bytes[i] == 0)
            continue;
        text_format(out, "%s%s of %s", separator, figure_traffic(bytes[i]).text, names[i]);
        separator = ", ";
    }
    text_string(out, "\n");
}

bool put_dram_peak(text *out, const mbs_plan *plan)
{
    mbs_dram_peak peak;
    const mbs_status status = mbs_plan_dram_peak(plan, &peak, NULL);
    if (status != MBS_OK || peak.bytes == 0)
        return status != MBS_ERR_MEMORY;
    const group_figures of = figures_of_group(plan, peak.group);
    text_format(out, "at most %s in DRAM at a time, in group %zu, ",
                figure_traffic(peak.bytes).text, peak.group + 1);
    text_safe(out, of.first.name);
    if (of.group.first != of.group.last) {
        text_string(out, " .. ");
        text_safe(out, of.last.name);
    }
    put_parts(out, plan, &peak);
    return true;
}
