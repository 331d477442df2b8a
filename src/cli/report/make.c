/* The plans that a page shows. */
#include "report/report.h"

#include <stdlib.h>

#include "alive.h"
#include "output.h"
#include "planning.h"
#include "search.h"
#include "signals.h"

static int out_of_memory(void)
{
    complain("out of memory");
    return EXIT_SYSTEM;
}

/* ---- One network's plan ---------------------------------------------------------------------- */

static void take_note(const char *text, void *context)
{
    fprintf(context, "%s\n", text);
}

static int place(report_network *to, const mbs_hardware *hardware)
{
    size_t length;
    mbs_error error;
    mbs_error_clear(&error);
    FILE *notes = open_memstream(&to->placing, &length);
    if (notes == NULL)
        return out_of_memory();
    mbs_status status = mbs_plan_buffer_map(&to->ranges, &to->range_count, to->plan, hardware,
                                            take_note, notes, &error);
    if (fclose(notes) != 0 && status == MBS_OK)
        return out_of_memory();
    return report_error(status, &error);
}

/* Explained with what the same planner makes of 1 MiB more. */
static int explain(report_network *to, const report *of, const search_again *again,
                   bool *interrupted)
{
    mbs_explain_options options = MBS_EXPLAIN_OPTIONS_INIT;
    mbs_plan *larger;
    mbs_error error;
    mbs_error_clear(&error);
    mbs_status status = planning_larger(&larger, again, &of->setup.hardware, &of->options, &error);
    *interrupted = signals_noted() != 0;
    options.larger = larger;
    if (status == MBS_OK && !*interrupted)
        status = mbs_explain_json(&to->explanation, to->plan, &options, &error);
    mbs_plan_free(larger);
    return report_error(status, &error);
}

/* What tradeoff lists of the network, with dp where the plan is of another planner. */
static int make_front(report_network *to, const report *of, search_again again, bool *interrupted)
{
    mbs_plan_options options = of->options;
    if (options.planner != MBS_PLANNER_BEST)
        options.planner = MBS_PLANNER_DP;
    options.objective = MBS_TRAFFIC;
    options.progress = search_progress;
    to->front.setup = of->setup;
    to->front.setup.network = (mbs_network *)again.network; /* which it only reads */
    to->front.options = search_network_options(&again, &options);
    const int status = tradeoff_make(&to->front, of->points);
    *interrupted = signals_noted() != 0;
    stage_done("front");
    return *interrupted ? EXIT_OK : status;
}

static int plan_network(report *of, size_t n, bool *interrupted)
{
    search_again again = planning_again(&of->setup, of->recompute);
    again.network = of->sweep.networks[n].network;
    report_network *to = &of->networks[n];
    mbs_error error;
    mbs_error_clear(&error);
    mbs_status status =
        search_plan(&to->plan, NULL, &again, &of->setup.hardware, &of->options, &error);
    *interrupted = signals_noted() != 0;
    if (status == MBS_ERR_STOPPED && *interrupted)
        return EXIT_OK;
    if (status != MBS_OK)
        return report_error(status, &error);
    note_replaced_norms(mbs_plan_program(to->plan));
    int result = place(to, &of->setup.hardware);
    if (result == EXIT_OK)
        result = explain(to, of, &again, interrupted);
    return result == EXIT_OK && !*interrupted ? make_front(to, of, again, interrupted) : result;
}

/* ---- Planners -------------------------------------------------------------------------------- */

static int compare_planners(report *of, bool *interrupted)
{
    comparison *with = &of->comparison;
    int status = EXIT_OK;
    compare_add_rows(with);
    if (with->options.objective != MBS_TIME)
        compare_add_row(with, MBS_PLANNER_DP, MBS_TIME); /* least traffic is not least time */
    with->networks = calloc(of->sweep.network_count, sizeof *with->networks);
    if (with->networks == NULL)
        return out_of_memory();
    while (with->network_count < of->sweep.network_count && status == EXIT_OK && !*interrupted) {
        const size_t n = with->network_count++;
        status = compare_make(with, &with->networks[n], of->sweep.networks[n].network);
        *interrupted = status == EXIT_OK && !with->networks[n].is_whole;
    }
    if (status == EXIT_OK && !*interrupted)
        compare_average(with);
    stage_done("compare");
    return status;
}

/* ---- Buffers and batches --------------------------------------------------------------------- */

static char *row_of(const sweep *of, const sweep_point *at, const mbs_plan *plan, void *context)
{
    (void)context;
    return sweep_row(of, at, plan);
}

static int put_row(const char *row, void *context)
{
    return fputs(row, context) >= 0 ? EXIT_OK : out_of_memory();
}

static int sweep_sizes(report *of, bool *interrupted)
{
    size_t length;
    FILE *rows = open_memstream(&of->rows, &length);
    if (rows == NULL)
        return out_of_memory();
    const sweep_use use = {.row = row_of, .put = put_row, .context = rows};
    alive_end(); /* it has a line of its own */
    int status = sweep_run_for(&of->sweep, &use, interrupted);
    if (fclose(rows) != 0 && status == EXIT_OK)
        status = out_of_memory();
    stage_done("sweep");
    return status;
}

/* ---- All of it ------------------------------------------------------------------------------- */

static int make_all(report *of, bool *interrupted)
{
    int status = EXIT_OK;
    of->networks = calloc(of->sweep.network_count, sizeof *of->networks);
    if (of->networks == NULL)
        return out_of_memory();
    for (size_t n = 0; n < of->sweep.network_count && status == EXIT_OK && !*interrupted; n++)
        status = plan_network(of, n, interrupted);
    if (status == EXIT_OK && !*interrupted)
        status = compare_planners(of, interrupted);
    if (status == EXIT_OK && !*interrupted)
        status = sweep_sizes(of, interrupted);
    return status;
}

int report_make(report *of, bool *interrupted)
{
    *interrupted = false;
    signals_catch();
    int status = make_all(of, interrupted);
    signals_restore();
    return status;
}

void report_free(report *of)
{
    for (size_t n = 0; of->networks != NULL && n < of->sweep.network_count; n++) {
        mbs_plan_free(of->networks[n].plan);
        mbs_free(of->networks[n].ranges);
        free(of->networks[n].placing);
        mbs_free(of->networks[n].explanation);
        tradeoff_free(&of->networks[n].front);
    }
    free(of->networks);
    for (size_t n = 0; n < of->comparison.network_count; n++)
        free(of->comparison.networks[n].name);
    free(of->comparison.networks);
    free(of->rows);
    sweep_free(&of->sweep);
}
