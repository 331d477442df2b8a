/* mbsopt plan NET */
#include <stdlib.h>
#include <string.h>

#include "chip.h"
#include "command.h"
#include "exporting.h"
#include "import.h"
#include "options.h"
#include "output.h"
#include "planning.h"
#include "plotting.h"
#include "setup.h"
#include "signals.h"
#include "table.h"

/* For the search for the quickest plan, that the verdict tells of: half a second or so. */
#define QUICKEST_WORK 0.5

typedef enum plan_format { FORMAT_TABLE, FORMAT_JSON, FORMAT_CSV } plan_format;

/* Everything one run of the command owns and was asked. */
typedef struct plan_run {
    setup setup;
    plan_format format;
    mbs_plan_options options;
    mbs_plan *plan;
    mbs_plan *unplaced; /* what the plan was before it was placed in the buffer, if it was */
    mbs_plan *baseline; /* for the table's headline */
    mbs_plan *greedy;
    mbs_plan *quickest;
    mbs_plan *plain; /* likewise: without recomputing what the plan recomputes */
    mbs_recompute_options recompute;
    double slowdown_percent;
    const double *max_slowdown; /* null, or the above */
    mbs_plan *dp;               /* likewise, where integer programming made the plan */
    mbs_program *replaced;   /* the greedy plan's program where the plan itself keeps batch norms */
    int64_t cores;           /* to tell of; 0: not asked */
    int asked_to_keep;       /* batch norms: baseline and archopt do so unasked */
    const char *export_path; /* write the integer program there instead of planning */
    const char *import_path; /* the plan is in this solution of it */
} plan_run;

static bool is_exact(const plan_run *run)
{
    return run->options.planner == MBS_PLANNER_ILP ||
           (run->options.planner == MBS_PLANNER_BEST && run->options.objective == MBS_TRAFFIC);
}

/* The integer program is ilp's, and exporting it makes no plan. */
static int read_model_options(plan_run *run, const arguments *given)
{
    run->export_path = option_value(given, "export-model");
    run->import_path = option_value(given, "import-solution");
    const bool exports = run->export_path != NULL;
    const bool imports = run->import_path != NULL;
    const char *name = exports ? "export-model" : "import-solution";
    if (exports && imports) {
        complain("--export-model and --import-solution exclude each other");
        return EXIT_USAGE;
    }
    if ((exports || imports) && option_value(given, "planner") != NULL && !is_exact(run)) {
        complain("--%s is of the planner ilp, not %s", name, option_value(given, "planner"));
        return EXIT_USAGE;
    }
    if (exports &&
        (option_value(given, "output") != NULL || option_value(given, "format") != NULL)) {
        complain("--export-model makes no plan: no --output or --format with it");
        return EXIT_USAGE;
    }
    const char *order = option_value(given, "order");
    if ((exports || imports) && order != NULL && strcmp(order, "search") == 0) {
        complain("--%s is of the given order: no --order search with it", name);
        return EXIT_USAGE;
    }
    const char *hardware = option_value(given, "hardware");
    if (imports && strcmp(run->import_path, "-") == 0 &&
        (strcmp(given->operand, "-") == 0 || (hardware != NULL && strcmp(hardware, "-") == 0))) {
        complain("--import-solution - is standard input, and so is another file");
        return EXIT_USAGE;
    }
    if (exports || imports)
        run->options.order = MBS_ORDER_GIVEN;
    if ((exports || imports) && !is_exact(run))
        run->options.planner = MBS_PLANNER_ILP;
    return EXIT_OK;
}

/* The integer program is that of the plain program. */
static int read_recompute(plan_run *run, const arguments *given)
{
    int status = planning_recompute(&run->recompute, &run->options, given);
    if (status == EXIT_OK && run->recompute.recompute != MBS_RECOMPUTE_NONE &&
        (run->export_path != NULL || run->import_path != NULL)) {
        complain(
            "--%s is of the program that recomputes none: no --recompute or --max-dram with it",
            run->export_path != NULL ? "export-model" : "import-solution");
        return EXIT_USAGE;
    }
    return status;
}

