/* Ratios to the baseline and their means. */
#include <math.h>
#include <string.h>

#include "compare/compare.h"

static void add_row(comparison *of, mbs_planner planner, bool strips, bool recomputes)
{
    const size_t row = of->planners.count++;
    of->planners.values[row] = planner;
    of->strips[row] = strips;
    of->objectives[row] = of->options.objective;
    of->recomputes[row] = recomputes;
}

void compare_add_row(comparison *of, mbs_planner planner, mbs_objective objective)
{
    add_row(of, planner, mbs_planner_takes_strips(planner), false);
    of->objectives[of->planners.count - 1] = objective;
}

void compare_add_rows(comparison *of)
{
    const planner_list asked = of->planners;
    of->planners.count = 0;
    for (size_t i = 0; i < asked.count; i++) {
        const mbs_planner planner = asked.values[i];
        const bool takes = mbs_planner_takes_strips(planner);
        if (planner == MBS_PLANNER_DP)
            add_row(of, planner, false, false);
        add_row(of, planner, takes, false);
        if (of->recompute.recompute != MBS_RECOMPUTE_NONE && mbs_planner_recomputes(planner))
            add_row(of, planner, takes, true);
    }
}

/* Energy is nothing on both sides where a hardware file sets all its constants to 0. */
static double ratio(double part, double whole)
{
    return whole > 0 ? part / whole : 1;
}

void compare_relate(compare_row *row, const compare_row *baseline)
{
    row->traffic_ratio = ratio((double)row->traffic.total, (double)baseline->traffic.total);
    row->speedup = ratio(baseline->cost.time_s, row->cost.time_s);
    row->energy_ratio = ratio(row->cost.energy_j, baseline->cost.energy_j);
    row->utilisation = row->cost.utilisation;
}

void compare_average(comparison *of)
{
    const double count = (double)of->network_count;
    for (size_t i = 0; i < of->planners.count; i++) {
        double logs[4] = {0};
        for (size_t n = 0; n < of->network_count; n++) {
            const compare_row *row = &of->networks[n].rows[i];
            logs[0] += log(row->traffic_ratio);
            logs[1] += log(row->speedup);
            logs[2] += log(row->energy_ratio);
            logs[3] += log(row->utilisation); /* 0 without matrix products, and so is the mean */
        }
        compare_row *mean = &of->means[i];
        *mean = (compare_row){.planner = of->planners.values[i],
                              .traffic_ratio = exp(logs[0] / count),
                              .speedup = exp(logs[1] / count),
                              .energy_ratio = exp(logs[2] / count),
                              .utilisation = exp(logs[3] / count)};
        memcpy(mean->name, of->networks[0].rows[i].name, sizeof mean->name);
    }
}
