/* mbsopt compare NET… */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "compare/compare.h"
#include "fields.h"
#include "import.h"
#include "options.h"
#include "output.h"
#include "search.h"
#include "signals.h"

#define DEFAULT_PLANNERS "baseline,archopt,il,mbs-fs,mbs1,mbs2,dp,ilp"

static int read_options(comparison *of, compare_format *format, const arguments *given)
{
    static const char *const formats[] = {"table", "csv", "json", NULL};
    const char *planners = option_value(given, "planner");
    size_t choice;
    if (!option_format(given, option_value(given, "output"), formats, &choice))
        return EXIT_USAGE;
    *format = (compare_format)choice;
    of->options = (mbs_plan_options)MBS_PLAN_OPTIONS_INIT;
    of->ilp_is_short =
        option_value(given, "time-limit") == NULL && option_value(given, "work-limit") == NULL;
    int status =
        read_planners(&of->planners, "planner", planners != NULL ? planners : DEFAULT_PLANNERS);
    if (status == EXIT_OK)
        status = setup_options(&of->setup, given);
    if (status == EXIT_OK)
        status = search_recompute(&of->recompute, given);
    if (status == EXIT_OK)
        status = search_objective_of(&of->options.objective, &of->planners, given);
    if (status == EXIT_OK)
        status = search_in_place(&of->options.in_place, &of->planners, given);
    if (status == EXIT_OK)
        status = search_order(&of->options.order, &of->planners, given);
    int limits = status == EXIT_USAGE ? EXIT_OK : search_options(&of->options, given);
    of->options.batch = of->setup.batch;
    return status != EXIT_OK ? status : limits;
}

static int check_standard_input(const arguments *given)
{
    const char *hardware = option_value(given, "hardware");
    size_t count = hardware != NULL && strcmp(hardware, "-") == 0;
    for (size_t i = 0; i < given->operand_count; i++)
        count += strcmp(given->operands[i], "-") == 0;
    if (count <= 1)
        return EXIT_OK;
    complain("only one file can be standard input (-)");
    return EXIT_USAGE;
}

static void note_replaced_norms(const comparison *of)
{
    const char *exception;
    const bool any = planners_replace_batch_norms(&of->planners, &exception);
    for (size_t n = 0; n < of->network_count && any; n++) {
        const size_t count = of->networks[n].replaced_batch_norms;
        if (count == 0)
            continue;
        note("%s: %zu batch norm%s planned as group norm%s%s (--batch-norm keep plans %s)",
             of->networks[n].name, count, count == 1 ? " is" : "s are", count == 1 ? "" : "s",
             exception, count == 1 ? "it as it is" : "them as they are");
    }
}

static int write_comparison(const comparison *of, compare_format format)
{
    char *text = compare_text(of, format);
    if (text == NULL) {
        complain("out of memory");
        return EXIT_SYSTEM;
    }
    int status = write_output(of->setup.output, text);
    free(text);
    return status;
}

static int run_compare(const arguments *given)
{
    comparison of = {0};
    compare_format format = COMPARE_TABLE;
    int status = read_options(&of, &format, given);
    if (status == EXIT_OK)
        status = check_standard_input(given);
    compare_add_rows(&of);
    of.networks = calloc(given->operand_count + 1, sizeof *of.networks);
    if (of.networks == NULL) {
        complain("out of memory");
        return EXIT_SYSTEM;
    }
    for (size_t n = 0; n < given->operand_count && status == EXIT_OK && signals_noted() == 0; n++) {
        status = compare_load(&of, &of.networks[n], given, given->operands[n]);
        of.network_count += status != EXIT_OK || of.networks[n].is_whole;
    }
    const bool whole = of.network_count == given->operand_count;
    if (status == EXIT_OK && !whole)
        note("interrupted after %zu of %zu networks", of.network_count, given->operand_count);
    if (status == EXIT_OK && of.network_count > 0) {
        compare_average(&of);
        note_replaced_norms(&of);
        status = write_comparison(&of, format);
    }
    for (size_t n = 0; n < of.network_count; n++)
        free(of.networks[n].name);
    free(of.networks);
    if (!whole)
        signals_end();
    return status;
}

static const option_spec compare_options[] = {
    {"planner", '\0', "LIST", "comma-separated (default: all but best)"},
    OPTION_OBJECTIVE,
    OPTION_BUFFER,
    OPTION_BATCH,
    {"time-limit", '\0', "S", "ilp, best: stop after S seconds, not after so much work"},
    {"work-limit", '\0', "UNITS",
     "ilp, best: of about a second each, but counted (default: 10, 1)"},
    OPTION_IN_PLACE,
    OPTION_ORDER,
    OPTION_RECOMPUTE,
    OPTION_MAX_RECOMPUTE,
    OPTION_EFFORT,
    OPTION_MAX_DRAM,
    OPTIONS_PROGRAM,
    OPTION_HARDWARE,
    OPTIONS_MACHINE,
    OPTIONS_IMPORT,
    {"format", '\0', "table|csv|json",
     "tables, a row per plan, or one document (default: as -o ends; table)"},
    OPTION_OUTPUT,
};

const command command_compare = {
    .name = "compare",
    .operand = "NET…",
    .operand_required = 1,
    .operand_many = 1,
    .takes_networks = 1,
    .summary = "compare the planners on networks: traffic, time, energy",
    .details =
        "Plans each network file NET (- is standard input; ONNX models are imported) with every\n"
        "planner and shows what the plans move and what that takes on the machine; for several\n"
        "networks also the geometric mean of each ratio. Speedups and reductions are to the\n"
        "planner baseline. baseline and archopt keep batch norms; the others plan them as group\n"
        "norms. With --objective time or energy dp minimises that, and its rows are called\n"
        "dp-time or dp-energy. dp-no-strips is dp on whole samples.\n"
        "A SIZE is 10MiB, 10MB, 512KiB or a number of bytes.\n",
    .options = compare_options,
    .option_count = sizeof compare_options / sizeof compare_options[0],
    .run = run_compare,
};