static int read_options(plan_run *run, const arguments *given)
{
    static const char *const formats[] = {"table", "json", "csv", NULL};
    size_t format;
    if (!option_format(given, option_value(given, "output"), formats, &format))
        return EXIT_USAGE;
    run->format = (plan_format)format;
    run->options = (mbs_plan_options)MBS_PLAN_OPTIONS_INIT;
    run->options.planner = MBS_PLANNER_BEST;
    int status = planning_planner(&run->options, given);
    if (status == EXIT_OK)
        status = read_model_options(run, given);
    if (status == EXIT_OK)
        status = setup_options(&run->setup, given);
    int limits = status == EXIT_USAGE ? EXIT_OK : search_options(&run->options, given);
    if (status != EXIT_OK || limits != EXIT_OK)
        return status != EXIT_OK ? status : limits;
    status = planning_objective(&run->options, given);
    if (status == EXIT_OK)
        status =
            planning_slowdown(&run->max_slowdown, &run->slowdown_percent, &run->options, given);
    if (status == EXIT_OK)
        status = read_recompute(run, given);
    if (status != EXIT_OK)
        return status;
    status = chip_cores(&run->cores, given);
    if (status != EXIT_OK)
        return status;
    run->asked_to_keep = run->setup.keep_batch_norm;
    planning_finish(&run->options, &run->setup, given);
    const char *plot = option_value(given, "plot");
    if (run->export_path != NULL && (option_value(given, "export") != NULL || plot != NULL)) {
        complain("--export-model makes no plan: no --%s with it", plot != NULL ? "plot" : "export");
        return EXIT_USAGE;
    }
    if (plot != NULL && !plot_path_ends_well("plot", plot))
        return EXIT_USAGE;
    return exports_check(given, run->setup.output);
}

/* The plan that the headline compares with; none if it is what was asked for itself. */
static mbs_status make_reference(const plan_run *run, mbs_plan **plan, mbs_planner planner,
                                 const mbs_program *program, mbs_error *error)
{
    if (run->options.planner == planner)
        return MBS_OK;
    mbs_plan_options options = run->options;
    options.planner = planner;
    options.work_limit = 0;
    options.objective = MBS_TRAFFIC;
    options.order = MBS_ORDER_GIVEN;
    return search_compared(plan, program, NULL, &run->setup.hardware, &options, error);
}

/* The program that mbs2 plans. */
static mbs_status greedy_program(plan_run *run, const mbs_program **program, mbs_error *error)
{
    const setup *of = &run->setup;
    *program = of->program;
    if (run->asked_to_keep == of->keep_batch_norm)
        return MBS_OK;
    const mbs_program_options options = setup_program_options(of, run->asked_to_keep);
    mbs_status status = mbs_program_create(&run->replaced, of->network, &options, error);
    *program = run->replaced;
    return status;
}

/* The same planner's plan without recomputing; dp's for ilp, which takes its time. */
static mbs_status make_plain(const plan_run *run, mbs_plan **plan, mbs_order order,
                             mbs_error *error)
{
    const setup *of = &run->setup;
    const search_again again =
        planning_again(of, (mbs_recompute_options){MBS_RECOMPUTE_NONE, 0, 0, 1});
    mbs_plan_options options = run->options;
    if (is_exact(run)) {
        options.planner = MBS_PLANNER_DP;
        options.work_limit = 0;
    }
    options.order = order;
    options.no_strips = !planning_has_strips(&run->options);
    return search_compared(plan, of->program, &again, &of->hardware, &options, error);
}

/* A quicker plan than the one of least traffic, for the verdict: that of least time, or where the
 * search for it takes too long, one without strips. */
