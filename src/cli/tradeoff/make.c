/* The plans of a tradeoff. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "alive.h"
#include "output.h"
#include "tradeoff/tradeoff.h"

#define MOST_POINTS 100

int tradeoff_points(size_t *points, const arguments *given)
{
    const char *value = option_value(given, "points");
    int64_t number = 0;
    mbs_error error;
    mbs_error_clear(&error);
    if (value == NULL)
        return EXIT_OK;
    if (mbs_parse_integer(&number, value, 3, MOST_POINTS, "--points", &error) != MBS_OK) {
        report_error(MBS_ERR_INPUT, &error);
        return EXIT_USAGE;
    }
    *points = (size_t)number;
    return EXIT_OK;
}

/* The options with which plan makes it, as far as they are not those of tradeoff itself. */
static char *options_of(const mbs_plan *plan, mbs_planner planner)
{
    mbs_origin_info origin;
    mbs_plan_origin(plan, &origin);
    const char *weight = strstr(origin.options, "--weight ");
    if (weight == NULL)
        return strdup(mbs_plan_objective(plan) == MBS_TIME ? "--objective time"
                      : planner == MBS_PLANNER_DP          ? "--planner dp"
                                                           : "--planner best");
    const size_t word = strlen("--weight ");
    return strndup(weight, word + strcspn(weight + word, " "));
}

static double weight_of(const tradeoff_row *row)
{
    const char *digits = row->how + strcspn(row->how, "0123456789");
    if (mbs_plan_objective(row->plan) == MBS_TIME)
        return INFINITY;
    return mbs_plan_objective(row->plan) == MBS_WEIGHTED ? strtod(digits, NULL) : 0;
}

static int fill_row(tradeoff_row *row, mbs_plan *plan, const tradeoff_run *run)
{
    mbs_traffic traffic;
    row->plan = plan;
    row->how = options_of(plan, run->options.planner);
    mbs_plan_traffic(plan, &traffic);
    row->bytes = traffic.total;
    if (row->how == NULL || mbs_plan_cost(plan, &run->setup.hardware, &row->cost) != MBS_OK) {
        complain("out of memory");
        return EXIT_SYSTEM;
    }
    row->weight_gb_s = weight_of(row);
    return EXIT_OK;
}

static int make_baseline(tradeoff_run *run)
{
    mbs_options options = run->options;
    mbs_plan *plan = NULL;
    mbs_error error;
    mbs_error_clear(&error);
    options.planner = MBS_PLANNER_BASELINE;
    options.max_dram_bytes = 0; /* it recomputes nothing, whatever there is room for */
    mbs_status status =
        mbs_plan_network(&plan, run->setup.network, &run->setup.hardware, &options, &error);
    return status == MBS_OK ? fill_row(&run->baseline, plan, run) : report_error(status, &error);
}

static int make_plans(tradeoff_run *run, size_t points)
{
    mbs_plan *plans[MOST_POINTS];
    mbs_error error;
    mbs_error_clear(&error);
    run->rows = calloc(MOST_POINTS, sizeof *run->rows); /* as plans */
    if (run->rows == NULL) {
        complain("out of memory");
        return EXIT_SYSTEM;
    }
    alive_stage("planning");
    mbs_status status = mbs_plan_tradeoff(plans, points, &run->count, run->setup.network,
                                          &run->setup.hardware, &run->options, &error);
    alive_stage("reporting");
    int result = report_error(status, &error);
    for (size_t i = 0; i < run->count; i++) {
        const int filled = fill_row(&run->rows[i], plans[i], run);
        result = result == EXIT_OK ? filled : result;
    }
    return result;
}

int tradeoff_make(tradeoff_run *run, size_t points)
{
    int status = make_baseline(run);
    return status == EXIT_OK ? make_plans(run, points) : status;
}

static void free_row(tradeoff_row *row)
{
    free((char *)row->how);
    mbs_plan_free(row->plan);
}

void tradeoff_free(tradeoff_run *run)
{
    for (size_t i = 0; i < run->count; i++)
        free_row(&run->rows[i]);
    free_row(&run->baseline);
    free(run->rows);
}
