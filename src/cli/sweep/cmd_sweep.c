/* mbsopt sweep NET… */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alive.h"
#include "command.h"
#include "import.h"
#include "options.h"
#include "output.h"
#include "search.h"
#include "setup.h"
#include "signals.h"
#include "sweep/sweep.h"

static int read_shard(sweep *of, const char *value)
{
    int64_t shard = 0;
    int64_t shards = 1;
    of->shards = 1;
    if (value == NULL)
        return EXIT_OK;
    mbs_error error;
    mbs_error_clear(&error);
    char first[24];
    const char *slash = strchr(value, '/');
    const size_t length = slash != NULL ? (size_t)(slash - value) : 0;
    snprintf(first, sizeof first, "%.*s", (int)(length < 20 ? length : 20), value);
    if (length == 0 ||
        mbs_parse_integer(&shards, slash + 1, 1, MOST_POINTS, "shards", &error) != MBS_OK ||
        mbs_parse_integer(&shard, first, 0, shards - 1, "shard", &error) != MBS_OK) {
        complain("--shard %s: expected K/M with 0 <= K < M, such as 0/4 to 3/4", value);
        return EXIT_BAD_INPUT;
    }
    of->shard = (size_t)shard;
    of->shards = (size_t)shards;
    return EXIT_OK;
}

int sweep_read_threads(sweep *of, const char *value)
{
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int64_t threads = cores < 1 ? 1 : cores > MOST_THREADS ? MOST_THREADS : cores;
    mbs_error error;
    mbs_error_clear(&error);
    mbs_status status = MBS_OK;
    if (value != NULL)
        status = mbs_parse_integer(&threads, value, 1, MOST_THREADS, "--threads", &error);
    of->threads = (size_t)threads;
    return report_error(status, &error);
}

static int read_lists(sweep *of, const arguments *given)
{
    const char *planners = option_value(given, "planner");
    const char *buffers = option_value(given, "buffer");
    const char *batches = option_value(given, "batch");
    int status = read_planners(&of->planners, "planner", planners != NULL ? planners : "dp");
    if (status != EXIT_OK)
        return status;
    /* all are looked at, so that one run shows all that is wrong; none: the machines' own buffers
     */
    int buffer_status = buffers != NULL
                            ? read_sizes(&of->buffers, "buffer", buffers, MBS_MIN_BUFFER_BYTES)
                            : read_integers(&of->buffers, "buffer", "0", 0, 0);
    int batch_status =
        read_integers(&of->batches, "batch", batches != NULL ? batches : "32", 1, MBS_MAX_BATCH);
    return buffer_status != EXIT_OK ? buffer_status : batch_status;
}

/* --strips on,off: both, each at most once. */
static int read_strips(sweep *of, const arguments *given)
{
    const char *list = option_value(given, "strips");
    const char *rest = list != NULL ? list : "on";
    bool wanted[2] = {false};
    size_t count = 0;
    for (size_t left = count_items(rest); left > 0; left--) {
        char *item = next_item(&rest);
        if (item == NULL) {
            complain("out of memory");
            return EXIT_SYSTEM;
        }
        const bool on = strcmp(item, "on") == 0;
        const bool known = on || strcmp(item, "off") == 0;
        free(item);
        if (!known || count == 2 || (count == 1 && wanted[0] == on)) {
            complain("--strips %s: expected on, off or on,off", list);
            return EXIT_USAGE;
        }
        wanted[count++] = on;
    }
    sweep_add_strips(of, wanted, count);
    return EXIT_OK;
}

int sweep_check_standard_input(const arguments *given)
{
    size_t standard_inputs = 0;
    const char *list;
    for (size_t i = 0; i < given->operand_count; i++)
        standard_inputs += strcmp(given->operands[i], "-") == 0;
    for (size_t i = 0; (list = option_nth(given, "hardware", i)) != NULL; i++)
        standard_inputs += strcmp(list, "-") == 0;
    if (standard_inputs <= 1)
        return EXIT_OK;
    complain("only one file can be standard input (-)");
    return EXIT_USAGE;
}

