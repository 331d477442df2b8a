/* mbsopt report NET… */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "import.h"
#include "options.h"
#include "output.h"
#include "planning.h"
#include "report/report.h"
#include "signals.h"

/* What the page compares with; ilp takes its time and is there if it is asked for. */
#define COMPARED_PLANNERS "baseline,archopt,il,mbs-fs,mbs1,mbs2,dp"

#define FRONT_POINTS 8 /* each takes as long as some two plans for time */

/* ---- The plan -------------------------------------------------------------------------------- */

static int check_output(const arguments *given)
{
    static const char *const formats[] = {"page", NULL};
    const char *output = option_value(given, "output");
    size_t format;
    if (!option_format(given, output, formats, &format))
        return EXIT_USAGE;
    if (output == NULL && isatty(STDOUT_FILENO)) {
        complain("report: the page is for a browser: -o FILE.html writes it to a file");
        return EXIT_USAGE;
    }
    return EXIT_OK;
}

/* The options of plan. */
static int read_plan(report *of, const arguments *given)
{
    of->options = (mbs_plan_options)MBS_PLAN_OPTIONS_INIT;
    of->options.planner = MBS_PLANNER_BEST;
    int status = planning_planner(&of->options, given);
    if (status == EXIT_OK)
        status = setup_options(&of->setup, given);
    int limits = status == EXIT_USAGE ? EXIT_OK : search_options(&of->options, given);
    if (status != EXIT_OK || limits != EXIT_OK)
        return status != EXIT_OK ? status : limits;
    status = planning_objective(&of->options, given);
    return status == EXIT_OK ? planning_recompute(&of->recompute, &of->options, given) : status;
}

/* ---- What it is compared with ---------------------------------------------------------------- */

/* A limit of DRAM is the plan's: not all planners, buffers and batches have plans within it. */
static mbs_recompute_options without_limit(const report *of, const arguments *given)
{
    const mbs_recompute_options defaults = MBS_RECOMPUTE_OPTIONS_INIT;
    mbs_recompute_options all = of->recompute;
    if (all.max_dram_bytes == 0)
        return all;
    all.max_dram_bytes = 0;
    if (option_value(given, "recompute") == NULL)
        all.recompute = defaults.recompute;
    if (option_value(given, "max-recompute") == NULL)
        all.max_percent = defaults.max_percent;
    return all;
}

static int set_comparison(report *of, const arguments *given)
{
    comparison *with = &of->comparison;
    with->setup = of->setup;
    with->options = of->options;
    with->recompute = without_limit(of, given);
    return read_planners(&with->planners, "planner", COMPARED_PLANNERS);
}

/* The planner of the sweep: ilp for each point takes its time, and dp is near it. */
static mbs_planner swept_planner(mbs_planner planner)
{
    const bool exact = planner == MBS_PLANNER_ILP || planner == MBS_PLANNER_BEST;
    return exact ? MBS_PLANNER_DP : planner;
}

/* From an eighth of the plan's buffer to eight of them. */
static int near_buffers(number_list *list, int64_t bytes, int64_t reserved)
{
    static const int eighths[] = {1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64};
    const size_t count = sizeof eighths / sizeof eighths[0];
    list->values = calloc(count, sizeof *list->values);
    if (list->values == NULL) {
        complain("out of memory");
        return EXIT_SYSTEM;
    }
    for (size_t i = 0; i < count; i++) {
        const int64_t part = bytes / 8 <= INT64_MAX / 64 ? bytes * eighths[i] / 8 : bytes;
        if (part - reserved >= MBS_MIN_BUFFER_BYTES &&
            (list->count == 0 || part > list->values[list->count - 1]))
            list->values[list->count++] = part;
    }
    return EXIT_OK;
}

/* Half, as it is, and twice. */
static int near_batches(number_list *list, int64_t batch)
{
    const int64_t batches[] = {batch / 2, batch, 2 * batch};
    list->values = calloc(3, sizeof *list->values);
    if (list->values == NULL) {
        complain("out of memory");
        return EXIT_SYSTEM;
    }
    for (size_t i = 0; i < 3; i++)
        if (batches[i] >= 1 && batches[i] <= MBS_MAX_BATCH)
            list->values[list->count++] = batches[i];
    return EXIT_OK;
}