static mbs_status make_quickest(plan_run *run, mbs_error *error)
{
    const setup *of = &run->setup;
    const search_again again = planning_again(of, run->recompute);
    mbs_plan_options options = run->options;
    if (!search_heeds_objective(options.planner) && options.planner != MBS_PLANNER_ILP)
        return MBS_OK;
    if (run->recompute.recompute == MBS_RECOMPUTE_AUTO || run->recompute.max_dram_bytes > 0 ||
        run->import_path != NULL)
        return MBS_OK;
    options.planner = MBS_PLANNER_DP;
    options.objective = MBS_TIME;
    options.order = MBS_ORDER_GIVEN; /* another is searched for as long again */
    options.work_limit = QUICKEST_WORK;
    mbs_status status =
        search_compared(&run->quickest, of->program, &again, &of->hardware, &options, error);
    if (status != MBS_OK || run->quickest != NULL || !planning_has_strips(&options))
        return status;
    options.objective = MBS_TRAFFIC;
    options.no_strips = 1;
    return search_compared(&run->quickest, of->program, &again, &of->hardware, &options, error);
}

/* Whether there is time for another plan after an interrupt: there was for `last`. */
static bool may_go_on(const mbs_plan *last)
{
    return signals_noted() == 0 || last != NULL;
}

/* An interrupt ends them, but not the plan that is made already. */
static mbs_status make_references(plan_run *run, mbs_error *error)
{
    const mbs_program *program = run->setup.program;
    const mbs_program *greedy;
    signals_catch();
    mbs_status status = greedy_program(run, &greedy, error);
    if (status == MBS_OK)
        status = make_reference(run, &run->baseline, MBS_PLANNER_BASELINE, program, error);
    if (status == MBS_OK)
        status = make_reference(run, &run->greedy, MBS_PLANNER_MBS2, greedy, error);
    if (status == MBS_OK && may_go_on(run->greedy) &&
        run->recompute.recompute != MBS_RECOMPUTE_NONE)
        status = make_plain(run, &run->plain, run->options.order, error);
    if (status == MBS_OK && may_go_on(run->greedy) && is_exact(run))
        status = make_plain(run, &run->dp, MBS_ORDER_GIVEN, error);
    if (status == MBS_OK && may_go_on(run->greedy) && run->options.objective == MBS_TRAFFIC)
        status = make_quickest(run, error);
    signals_restore();
    return status;
}

static int make_plans(plan_run *run)
{
    const setup *of = &run->setup;
    search_again again = planning_again(of, run->recompute);
    mbs_error error;
    mbs_error_clear(&error);
    again.max_slowdown = run->max_slowdown;
    mbs_status status =
        run->import_path != NULL
            ? mbs_plan_import_solution(&run->plan, of->program, &of->hardware, &run->options,
                                       run->import_path, &error)
            : search_plan(&run->plan, NULL, &again, &of->hardware, &run->options, &error);
    if (status == MBS_OK && run->format == FORMAT_TABLE)
        status = make_references(run, &error);
    return report_error(status, &error);
}

/* A schedule with addresses is asked for: the plan that is shown is to be the one that it runs. */
static int place_plan(plan_run *run, const arguments *given)
{
    if (!exports_place(given))
        return EXIT_OK;
    run->unplaced = run->plan;
    return make_placed(&run->plan, run->unplaced, &run->setup.hardware);
}

/* The output, with what a chip moves if that is asked for. */
static int write_with_chip(const plan_run *run, const char *output)
{
    char *told = NULL;
    int status = EXIT_OK;
    if (run->cores > 0 && run->format != FORMAT_CSV)
        status = chip_tell(&told, output, run->plan, run->cores, run->format == FORMAT_JSON);
    if (status == EXIT_OK)
        status = write_output(run->setup.output, told != NULL ? told : output);
    free(told);
    return status;
}

static int write_plan(const plan_run *run)
{
    const mbs_hardware *hardware = &run->setup.hardware;
    const mbs_report_options options = {run->setup.color, run->baseline,
                                        run->greedy,      hardware,
                                        run->plain,       output_width(run->setup.output),
                                        run->quickest};
    char *output = NULL;
    mbs_error error;
    mbs_error_clear(&error);
    mbs_status status;
    if (run->format == FORMAT_JSON)
        status = mbs_plan_to_json_with_cost(&output, run->plan, hardware, &error);
    else if (run->format == FORMAT_CSV)
        status = mbs_report_plan_csv(&output, run->plan, &error);
    else
        status = mbs_report_exact_table(&output, run->plan, run->dp, &options, &error);
    if (status != MBS_OK)
        return report_error(status, &error);
    int result = write_with_chip(run, output);
    mbs_free(output);
    return result;
}