static int check_usage(const sweep *of, const arguments *given)
{
    if (sweep_check_standard_input(given) != EXIT_OK)
        return EXIT_USAGE;
    if (of->resume != NULL && of->output != NULL) {
        complain("--resume names the file that is written: no --output with it");
        return EXIT_USAGE;
    }
    if (of->resume != NULL && strcmp(of->resume, "-") == 0) {
        complain("--resume needs a file, not standard output (-)");
        return EXIT_USAGE;
    }
    return EXIT_OK;
}

static int read_options(sweep *of, const arguments *given)
{
    static const char *const formats[] = {"csv", "jsonl", NULL};
    static const char *const batch_norms[] = {"replace", "keep", NULL};
    mbs_plan_options limits = MBS_PLAN_OPTIONS_INIT;
    size_t format;
    size_t batch_norm;
    of->output = option_value(given, "output");
    of->resume = option_value(given, "resume");
    of->force = option_flag(given, "force");
    const char *rows = of->resume != NULL ? of->resume : of->output;
    if (!option_format(given, rows, formats, &format) ||
        !option_choice(given, "batch-norm", batch_norms, &batch_norm) ||
        !setup_optimizer(&of->optimizer, given))
        return EXIT_USAGE;
    of->json = format == 1;
    of->keep_batch_norm = batch_norm == 1;
    of->inference = option_flag(given, "inference");
    of->fusion = fusion_asked(given);
    int status = check_usage(of, given);
    if (status != EXIT_OK)
        return status;
    int statuses[] = {read_lists(of, given), read_shard(of, option_value(given, "shard")),
                      sweep_read_threads(of, option_value(given, "threads")),
                      search_options(&limits, given), search_recompute(&of->recompute, given)};
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0] && status == EXIT_OK; i++)
        status = statuses[i];
    of->time_limit_s = limits.time_limit_s;
    of->work_limit = limits.work_limit;
    if (status == EXIT_OK)
        status = search_objective_of(&of->objective, &of->planners, given);
    if (status == EXIT_OK)
        status = search_in_place(&of->in_place, &of->planners, given);
    if (status == EXIT_OK)
        status = search_order(&of->order, &of->planners, given);
    if (status == EXIT_OK)
        status = read_strips(of, given);
    return status;
}

void sweep_note_replaced_norms(const sweep *of)
{
    size_t networks = 0;
    const char *exception;
    const bool any = planners_replace_batch_norms(&of->planners, &exception);
    for (size_t n = 0; n < of->network_count; n++)
        networks += mbs_program_replaced_batch_norms(of->networks[n].programs[0]) > 0;
    if (any && networks > 0)
        note("batch norms of %zu network%s are planned as group norms%s "
             "(--batch-norm keep plans them as they are)",
             networks, networks == 1 ? "" : "s", exception);
}

/* What came of a sweep that is not whole, and how to go on with it. */
static void note_part(const sweep *of, const sweep_output *out, const arguments *given,
                      bool interrupted)
{
    const size_t size = sweep_shard_size(of);
    char *again = out->done > 0 && out->part != NULL ? sweep_command(given, out->name) : NULL;
    if (again != NULL)
        note_command(again, "%s%zu of %zu points, which are in %s",
                     interrupted ? "interrupted after " : "planned ", out->done, size, out->part);
    else if (interrupted)
        note("interrupted after %zu of %zu points", out->done, size);
    free(again);
}

static const char *ending(size_t count)
{
    return count == 1 ? "" : "s";
}

