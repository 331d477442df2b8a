#include "report/verdict.h"

#include <math.h>
#include <stdio.h>

#include "mbsopt/cost.h"
#include "report/estimates.h"
#include "report/figures.h"
#include "report/grid.h"

/* Another plan that is quicker by less than this is not worth a word. */
#define WORTH_TELLING 0.01

/* "61.24 ms", in the unit that leaves few digits. */
static void put_time(text *out, double seconds)
{
    static const char *const names[] = {"us", "ms", "s"};
    int64_t unit = 1000;
    int name = 0;
    const int64_t nanos = figure_whole_nanos(seconds);
    for (; name < 2 && nanos >= (name == 0 ? 1000 : 10000) * unit; name++)
        unit *= 1000;
    text_format(out, "%s %s", figure_nanos(seconds, unit, 2).text, names[name]);
}

/* ", 12.3 % less" than `other`; nothing if that is 0. */
static void put_change(text *out, double value, double other, bool color)
{
    char words[64];
    if (!(other > 0))
        return;
    const double change = (value - other) / other;
    const int64_t tenths = (int64_t)fmin(fabs(change) * 1000 + 0.5, 1e15);
    if (tenths == 0)
        snprintf(words, sizeof words, "the same");
    else
        snprintf(words, sizeof words, "%s %% %s", figure_ratio(tenths, 10, 1).text,
                 change < 0 ? "less" : "more");
    text_string(out, ", ");
    text_styled(out, color, change < 0 ? STYLE_GOOD : STYLE_BOLD, words);
}

static bool cost_of(mbs_cost *cost, const mbs_plan *plan, const mbs_hardware *hardware)
{
    *cost = (mbs_cost){0};
    return plan != NULL && hardware != NULL && mbs_plan_cost(plan, hardware, cost) == MBS_OK;
}

void put_verdict(text *out, const verdict *of)
{
    mbs_traffic traffic;
    mbs_traffic other = {0};
    mbs_cost cost;
    mbs_cost before;
    mbs_plan_traffic(of->plan, &traffic);
    if (of->baseline != NULL)
        mbs_plan_traffic(of->baseline, &other);
    text_styled(out, of->color, STYLE_BOLD, figure_traffic(traffic.total).text);
    if (of->baseline == NULL)
        text_string(out, " per step and core");
    put_change(out, (double)traffic.total, (double)other.total, of->color);
    if (of->baseline != NULL)
        text_string(out, other.total == traffic.total ? " as baseline" : " than baseline");
    if (!cost_of(&cost, of->plan, of->hardware))
        return;
    cost_of(&before, of->baseline, of->hardware);
    text_string(out, "; ");
    text_begin_style(out, of->color, STYLE_BOLD);
    put_time(out, cost.time_s);
    text_end_style(out, of->color, STYLE_BOLD);
    put_change(out, cost.time_s, before.time_s, of->color);
    if (!(cost.energy_j > 0))
        return;
    text_format(out, "; %s J", figure_nanos(cost.energy_j, 1000000000, 2).text);
    put_change(out, cost.energy_j, before.energy_j, of->color);
}

void put_quicker(text *out, const verdict *of)
{
    mbs_traffic traffic;
    mbs_cost cost;
    mbs_cost quick;
    mbs_cost before;
    if (!cost_of(&cost, of->plan, of->hardware) || !cost_of(&quick, of->quickest, of->hardware) ||
        quick.time_s > (1 - WORTH_TELLING) * cost.time_s)
        return;
    if (cost_of(&before, of->baseline, of->hardware) && cost.time_s > before.time_s)
        text_styled(out, of->color, STYLE_BOLD, "slower than baseline: ");
    mbs_plan_traffic(of->quickest, &traffic);
    text_format(out, "%s would take ",
                mbs_plan_objective(of->quickest) == MBS_TIME ? "--objective time"
                                                             : "--planner dp --no-strips");
    put_time(out, quick.time_s);
    const double less = (cost.time_s - quick.time_s) / cost.time_s;
    text_format(out, ", %s %% less, and move %s\n",
                figure_ratio((int64_t)(less * 1000 + 0.5), 10, 1).text,
                figure_traffic(traffic.total).text);
}