/* Plans, and writes all that is asked for. */
static int plan_and_write(plan_run *run, const arguments *given)
{
    int status = make_plans(run);
    if (status != EXIT_OK)
        return status;
    note_replaced_norms(run->setup.program);
    status = place_plan(run, given);
    if (status == EXIT_OK)
        status = write_plan(run);
    if (status == EXIT_OK)
        status = exports_write(given, run->plan, &run->setup.hardware);
    const char *plot = option_value(given, "plot");
    return status == EXIT_OK && plot != NULL ? plot_plan(run->plan, plot) : status;
}

static int run_plan(const arguments *given)
{
    plan_run run = {0};
    int status = read_options(&run, given);
    if (status == EXIT_OK)
        status = setup_load(&run.setup, given);
    if (status == EXIT_OK && run.export_path != NULL) {
        note_replaced_norms(run.setup.program);
        status =
            export_model(run.setup.program, &run.setup.hardware, &run.options, run.export_path);
    } else if (status == EXIT_OK) {
        status = plan_and_write(&run, given);
    }
    mbs_plan_free(run.dp);
    mbs_plan_free(run.plain);
    mbs_plan_free(run.greedy);
    mbs_plan_free(run.quickest);
    mbs_plan_free(run.baseline);
    mbs_plan_free(run.plan);
    mbs_plan_free(run.unplaced);
    mbs_program_free(run.replaced);
    setup_free(&run.setup);
    return status;
}

static const option_spec plan_options[] = {
    OPTION_BUFFER,
    OPTION_BATCH,
    OPTION_PLANNER,
    OPTION_OBJECTIVE,
    OPTION_WEIGHT,
    OPTION_MAX_SLOWDOWN,
    OPTIONS_SEARCH,
    {"export-model", '\0', "FILE.lp|.mps", "write ilp's integer program for other solvers"},
    {"import-solution", '\0', "FILE", "the plan in another solver's solution of it"},
    OPTIONS_PROGRAM,
    OPTION_CORES,
    OPTION_HARDWARE,
    OPTIONS_IMPORT,
    OPTIONS_MACHINE,
    {"format", '\0', "table|json|csv",
     "a table, a plan file, or a row per group (default: as -o ends; table)"},
    OPTION_OUTPUT,
    {"export", '\0', "FORMAT=OUT", "write the plan for a simulator too; see: mbsopt help export"},
    OPTION_PLOT,
    OPTION_COLOR,
};

const command command_plan = {
    .name = "plan",
    .operand = "NET",
    .operand_required = 1,
    .takes_networks = 1,
    .summary = "plan a network's training step: groups, sub-batches, DRAM traffic",
    .details =
        "Cuts one training step of the network file NET (- is standard input; an ONNX model is\n"
        "imported) into groups of layers that hand their data on in the on-chip buffer, and shows\n"
        "each group's sub-batch and the DRAM traffic. Every plan is replayed and checked before it "
        "is shown.\n"
        "ilp proves its plan optimal or says how far from it the plan may be; best is dp, ilp in\n"
        "the work that is left, and dp in other orders of the steps. Ctrl-C ends a search with\n"
        "the best plan so far.\n"
        "A SIZE is 10MiB, 10MB, 512KiB or a number of bytes.\n",
    .examples = "  mbsopt plan resnet50.json --buffer 10MiB\n"
                "      a table of the groups of layers and what they move\n"
                "  mbsopt plan resnet50.json -o plan.json && mbsopt verify plan.json\n"
                "      a plan file for other programs, and its replay\n"
                "  mbsopt plan alexnet.json --batch 64 --planner best --time-limit 10\n"
                "      at most ten seconds for a proof that no plan moves less\n",
    .options = plan_options,
    .option_count = sizeof plan_options / sizeof plan_options[0],
    .run = run_plan,
};
