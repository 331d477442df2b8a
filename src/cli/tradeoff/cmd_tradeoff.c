/* mbsopt tradeoff NET */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "alive.h"
#include "command.h"
#include "import.h"
#include "output.h"
#include "planning.h"
#include "tradeoff/tradeoff.h"

#define DEFAULT_POINTS 12
#define MOST_POINTS    100

typedef char *write_function(const tradeoff_run *run);

static int read_points(size_t *points, const arguments *given)
{
    const char *value = option_value(given, "points");
    int64_t number = DEFAULT_POINTS;
    mbs_error error;
    mbs_error_clear(&error);
    if (value != NULL &&
        mbs_parse_integer(&number, value, 3, MOST_POINTS, "--points", &error) != MBS_OK)
        return report_error(MBS_ERR_INPUT, &error) == EXIT_OK ? EXIT_OK : EXIT_USAGE;
    *points = (size_t)number;
    return EXIT_OK;
}

static int read_options(tradeoff_run *run, size_t *points, write_function **write,
                        const arguments *given)
{
    static const char *const formats[] = {"table", "csv", "json", NULL};
    static write_function *const writers[] = {tradeoff_table, tradeoff_csv, tradeoff_json};
    mbs_plan_options planning = MBS_PLAN_OPTIONS_INIT;
    mbs_recompute_options recompute;
    size_t format;
    planning.planner = MBS_PLANNER_BEST;
    if (!option_format(given, option_value(given, "output"), formats, &format))
        return EXIT_USAGE;
    *write = writers[format];
    int status = planning_planner(&planning, given);
    if (status == EXIT_OK && !search_heeds_objective(planning.planner)) {
        complain("tradeoff is of the planners dp and best, not %s",
                 mbs_planner_name(planning.planner));
        return EXIT_USAGE;
    }
    if (status == EXIT_OK)
        status = read_points(points, given);
    if (status == EXIT_OK)
        status = planning_recompute(&recompute, &planning, given);
    if (status == EXIT_OK)
        status = setup_options(&run->setup, given);
    if (status == EXIT_OK)
        status = search_options(&planning, given);
    if (status != EXIT_OK)
        return status;
    planning_finish(&planning, &run->setup, given);
    const search_again again = planning_again(&run->setup, recompute);
    run->options = search_network_options(&again, &planning);
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
    stage_done("plan");
    int result = report_error(status, &error);
    for (size_t i = 0; i < run->count; i++) {
        const int filled = fill_row(&run->rows[i], plans[i], run);
        result = result == EXIT_OK ? filled : result;
    }
    return result;
}

static void free_row(tradeoff_row *row)
{
    free((char *)row->how);
    mbs_plan_free(row->plan);
}

static int run_tradeoff(const arguments *given)
{
    tradeoff_run run = {0};
    size_t points = 0;
    write_function *write = NULL;
    int status = read_options(&run, &points, &write, given);
    if (status == EXIT_OK)
        status = load_network(&run.setup.network, given, given->operand);
    stage_done("load");
    if (status == EXIT_OK)
        status = make_baseline(&run);
    if (status == EXIT_OK)
        status = make_plans(&run, points);
    if (status == EXIT_OK) {
        char *text = write(&run);
        if (text == NULL)
            complain("out of memory");
        status = text == NULL ? EXIT_SYSTEM : write_output(run.setup.output, text);
        free(text);
    }
    for (size_t i = 0; i < run.count; i++)
        free_row(&run.rows[i]);
    free_row(&run.baseline);
    free(run.rows);
    setup_free(&run.setup);
    return status;
}

static const option_spec tradeoff_options[] = {
    {"points", '\0', "N", "at most so many plans, 3 to 100 (default: 12)"},
    OPTION_BUFFER,
    OPTION_BATCH,
    {"planner", '\0', "NAME", "dp, or best (default) for the plan of least traffic"},
    OPTIONS_SEARCH,
    OPTIONS_PROGRAM,
    OPTION_HARDWARE,
    OPTIONS_IMPORT,
    OPTIONS_MACHINE,
    {"format", '\0', "table|csv|json",
     "a table, a row per plan, or a document (default: as -o ends; table)"},
    OPTION_OUTPUT,
};

const command command_tradeoff = {
    .name = "tradeoff",
    .operand = "NET",
    .operand_required = 1,
    .takes_networks = 1,
    .summary = "plans of a network between least traffic and least time",
    .details =
        "Plans the network file NET (- is standard input; an ONNX model is imported) for least\n"
        "traffic, for least time, and for weights of both between, and lists the plans that no\n"
        "other one is better than in both. Each row begins with the options of plan that make\n"
        "it; --max-slowdown of plan chooses among them.\n"
        "A SIZE is 10MiB, 10MB, 512KiB or a number of bytes.\n",
    .examples = "  mbsopt tradeoff mobilenet_v2.json --hardware lpddr4\n"
                "      from 1.80 GB in 457 ms to 2.89 GB in 349 ms\n",
    .options = tradeoff_options,
    .option_count = sizeof tradeoff_options / sizeof tradeoff_options[0],
    .run = run_tradeoff,
};
