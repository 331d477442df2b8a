/* The plans of a comparison. */
#include "compare/compare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import.h"
#include "output.h"
#include "planning.h"
#include "search.h"
#include "signals.h"

#define ILP_WORK_LIMIT 10.0 /* unless another is given */

/* The network in both forms that planners want: index 1 keeps batch norms, 0 replaces them. */
typedef struct programs {
    const mbs_network *network;
    mbs_program *program[2];
} programs;

static mbs_status make_programs(programs *loaded, const comparison *of, mbs_error *error)
{
    mbs_status status = MBS_OK;
    for (int keep = 0; keep < 2 && status == MBS_OK; keep++) {
        const mbs_program_options options =
            setup_program_options(&of->setup, keep || of->setup.keep_batch_norm);
        status = mbs_program_create(&loaded->program[keep], loaded->network, &options, error);
    }
    return status;
}

static void unload(programs *loaded)
{
    mbs_program_free(loaded->program[0]);
    mbs_program_free(loaded->program[1]);
}

/* What a row is of. */
typedef struct row_kind {
    mbs_planner planner;
    mbs_objective objective;
    bool strips;
    bool recomputes;
} row_kind;

static mbs_status plan_row(mbs_plan **plan, const comparison *of, const programs *loaded,
                           row_kind kind, mbs_error *error)
{
    search_again again = planning_again(&of->setup, of->recompute);
    mbs_plan_options options = of->options;
    options.planner = kind.planner;
    options.objective = kind.objective;
    if (of->ilp_is_short && kind.planner == MBS_PLANNER_ILP)
        options.work_limit = ILP_WORK_LIMIT;
    options.work_limit = search_work_limit(kind.planner, options.work_limit);
    options.no_strips = !kind.strips;
    options.order = search_order_of(options.order, kind.planner);
    const bool of_network = kind.strips || kind.recomputes || options.order != MBS_ORDER_GIVEN;
    again.network = loaded->network;
    if (!kind.recomputes)
        again.recompute = (mbs_recompute_options)MBS_RECOMPUTE_OPTIONS_INIT;
    return search_plan(plan, loaded->program[planner_keeps_batch_norms(kind.planner)],
                       of_network ? &again : NULL, &of->setup.hardware, &options, error);
}

/* As it was asked for: best's plans carry the name of whose word they are, "dp-time" or "ilp". */
static void name_row(compare_row *row, const mbs_plan *plan, row_kind kind)
{
    const char *name = mbs_plan_planner_name(plan);
    const bool without = !kind.strips && kind.planner == MBS_PLANNER_DP;
    const bool is_best = kind.planner == MBS_PLANNER_BEST;
    snprintf(row->name, sizeof row->name, "%s%s%s", is_best ? mbs_planner_name(kind.planner) : "",
             is_best ? name + strcspn(name, "-+") : name, without ? "-no-strips" : "");
}

static mbs_status fill_row(compare_row *row, const comparison *of, const programs *loaded,
                           row_kind kind, mbs_error *error)
{
    mbs_plan *plan = NULL;
    mbs_status status = plan_row(&plan, of, loaded, kind, error);
    if (status == MBS_OK)
        status = mbs_plan_cost(plan, &of->setup.hardware, &row->cost);
    if (status == MBS_OK)
        status = mbs_plan_dram_peak(plan, &row->dram_peak, error);
    if (status == MBS_OK) {
        row->planner = kind.planner;
        mbs_recompute_info again_info;
        mbs_plan_recompute(plan, &again_info);
        row->recomputes = kind.recomputes;
        row->extra_macs = again_info.macs_percent;
        name_row(row, plan, kind);
        row->outcome = mbs_plan_outcome(plan);
        row->bound_bytes = mbs_plan_bound_bytes(plan);
        row->given_bytes = mbs_plan_given_bytes(plan);
        mbs_plan_traffic(plan, &row->traffic);
    }
    mbs_plan_free(plan);
    return status;
}

static mbs_status plan_all(comparison *of, compare_network *network, const programs *loaded,
                           mbs_error *error)
{
    compare_row baseline = {0};
    const row_kind conventional = {MBS_PLANNER_BASELINE, MBS_TRAFFIC, false, false};
    mbs_status status = fill_row(&baseline, of, loaded, conventional, error);
    for (size_t i = 0; i < of->planners.count && status == MBS_OK; i++) {
        if (signals_noted() != 0)
            return MBS_ERR_STOPPED;
        const row_kind kind = {of->planners.values[i], of->objectives[i], of->strips[i],
                               of->recomputes[i]};
        status = fill_row(&network->rows[i], of, loaded, kind, error);
        if (status == MBS_OK)
            compare_relate(&network->rows[i], &baseline);
    }
    return status;
}

/*
 * A signal ends the planner at hand: ilp's row is then of the best plan so far, and if others were
 * to follow there is no comparison of this network.
 */
static mbs_status plan_caught(comparison *of, compare_network *network, const programs *loaded,
                              mbs_error *error)
{
    signals_catch();
    mbs_status status = plan_all(of, network, loaded, error);
    signals_restore();
    return status;
}

int compare_make(comparison *of, compare_network *network, const mbs_network *planned)
{
    programs loaded = {.network = planned};
    mbs_error error;
    mbs_error_clear(&error);
    mbs_status status = make_programs(&loaded, of, &error);
    if (status == MBS_OK)
        status = plan_caught(of, network, &loaded, &error);
    if (status == MBS_OK) {
        network->replaced_batch_norms = mbs_program_replaced_batch_norms(loaded.program[0]);
        network->name = strdup(mbs_network_name(planned));
        status = network->name == NULL ? MBS_ERR_MEMORY : MBS_OK;
    }
    network->is_whole = status == MBS_OK;
    unload(&loaded);
    return status == MBS_ERR_STOPPED ? EXIT_OK : report_error(status, &error);
}

int compare_load(comparison *of, compare_network *network, const arguments *given, const char *path)
{
    mbs_network *planned;
    int status = load_network(&planned, given, path);
    if (status != EXIT_OK)
        return status;
    status = compare_make(of, network, planned);
    mbs_network_free(planned);
    return status;
}