/* How many plans the sweep is of, and its shard. */
static int print_points(const sweep *of)
{
    const size_t counts[] = {of->network_count, of->buffers.count, of->batches.count,
                             of->planners.count, of->machine_count};
    printf("%zu point%s: %zu network%s, %zu buffer%s, %zu batch%s, %zu planner%s, %zu machine%s\n",
           of->point_count, ending(of->point_count), counts[0], ending(counts[0]), counts[1],
           ending(counts[1]), counts[2], counts[2] == 1 ? "" : "es", counts[3], ending(counts[3]),
           counts[4], ending(counts[4]));
    if (of->shards > 1)
        printf("%zu in shard %zu/%zu\n", sweep_shard_size(of), of->shard, of->shards);
    return finish_output();
}

static int run_sweep(const arguments *given)
{
    sweep of = {0};
    sweep_output out = {.descriptor = -1};
    bool interrupted = false;
    bool whole = false;
    int status = read_options(&of, given);
    if (status == EXIT_OK)
        status = sweep_load(&of, given);
    if (status == EXIT_OK && option_flag(given, "dry-run")) {
        status = print_points(&of);
        sweep_free(&of);
        return status;
    }
    if (status == EXIT_OK)
        status = sweep_output_open(&out, &of);
    if (status == EXIT_OK) {
        sweep_note_replaced_norms(&of);
        alive_end(); /* it has a line of its own */
        status = sweep_run(&of, &out, &interrupted);
        whole = status == EXIT_OK && !interrupted;
        if (!whole)
            note_part(&of, &out, given, interrupted);
    }
    int closed = sweep_output_close(&out, whole);
    sweep_free(&of);
    if (interrupted)
        signals_end();
    return status != EXIT_OK ? status : closed;
}

static const option_spec sweep_options[] = {
    {"buffer", '\0', "LIST", "on-chip buffers per core (default: the hardware's)"},
    {"batch", '\0', "LIST", "samples of a mini-batch per core (default: 32)"},
    {"hardware", '\0', "FILES",
     "machines, or names in mbsopt list; may be repeated (default: wavecore)"},
    OPTIONS_MACHINE,
    {"planner", '\0', "LIST", "planners (default: dp)"},
    OPTION_OBJECTIVE,
    {"strips", '\0', "LIST",
     "dp, ilp, best: with strips of rows, without or both: on, off (default: on)"},
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
    {"shard", '\0', "K/M", "only every M-th point, from the K-th (from 0) on"},
    {"dry-run", '\0', NULL, "check all that is given, say how many points there are"},
    {"resume", '\0', "FILE", "go on with the rows of an interrupted run, or begin FILE"},
    {"force", '\0', NULL, "replace FILE even if it holds other rows"},
    {"format", '\0', "csv|jsonl",
     "a row or a JSON object per point (default: as the file ends; csv)"},
    OPTION_OUTPUT,
};

const command command_sweep = {
    .name = "sweep",
    .operand = "NET…",
    .operand_required = 1,
    .operand_many = 1,
    .takes_networks = 1,
    .summary = "plan over buffers, batches, machines and planners; a row each",
    .details =
        "Plans each network file NET (- is standard input; ONNX models are imported) for every\n"
        "combination of buffer, batch, planner and machine, and writes a row per point as soon as\n"
        "it and those before it are done. The rows are the same whatever the number of threads;\n"
        "those of all shards, sorted by index, are those of the whole (scripts/sweep_merge.py).\n"
        "A LIST is comma-separated; buffers and batches may be ranges: 1MiB..64MiB:x2 doubles,\n"
        "16..64:+16 adds 16. With --objective time or energy dp minimises that, and its rows are\n"
        "called dp-time or dp-energy; with --in-place dp-in-place, with --order search\n"
        "dp-order, and best with --order given best-given. --strips on,off plans each point of\n"
        "dp and ilp twice.\n"
        "Until all rows are there they stand in FILE.part, which Ctrl-C leaves with whole rows "
        "and\n"
        "--resume FILE goes on with; then it takes the place of FILE. A FILE that holds rows of\n"
        "another sweep is left alone without --force.\n",
    .options = sweep_options,
    .option_count = sizeof sweep_options / sizeof sweep_options[0],
    .run = run_sweep,
};
