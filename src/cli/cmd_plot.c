/* mbsopt plot KIND FILE… */
#include <stdio.h>
#include <string.h>

#include "alive.h"
#include "command.h"
#include "options.h"
#include "output.h"
#include "plotting.h"

/* Options that the script takes by the same names, each any number of times. */
static const char *const passed_on[] = {"output", "formats", "size", "where", "label", NULL};

/* `mbsopt plot plan.json`: the one kind of picture that takes no rows. */
static bool is_plan_alone(const arguments *given)
{
    const size_t length = strlen(given->operand);
    return given->operand_count == 1 && length > 5 &&
           strcmp(given->operand + length - 5, ".json") == 0;
}

static void add_words(script *of, const arguments *given)
{
    const char *value;
    for (size_t option = 0; passed_on[option] != NULL; option++)
        for (size_t i = 0; (value = option_nth(given, passed_on[option], i)) != NULL; i++)
            script_add(of, "--%s=%s", passed_on[option], value);
    script_add(of, "--");
    if (is_plan_alone(given))
        script_add(of, "plan");
    for (size_t i = 0; i < given->operand_count; i++)
        script_add(of, "%s", given->operands[i]);
}

static int run_plot(const arguments *given)
{
    script of;
    if (given->operand_count < 2 && !is_plan_alone(given)) {
        complain("plot %s: expected the FILE behind it; see: mbsopt help plot", given->operand);
        return EXIT_USAGE;
    }
    int status = plot_begin(&of);
    if (status == EXIT_OK) {
        alive_stage("drawing");
        add_words(&of, given);
        status = script_run(&of, "draws", given->operand);
    }
    if (status == EXIT_OK && of.length > 0 && fwrite(of.text, 1, of.length, stdout) != of.length)
        clearerr(stdout); /* finish_output says it */
    const int written = finish_output();
    script_free(&of);
    return status != EXIT_OK ? status : written;
}

static const option_spec plot_options[] = {
    {"output", 'o', "PATH",
     "the picture, .svg, .png or .pdf; without an ending the formats below (default: KIND)"},
    {"formats", '\0', "LIST", "of svg, png and pdf (default: svg,png)"},
    {"size", '\0', "screen|page|column",
     "page, column: as wide as a paper's text or one of its two columns (default: screen)"},
    {"where", '\0', "COLUMN=VALUES", "only rows with one of these values; once for each column"},
    {"label", '\0', "NAME=TEXT", "write TEXT for this network, planner or machine"},
};

const command command_plot = {
    .name = "plot",
    .operand = "KIND FILE…",
    .operand_required = 1,
    .operand_many = 1,
    .summary = "draw a plan, or the rows of a sweep",
    .details =
        "Draws with Python's matplotlib. KIND is plan (FILE: a plan file; the word may be left\n"
        "out; plan --plot draws without a file) or what to draw of the rows of FILEs that sweep\n"
        "wrote. FILE - is standard input. What a picture does not tell apart must be the same in\n"
        "all rows; --where chooses.\n"
        "  plan       groups, bytes of each step, the buffer, DRAM traffic of each group\n"
        "  traffic    DRAM traffic by network and planner; likewise time, energy, utilisation\n"
        "  buffers    DRAM traffic over buffer size, by planner; buffers-time, buffers-energy: "
        "time and energy over it\n"
        "  memories   time by machine and planner\n"
        "  recompute  traffic over multiply-accumulates added; recompute-memories: time by "
        "machine, with and without recomputing\n"
        "  table      what planners save against baseline, in Markdown on standard output; "
        "likewise means, strips-table, recompute-table, recompute-memories-table, "
        "below-table\n",
    .examples = "  mbsopt plan resnet50 --plot resnet50.svg\n"
                "      the plan as a picture\n"
                "  mbsopt sweep resnet50 --buffer 1MiB..64MiB:x2 --planner mbs2,dp -o rows.csv &&\n"
                "  mbsopt plot buffers-time rows.csv -o time.pdf --size column\n"
                "      time over buffer size, for one column of a paper\n",
    .options = plot_options,
    .option_count = sizeof plot_options / sizeof plot_options[0],
    .run = run_plot,
};
