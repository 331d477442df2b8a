/* mbsopt tradeoff NET */
#include <stdlib.h>

#include "alive.h"
#include "command.h"
#include "import.h"
#include "output.h"
#include "planning.h"
#include "tradeoff/tradeoff.h"

#define DEFAULT_POINTS 12

typedef char *write_function(const tradeoff_run *run);

static int read_options(tradeoff_run *run, size_t *points, write_function **write,
                        const arguments *given)
{
    static const char *const formats[] = {"table", "csv", "json", NULL};
    static write_function *const writers[] = {tradeoff_table, tradeoff_csv, tradeoff_json};
    mbs_plan_options planning = MBS_PLAN_OPTIONS_INIT;
    mbs_recompute_options recompute;
    size_t format;
    *points = DEFAULT_POINTS;
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
        status = tradeoff_points(points, given);
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
        status = tradeoff_make(&run, points);
    stage_done("plan");
    if (status == EXIT_OK) {
        char *text = write(&run);
        if (text == NULL)
            complain("out of memory");
        status = text == NULL ? EXIT_SYSTEM : write_output(run.setup.output, text);
        free(text);
    }
    tradeoff_free(&run);
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
