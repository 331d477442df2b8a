/* mbsopt explain FILE */
#include <stdint.h>
#include <stdio.h>

#include "alive.h"
#include "command.h"
#include "either.h"
#include "import.h"
#include "options.h"
#include "output.h"
#include "planning.h"
#include "table.h"

typedef enum explain_format { EXPLAIN_TEXT, EXPLAIN_JSON } explain_format;

typedef struct explain_run {
    setup setup;
    mbs_plan_options planning;
    mbs_recompute_options recompute;
    mbs_explain_options options;
    explain_format format;
    mbs_plan *plan;
    mbs_plan *larger; /* of a network: planned in the same way for 1 MiB more */
} explain_run;

/* --group and --step: at most one of them. */
static int read_scope(mbs_explain_options *options, const arguments *given)
{
    const char *group = option_value(given, "group");
    int64_t number = 0;
    mbs_error error;
    mbs_error_clear(&error);
    options->step = option_value(given, "step");
    if (group != NULL && options->step != NULL) {
        complain("--group and --step: a group or a step is explained, not both");
        return EXIT_USAGE;
    }
    mbs_status status = MBS_OK;
    if (group != NULL)
        status = mbs_parse_integer(&number, group, 1, INT32_MAX, "--group", &error);
    options->group = (size_t)number;
    return report_error(status, &error);
}

static int read_options(explain_run *run, const arguments *given)
{
    static const char *const formats[] = {"text", "json", NULL};
    size_t format;
    run->options = (mbs_explain_options)MBS_EXPLAIN_OPTIONS_INIT;
    if (!option_format(given, option_value(given, "output"), formats, &format))
        return EXIT_USAGE;
    run->format = (explain_format)format;
    run->options.width = output_width(option_value(given, "output"));
    const int status = read_scope(&run->options, given);
    return status == EXIT_OK ? planning_read(&run->planning, &run->recompute, &run->setup, given)
                             : status;
}

/* Plans the network, and for the sentence on a larger buffer once more. */
static mbs_status plan_network(explain_run *run, mbs_error *error)
{
    const setup *of = &run->setup;
    const search_again again = planning_again(of, run->recompute);
    mbs_status status = planning_network(&run->plan, of, run->recompute, &run->planning, error);
    if (status == MBS_OK && run->options.group == 0 && run->options.step == NULL)
        status = planning_larger(&run->larger, &again, &of->hardware, &run->planning, error);
    run->options.larger = run->larger;
    return status;
}

static mbs_status explain_plan(const explain_run *run, char **text, mbs_error *error)
{
    alive_stage("explaining");
    return run->format == EXPLAIN_JSON ? mbs_explain_json(text, run->plan, &run->options, error)
                                       : mbs_explain_text(text, run->plan, &run->options, error);
}

/* A plan file says what of a machine it was planned for. */
static int check_hardware(const explain_run *run, const arguments *given)
{
    if (run->plan == NULL || option_value(given, "hardware") == NULL)
        return EXIT_OK;
    complain("--hardware: %s is a plan already", given->operand);
    return EXIT_USAGE;
}

static int load_and_explain(explain_run *run, const arguments *given)
{
    char *text = NULL;
    mbs_error error;
    mbs_error_clear(&error);
    int status = load_network_or_plan(&run->setup, &run->plan, given);
    stage_done("load");
    if (status == EXIT_OK)
        status = check_hardware(run, given);
    if (status == EXIT_OK && run->plan == NULL)
        status = report_error(plan_network(run, &error), &error);
    if (status == EXIT_OK)
        status = report_error(explain_plan(run, &text, &error), &error);
    stage_done("explain");
    if (status == EXIT_OK)
        status = write_output(run->setup.output, text);
    mbs_free(text);
    return status;
}

static int run_explain(const arguments *given)
{
    explain_run run = {0};
    int status = read_options(&run, given);
    if (status == EXIT_OK)
        status = load_and_explain(&run, given);
    mbs_plan_free(run.larger);
    mbs_plan_free(run.plan);
    setup_free(&run.setup);
    return status;
}

static const option_spec explain_options[] = {
    {"group", '\0', "K", "this group alone, as numbered in tables of plans (from 1)"},
    {"step", '\0', "NAME", "this step alone, such as conv1 or conv1.wgrad"},
    OPTION_BUFFER,
    OPTION_BATCH,
    OPTION_PLANNER,
    OPTION_OBJECTIVE,
    OPTION_WEIGHT,
    OPTIONS_SEARCH,
    OPTIONS_PROGRAM,
    OPTION_HARDWARE,
    OPTIONS_IMPORT,
    {"format", '\0', "text|json", "sentences, or a document (default: as -o ends; text)"},
    OPTION_OUTPUT,
};

const command command_explain = {
    .name = "explain",
    .operand = "FILE",
    .operand_required = 1,
    .takes_networks = 1,
    .summary = "why a plan is as it is, in sentences with numbers",
    .details = "FILE (- is standard input) is a plan file, which is replayed and checked first,\n"
               "or a network file or an ONNX model, which is planned first. Said are: what each\n"
               "class of traffic is made of and what moves most, and why; what 1 MiB more of\n"
               "buffer would make of the plan; and of each group: what it would move as one with\n"
               "either neighbour, or cut in two; the step that needs most of the buffer, tensor\n"
               "by tensor; what the next larger sub-batch, or fewer strips, would need; and what\n"
               "1 MiB more, or the least that changes anything, would let its steps move.\n"
               "Groups that are not the plan's are thought of as dp makes them: all that their\n"
               "steps share stays in the buffer, and what is left of it pins parameters.\n"
               "  staged    an operand is brought in whole, for all samples of an iteration\n"
               "  streamed  the step's parameters are in the buffer whole; operands pass through\n"
               "  in passes a lone step needs no room, and reads operands as often as it must\n"
               "  pinned    parameters that stay in the buffer through all iterations\n"
               "  stays     an operand is kept for other steps of the group; one that crosses a\n"
               "            step is kept for later ones\n"
               "  stashed   written in the forward phase, to be read in the backward phase\n"
               "  strip     some rows of one sample, where a whole sample is too large\n",
    .examples = "  mbsopt explain resnet50 --group 3\n"
                "      one group, and what moves in it\n"
                "  mbsopt plan resnet50 -o plan.json && mbsopt explain plan.json --step conv1\n"
                "      one step of a plan file\n",
    .options = explain_options,
    .option_count = sizeof explain_options / sizeof explain_options[0],
    .run = run_explain,
};
