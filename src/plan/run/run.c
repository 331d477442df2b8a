/* The table of planners: their names, and the one that the options name, run. */

#include "plan/run/run.h"

#include <string.h>

#include "base/error.h"
#include "plan/dp/dp.h"
#include "plan/exact/ilp.h"
#include "plan/presets/presets.h"
#include "plan/run/best.h"

typedef struct planner_row {
    const char *name;
    planner_function *run;
    bool splits; /* knows what a split program's statistics couple */
} planner_row;

static const planner_row planners[MBS_PLANNER_COUNT] = {
    [MBS_PLANNER_BASELINE] = {"baseline", plan_baseline, true},
    [MBS_PLANNER_ARCHOPT] = {"archopt", plan_baseline, true},
    [MBS_PLANNER_IL] = {"il", plan_il, true},
    [MBS_PLANNER_MBS_FS] = {"mbs-fs", plan_mbs_fs, false},
    [MBS_PLANNER_MBS1] = {"mbs1", plan_mbs1, false},
    [MBS_PLANNER_MBS2] = {"mbs2", plan_mbs2, false},
    [MBS_PLANNER_DP] = {"dp", plan_dp_objective, true},
    [MBS_PLANNER_ILP] = {"ilp", plan_ilp, true},
    [MBS_PLANNER_BEST] = {"best", plan_best, true},
};

const char *mbs_planner_name(mbs_planner planner)
{
    return (unsigned)planner < MBS_PLANNER_COUNT ? planners[planner].name : NULL;
}

/* dp, and those that begin with its plan. */
static bool begins_with_dp(mbs_planner planner)
{
    return planner == MBS_PLANNER_DP || plan_is_limited(planner);
}

int mbs_planner_takes_strips(mbs_planner planner)
{
    return begins_with_dp(planner);
}

int mbs_planner_writes_in_place(mbs_planner planner)
{
    return begins_with_dp(planner);
}

int mbs_planner_searches_order(mbs_planner planner)
{
    return begins_with_dp(planner);
}

const char *mbs_order_name(mbs_order order)
{
    static const char *const names[MBS_ORDER_COUNT] = {"given", "search", "auto"};
    return (unsigned)order < MBS_ORDER_COUNT ? names[order] : NULL;
}

mbs_status mbs_planner_from_name(mbs_planner *planner, const char *name, mbs_error *error)
{
    for (unsigned i = 0; i < MBS_PLANNER_COUNT; i++)
        if (strcmp(name, planners[i].name) == 0) {
            *planner = (mbs_planner)i;
            return MBS_OK;
        }
    char known[128] = "";
    for (unsigned i = 0; i < MBS_PLANNER_COUNT; i++)
        list_word(known, sizeof known, ", ", planners[i].name);
    return error_set(error, MBS_ERR_INPUT, "unknown planner %s; expected one of %s",
                     quoted(name).text, known);
}

bool plan_is_limited(mbs_planner planner)
{
    return planner == MBS_PLANNER_ILP || planner == MBS_PLANNER_BEST;
}

mbs_plan_options plan_resolve(const mbs_plan_options *options)
{
    mbs_plan_options resolved = *options;
    if (options->planner == MBS_PLANNER_BEST && options->objective != MBS_TRAFFIC) {
        resolved.planner = MBS_PLANNER_DP;
        resolved.work_limit = 0;
    }
    return resolved;
}

/* Where there was no time for dp's plan, with which ilp begins: one that takes next to none. */
static mbs_status plan_at_once(mbs_plan *plan, const plan_task *task, mbs_error *error)
{
    mbs_error_clear(error);
    mbs_status status = plan_il(plan, task, error);
    plan->outcome = MBS_FEASIBLE;
    return status;
}

/* Sums up the plan, or frees it if there is an error. */
static mbs_status finish(mbs_plan **out, mbs_plan *plan, mbs_status status, mbs_error *error)
{
    if (status == MBS_OK)
        status = plan_sum_up(plan, error);
    if (status == MBS_OK)
        *out = plan;
    else
        mbs_plan_free(plan);
    return status;
}

mbs_status plan_run(mbs_plan **out, const mbs_program *program, const mbs_hardware *hardware,
                    const mbs_plan_options *options, plan_watch *watch, mbs_error *error)
{
    plan_task task;
    mbs_plan *plan;
    *out = NULL;
    if (mbs_planner_name(options->planner) == NULL)
        return error_set(error, MBS_ERR_ARGUMENT, "no planner has the number %d",
                         (int)options->planner);
    if (program->split && !planners[options->planner].splits)
        return error_set(error, MBS_ERR_ARGUMENT,
                         "%s plans no program whose norms are in two steps (split_norms): expected "
                         "dp, ilp, best, baseline, archopt or il",
                         planners[options->planner].name);
    mbs_status status =
        plan_open(&plan, &task, program, hardware, options, planners[options->planner].name, error);
    task.watch = watch;
    if (status == MBS_OK)
        status = planners[options->planner].run(plan, &task, error);
    if (status == MBS_ERR_STOPPED && plan_is_limited(options->planner))
        status = plan_at_once(plan, &task, error);
    return finish(out, plan, status, error);
}

mbs_status plan_run_from(mbs_plan **out, const mbs_program *program, const mbs_hardware *hardware,
                         const mbs_plan_options *options, const bool *starts, mbs_error *error)
{
    plan_task task;
    mbs_plan *plan;
    *out = NULL;
    mbs_status status = plan_open(&plan, &task, program, hardware, options, "dp", error);
    if (status == MBS_OK)
        status = plan_dp_from(plan, &task, starts, error);
    return finish(out, plan, status, error);
}
