/* mbsopt advise NET… */
#include <stdlib.h>

#include "advise/advise.h"
#include "alive.h"
#include "command.h"
#include "import.h"
#include "output.h"
#include "planning.h"
#include "search.h"
#include "signals.h"
#include "table.h"

#define DEFAULT_BUFFERS  "1MiB,2MiB,4MiB,6MiB,8MiB,10MiB,12MiB,16MiB,24MiB,32MiB"
#define DEFAULT_MACHINES "wavecore-lpddr4,wavecore,wavecore-gddr5,wavecore-hbm2x2"

/* ---- Options --------------------------------------------------------------------------------- */

static int by_value(const void *left, const void *right)
{
    const int64_t a = *(const int64_t *)left;
    const int64_t b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static int read_lists(sweep *of, const arguments *given)
{
    const char *buffers = option_value(given, "buffer");
    const char *batches = option_value(given, "batch");
    /* both are looked at, so that one run shows all that is wrong */
    int status = read_sizes(&of->buffers, "buffer", buffers != NULL ? buffers : DEFAULT_BUFFERS,
                            MBS_MIN_BUFFER_BYTES);
    int batch_status =
        read_integers(&of->batches, "batch", batches != NULL ? batches : "32", 1, MBS_MAX_BATCH);
    if (status == EXIT_OK)
        qsort(of->buffers.values, of->buffers.count, sizeof *of->buffers.values, by_value);
    return status != EXIT_OK ? status : batch_status;
}

/* The baseline and the planner that is asked for, which is another one. */
static int read_planner(sweep *of, const arguments *given)
{
    mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
    int status = planning_planner(&options, given);
    if (status != EXIT_OK)
        return status;
    if (option_value(given, "planner") == NULL)
        options.planner = MBS_PLANNER_DP; /* quick, for there are many points */
    if (options.planner == MBS_PLANNER_BASELINE) {
        complain("--planner baseline: it is what the others are compared with; expected another");
        return EXIT_USAGE;
    }
    of->planners = (planner_list){{MBS_PLANNER_BASELINE, options.planner}, 2};
    const bool strips = !option_flag(given, "no-strips");
    sweep_add_strips(of, &strips, 1);
    of->in_place = options.in_place;
    of->order = options.order;
    status = search_objective_of(&of->objective, &of->planners, given);
    return status == EXIT_OK ? search_recompute(&of->recompute, given) : status;
}

static int read_options(advise_run *run, advise_format *format, const arguments *given)
{
    static const char *const formats[] = {"table", "csv", "json", NULL};
    static const char *const batch_norms[] = {"replace", "keep", NULL};
    sweep *of = &run->sweep;
    mbs_plan_options limits = MBS_PLAN_OPTIONS_INIT;
    size_t choice;
    size_t batch_norm;
    of->shards = 1;
    of->default_machines = DEFAULT_MACHINES;
    of->output = option_value(given, "output");
    if (!option_format(given, of->output, formats, &choice) ||
        !option_choice(given, "batch-norm", batch_norms, &batch_norm) ||
        !setup_optimizer(&of->optimizer, given))
        return EXIT_USAGE;
    *format = (advise_format)choice;
    of->keep_batch_norm = batch_norm == 1;
    of->inference = option_flag(given, "inference");
    of->fusion = fusion_asked(given);
    int status = sweep_check_standard_input(given);
    if (status == EXIT_OK)
        status = read_planner(of, given);
    if (status == EXIT_OK)
        status = read_lists(of, given);
    if (status == EXIT_OK)
        status = sweep_read_threads(of, option_value(given, "threads"));
    if (status == EXIT_OK)
        status = search_options(&limits, given);
    of->time_limit_s = limits.time_limit_s;
    of->work_limit = limits.work_limit;
    return status;
}

/* ---- Points ---------------------------------------------------------------------------------- */

/* Keeps the point's figures in its row, which no other thread touches; there is no text of it. */
static char *keep_figures(const sweep *of, const sweep_point *at, const mbs_plan *plan,
                          void *context)
{
    compare_row *row = &((advise_run *)context)->rows[at->index];
    row->planner = of->planners.values[at->planner];
    row->outcome = mbs_plan_outcome(plan);
    mbs_plan_traffic(plan, &row->traffic);
    if (mbs_plan_cost(plan, &of->machines[at->machine].hardware, &row->cost) != MBS_OK)
        return NULL;
    return calloc(1, 1);
}

static int pass_over(const char *row, void *context)
{
    (void)row;
    (void)context;
    return EXIT_OK;
}

static int plan_points(advise_run *run, bool *interrupted)
{
    const sweep_use use = {.row = keep_figures, .put = pass_over, .context = run};
    run->rows = calloc(run->sweep.point_count, sizeof *run->rows);
    if (run->rows == NULL) {
        complain("out of memory");
        return EXIT_SYSTEM;
    }
    alive_end(); /* the sweep has a line of its own */
    int status = sweep_run_for(&run->sweep, &use, interrupted);
    if (status == EXIT_OK && !*interrupted)
        advise_relate(run);
    return status;
}

/* ---- The command ----------------------------------------------------------------------------- */

static int write_advice(const advise_run *run, advise_format format)
{
    char *text = advise_text(run, format, output_width(run->sweep.output));
    if (text == NULL) {
        complain("out of memory");
        return EXIT_SYSTEM;
    }
    int status = write_output(run->sweep.output, text);
    free(text);
    return status;
}

static int run_advise(const arguments *given)
{
    advise_run run = {0};
    advise_format format = ADVISE_TABLE;
    bool interrupted = false;
    int status = read_options(&run, &format, given);
    if (status == EXIT_OK)
        status = sweep_load(&run.sweep, given);
    if (status == EXIT_OK) {
        sweep_note_replaced_norms(&run.sweep);
        status = plan_points(&run, &interrupted);
    }
    if (interrupted)
        note("interrupted before all %zu points were planned", run.sweep.point_count);
    else if (status == EXIT_OK)
        status = write_advice(&run, format);
    free(run.rows);
    sweep_free(&run.sweep);
    if (interrupted)
        signals_end();
    return status;
}

static const option_spec advise_options[] = {
    {"buffer", '\0', "LIST", "on-chip buffers per core (default: ten from 1MiB to 32MiB)"},
    {"batch", '\0', "LIST", "samples of a mini-batch per core (default: 32)"},
    {"hardware", '\0', "FILES",
     "machines, or names in mbsopt list; may be repeated (default: WaveCore with LPDDR4, HBM2, "
     "GDDR5 and two HBM2)"},
    OPTIONS_MACHINE,
    {"planner", '\0', "NAME", "the planner that is set against baseline (default: dp)"},
    OPTION_OBJECTIVE,
    OPTION_NO_STRIPS,
    OPTION_IN_PLACE,
    OPTION_ORDER,
    OPTION_RECOMPUTE,
    OPTION_MAX_RECOMPUTE,
    OPTION_EFFORT,
    OPTION_MAX_DRAM,
    OPTION_TIME_LIMIT,
    OPTION_WORK_LIMIT,
    OPTIONS_PROGRAM,
    OPTIONS_IMPORT,
    {"threads", '\0', "N", "plan on N threads (default: as many as there are cores)"},
    {"format", '\0', "table|csv|json",
     "tables, a row per point, or one document (default: as -o ends; table)"},
    OPTION_OUTPUT,
};

const command command_advise = {
    .name = "advise",
    .operand = "NET…",
    .operand_required = 1,
    .operand_many = 1,
    .takes_networks = 1,
    .summary = "which buffer and memory a network needs: a matrix, and a sentence",
    .details =
        "Plans each network file NET (- is standard input; ONNX models are imported) with each\n"
        "buffer for each machine, and shows traffic, time and energy next to what training layer\n"
        "by layer (the planner baseline) takes with the same buffer and machine.\n"
        "The knee, marked *, is the buffer whose figure lies farthest below the straight line\n"
        "from the smallest to the largest buffer, with buffers on a logarithmic scale: before it\n"
        "each doubling saves more, behind it less. There is none if no figure lies below it.\n"
        "A memory is enough with a buffer if the time is at most 5 % above that of the fastest\n"
        "machine with that buffer, and with all larger ones of the list likewise. Advised is the\n"
        "buffer at the knee of traffic (if there is none, the smallest within 5 % of the least\n"
        "traffic), with the memory of the least bandwidth that is enough from there on; but where\n"
        "that is slower than baseline, or 5 % slower than a smaller buffer, the smallest buffer\n"
        "within 5 % of the least time.\n"
        "A LIST is comma-separated, or a range: 1MiB..64MiB:x2 doubles, 16..64:+16 adds 16.\n",
    .examples = "  mbsopt advise resnet50\n"
                "      ten buffers against four memories\n"
                "  mbsopt advise resnet50 vgg16 --batch 16,32 --hardware lpddr4,my-chip.json\n"
                "      two networks, two mini-batches, a machine of one's own\n",
    .options = advise_options,
    .option_count = sizeof advise_options / sizeof advise_options[0],
    .run = run_advise,
};