static int set_sweep(report *of, const arguments *given)
{
    sweep *with = &of->sweep;
    const bool strips[] = {!option_flag(given, "no-strips")};
    const char *buffers = option_value(given, "sweep-buffer");
    const char *batches = option_value(given, "sweep-batch");
    const mbs_planner planner = swept_planner(of->options.planner);
    with->inference = of->setup.inference;
    with->fusion = fusion_asked(given);
    with->keep_batch_norm = of->setup.keep_batch_norm;
    with->optimizer = of->setup.optimizer;
    with->recompute = without_limit(of, given);
    with->objective = of->options.objective;
    with->time_limit_s = of->options.time_limit_s;
    with->work_limit = of->options.work_limit;
    with->no_pin = option_flag(given, "no-pin");
    with->no_stream = option_flag(given, "no-stream");
    with->in_place = of->options.in_place;
    with->order = of->options.order;
    with->json = true;
    with->shards = 1;
    with->planners.values[with->planners.count++] = MBS_PLANNER_BASELINE;
    if (planner != MBS_PLANNER_BASELINE)
        with->planners.values[with->planners.count++] = planner;
    sweep_add_strips(with, strips, 1);
    int status = sweep_read_threads(with, option_value(given, "threads"));
    if (status == EXIT_OK)
        status = buffers != NULL
                     ? read_sizes(&with->buffers, "sweep-buffer", buffers, MBS_MIN_BUFFER_BYTES)
                     : near_buffers(&with->buffers, of->setup.hardware.buffer_bytes,
                                    of->setup.hardware.reserved_bytes);
    if (status == EXIT_OK)
        status = batches != NULL
                     ? read_integers(&with->batches, "sweep-batch", batches, 1, MBS_MAX_BATCH)
                     : near_batches(&with->batches, of->setup.batch);
    return status;
}

/* ---- The command ----------------------------------------------------------------------------- */

static int read_options(report *of, const arguments *given)
{
    int status = check_output(given);
    if (status == EXIT_OK)
        status = sweep_check_standard_input(given);
    of->points = FRONT_POINTS;
    if (status == EXIT_OK)
        status = tradeoff_points(&of->points, given);
    if (status == EXIT_OK)
        status = read_plan(of, given);
    if (status == EXIT_OK)
        status = set_comparison(of, given);
    if (status == EXIT_OK)
        status = set_sweep(of, given);
    if (status != EXIT_OK)
        return status;
    planning_finish(&of->options, &of->setup, given);
    of->comparison.options.no_pin = of->options.no_pin;
    of->comparison.options.no_stream = of->options.no_stream;
    of->comparison.options.in_place = of->options.in_place;
    of->comparison.options.order = of->options.order;
    of->comparison.options.batch = of->options.batch;
    return EXIT_OK;
}

static int write_page(const report *of)
{
    char *page;
    int status = report_page(&page, of);
    if (status == EXIT_OK)
        status = write_output(of->setup.output, page);
    free(page);
    return status;
}

static int run_report(const arguments *given)
{
    report of = {0};
    bool interrupted = false;
    int status = read_options(&of, given);
    if (status == EXIT_OK)
        status = sweep_load_for(&of.sweep, &of.setup.hardware, given);
    stage_done("load");
    if (status == EXIT_OK)
        status = report_make(&of, &interrupted);
    if (status == EXIT_OK && !interrupted)
        status = write_page(&of);
    report_free(&of);
    if (interrupted) {
        note("interrupted; no page is written");
        signals_end();
    }
    return status;
}

static const option_spec report_options[] = {
    OPTION_BUFFER,
    OPTION_BATCH,
    OPTION_PLANNER,
    OPTION_OBJECTIVE,
    OPTIONS_SEARCH,
    OPTIONS_PROGRAM,
    OPTION_HARDWARE,
    OPTIONS_IMPORT,
    OPTIONS_MACHINE,
    {"points", '\0', "N", "at most so many plans between least traffic and time (default: 8)"},
    {"sweep-buffer", '\0', "LIST",
     "the slider's buffers (default: 11 from 1/8 of the plan's to 8 times it)"},
    {"sweep-batch", '\0', "LIST",
     "the slider's batches (default: half the plan's, the plan's, twice that)"},
    {"threads", '\0', "N", "plan these on N threads (default: as many as there are cores)"},
    OPTION_OUTPUT,
};

const command command_report = {
    .name = "report",
    .operand = "NET…",
    .operand_required = 1,
    .operand_many = 1,
    .takes_networks = 1,
    .summary = "write plans as a page for a browser: groups, buffer, traffic, time",
    .details =
        "Plans each network file NET (- is standard input; ONNX models are imported) as plan does\n"
        "and writes one HTML file that needs no network: the plan against the planner baseline\n"
        "and the others, its groups and steps, where their data lie in the buffer, what they move\n"
        "and take, the plans between least traffic and least time, and what other buffers and\n"
        "batches would do, from a sweep inside the file (by dp where ilp made the plan). Within a\n"
        "limit of DRAM are the plan and those between least traffic and least time alone. The\n"
        "file is replaced whole or not at all; Ctrl-C leaves it as it was.\n"
        "A LIST is as in mbsopt help sweep.\n",
    .examples = "  mbsopt report resnet50 -o report.html\n"
                "      a page to open in a browser\n"
                "  mbsopt report resnet50 alexnet --hardware lpddr4 -o report.html\n"
                "      both networks in one page, on another machine\n",
    .options = report_options,
    .option_count = sizeof report_options / sizeof report_options[0],
    .run = run_report,
};
