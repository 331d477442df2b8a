#include "report/headline.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/figures.h"
#include "report/grid.h"
#include "report/recompute.h"
#include "report/verdict.h"

/* Plans this near to their bound are told by how near they are. */
#define NEAR_GAP 0.05

static int64_t total_of(const mbs_plan *plan)
{
    mbs_traffic traffic;
    mbs_plan_traffic(plan, &traffic);
    return traffic.total;
}

/* part / whole in percent, with a second decimal where the first says little. */
static figure fine_percent(int64_t part, int64_t whole)
{
    const double share = whole > 0 ? (double)part / (double)whole : 0.0;
    if (share >= 0.1 || part == 0)
        return figure_percent(part, whole);
    if (share < 0.0001)
        return (figure){"under 0.01"};
    return figure_ratio((int64_t)(share * 100000.0 + 0.5), 1000, 2);
}

/* part / whole in percent, rounded up: it is no more than that. */
static figure percent_at_most(int64_t part, int64_t whole)
{
    const double hundredths = fmax(1, ceil(1e4 * (double)part / (double)whole));
    return hundredths < 10 ? figure_ratio((int64_t)hundredths, 100, 2)
                           : figure_ratio((int64_t)ceil(hundredths / 10), 10, 1);
}

/* Beside the plan in the given order: no bound of that is one of others. */
static void put_given(text *out, const mbs_plan *plan)
{
    const int64_t given = mbs_plan_given_bytes(plan);
    const bool proven = mbs_plan_given_bound_bytes(plan) == given;
    if (total_of(plan) == given)
        text_string(out, proven ? "proven optimal in the given order, no better one found"
                                : "best found, in the given order");
    else
        text_format(out, "best found: %s %% less than %s the given order",
                    fine_percent(given - total_of(plan), given).text,
                    proven ? "the proven optimum of" : "in");
}

/* What is known about how good the plan is. */
static void put_outcome(text *out, const mbs_plan *plan)
{
    const char *planner = mbs_plan_planner_name(plan);
    const int64_t bound = mbs_plan_bound_bytes(plan);
    const int64_t total = total_of(plan);
    if (mbs_plan_outcome(plan) == MBS_OPTIMAL) {
        const bool exact = strncmp(planner, "ilp", 3) == 0; /* whatever it recomputes */
        text_string(out, exact ? "proven optimal" : "best in its space");
        return;
    }
    if (mbs_plan_given_bytes(plan) > 0)
        put_given(out, plan);
    else if (bound > 0 && (double)(total - bound) <= NEAR_GAP * (double)total)
        text_format(out, "within %s %% of optimal", percent_at_most(total - bound, bound).text);
    else if (bound > 0)
        text_format(out, "best found (bound %s)", figure_traffic(bound).text);
    else
        text_string(out, "best found");
}

static void put_title(text *out, const mbs_plan *plan, bool color)
{
    const mbs_program *program = mbs_plan_program(plan);
    const char *phase = mbs_program_is_inference(program) ? "inference" : "training";
    text_begin_style(out, color, STYLE_BOLD);
    text_safe(out, mbs_program_network_name(program));
    text_end_style(out, color, STYLE_BOLD);
    text_format(out, " · %s · %" PRId64 " %s per core · %s buffer · ", phase, mbs_plan_batch(plan),
                mbs_plan_batch(plan) == 1 ? "sample" : "samples",
                figure_exact_space(mbs_plan_buffer_bytes(plan)).text);
    text_safe(out, mbs_plan_planner_name(plan));
    text_string(out, ", ");
    put_outcome(out, plan);
    text_string(out, "\n");
}

/* "12.3 % less than dp 3.29 GB", or "as much as" it. */
static void put_versus(text *out, int64_t total, const char *name, int64_t other, bool color)
{
    char versus[64];
    if (total == other)
        snprintf(versus, sizeof versus, "as much");
    else if (total < other)
        snprintf(versus, sizeof versus, "%s %% less", fine_percent(other - total, other).text);
    else
        snprintf(versus, sizeof versus, "%s %% more", fine_percent(total - other, other).text);
    text_styled(out, color, total < other ? STYLE_GOOD : STYLE_BOLD, versus);
    text_format(out, " %s %s %s", total == other ? "as" : "than", name, figure_traffic(other).text);
}

void put_headline(text *out, const comparison *with)
{
    const int64_t total = total_of(with->plan);
    const verdict of = {with->plan, with->baseline, with->quickest, with->hardware, with->color};
    put_title(out, with->plan, with->color);
    put_verdict(out, &of);
    text_string(out, "\n");
    put_quicker(out, &of);
    if (with->dp != NULL)
        put_versus(out, total, "dp", total_of(with->dp), with->color);
    if (with->dp != NULL && with->greedy != NULL)
        text_string(out, ", ");
    if (with->greedy != NULL)
        put_versus(out, total, "mbs2", total_of(with->greedy), with->color);
    if (with->dp != NULL || with->greedy != NULL)
        text_string(out, "\n");
    put_recompute(out, with->plan, with->plain);
    text_string(out, "\n");
}
