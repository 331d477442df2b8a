#include "report/estimates.h"

#include <math.h>

#include "hardware/bandwidth.h"
#include "mbsopt/cost.h"
#include "report/grid.h"

#define MOST_COUNTED 1e9 /* whose nano parts are counted in 64 bits */
#define DIGITS       4   /* of what is more */

int64_t figure_whole_nanos(double value)
{
    return (int64_t)(fmin(value, MOST_COUNTED) * 1e9 + 0.5);
}

figure figure_nanos(double value, int64_t unit, int decimals)
{
    if (value < MOST_COUNTED)
        return figure_ratio(figure_whole_nanos(value), unit, decimals);
    figure out = {0};
    real_digits(out.text, sizeof out.text, value * (1e9 / (double)unit), DIGITS);
    return out;
}

static void put_part(text *out, const mbs_cost *cost, const char *name)
{
    text_format(out, "%s %s ms and %s J", name, figure_nanos(cost->time_s, 1000000, 3).text,
                figure_nanos(cost->energy_j, 1000000000, 3).text);
}

/* Each phase's part of a training step, and what takes the energy. */
static void put_parts(text *out, const mbs_plan *plan, const mbs_hardware *hardware,
                      const mbs_cost *whole)
{
    const struct {
        const char *name;
        double energy_j;
    } parts[] = {{"DRAM", whole->dram_j},
                 {"buffer", whole->buffer_j},
                 {"multiply-accumulates", whole->mac_j},
                 {"vector unit", whole->vector_j},
                 {"static power", whole->static_j}};
    mbs_cost forward;
    mbs_cost backward;
    if (!mbs_program_is_inference(mbs_plan_program(plan)) &&
        mbs_plan_phase_cost(plan, hardware, MBS_FORWARD, &forward) == MBS_OK &&
        mbs_plan_phase_cost(plan, hardware, MBS_BACKWARD, &backward) == MBS_OK) {
        put_part(out, &forward, "forward");
        put_part(out, &backward, ", backward");
        text_string(out, "\n");
    }
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && whole->energy_j > 0; i++) {
        const int64_t share = (int64_t)(1000 * parts[i].energy_j / whole->energy_j + 0.5);
        text_format(out, "%s%s %s %%", i == 0 ? "energy: " : ", ", parts[i].name,
                    figure_ratio(share, 10, 1).text);
    }
    if (whole->energy_j > 0)
        text_string(out, "\n");
}

void put_estimates(text *out, const mbs_plan *plan, const mbs_hardware *hardware)
{
    mbs_cost cost;
    if (hardware == NULL || mbs_plan_cost(plan, hardware, &cost) != MBS_OK)
        return;
    const int64_t share =
        cost.time_s > 0 ? (int64_t)(1000 * cost.compute_bound_s / cost.time_s + 0.5) : 0;
    text_format(out, "%s ms per step on ", figure_nanos(cost.time_s, 1000000, 3).text);
    text_safe(out, hardware->name);
    text_format(out, ", %s %% of it bound by computation, the rest by DRAM at ",
                figure_ratio(share, 10, 1).text);
    if (hardware_dram_efficiency(hardware) < 1) {
        figure of_peak = {0};
        real_digits(of_peak.text, sizeof of_peak.text, hardware_dram_efficiency(hardware), DIGITS);
        text_format(out, "%s of ", of_peak.text);
    }
    text_string(out, "its peak; ");
    text_format(out, "%s J; array utilisation %s %%\n",
                figure_nanos(cost.energy_j, 1000000000, 3).text,
                figure_ratio((int64_t)(1000 * cost.utilisation + 0.5), 10, 1).text);
    put_parts(out, plan, hardware, &cost);
}
