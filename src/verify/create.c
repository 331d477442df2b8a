/* Planning as users see it: no plan leaves before the replay has passed it. */
#include "verify/create.h"

#include "base/error.h"
#include "plan/model/model.h"
#include "plan/origin.h"
#include "plan/run/run.h"
#include "verify/replay.h"

/*
 * `more`: what the options do not say. `watch` may be null: what was searched for long is worth the
 * wait for its replay.
 */
static mbs_status pass_on_verified(mbs_plan **plan, const mbs_hardware *hardware,
                                   const mbs_plan_options *options, const char *more,
                                   plan_watch *watch, mbs_error *error)
{
    const mbs_recompute_options recompute = {(*plan)->program->recompute, 0, 0, 1};
    mbs_status status = plan_tell_origin(*plan, hardware, options, &recompute, more, error);
    if (status == MBS_OK)
        status = verify_watched(*plan, NULL, watch, error);
    if (status != MBS_OK) {
        mbs_plan_free(*plan);
        *plan = NULL;
    }
    return status;
}

mbs_status plan_create_below(mbs_plan **plan, const mbs_program *program,
                             const mbs_hardware *hardware, const mbs_plan_options *options,
                             create_chain *chain, mbs_error *error)
{
    const bool limited = plan_is_limited(options->planner);
    plan_watch watch;
    plan_watch_open(&watch, options, limited);
    watch.work_limit = chain->work_limit;
    watch.enough_bytes = chain->enough;
    watch.prices = chain->prices;
    watch.dp_plan = chain->dp;
    mbs_status status = plan_run(plan, program, hardware, options, &watch, error);
    chain->work += watch.work;
    if (status != MBS_OK)
        return status;
    return pass_on_verified(plan, hardware, options, NULL, limited ? NULL : &watch, error);
}

mbs_status mbs_plan_create(mbs_plan **plan, const mbs_program *program,
                           const mbs_hardware *hardware, const mbs_plan_options *options,
                           mbs_error *error)
{
    if (options->order == MBS_ORDER_SEARCH) {
        *plan = NULL;
        return error_set(
            error, MBS_ERR_ARGUMENT,
            "the steps of a program are in an order: expected mbs_plan_create_recompute "
            "or mbs_plan_network where one is to be searched for");
    }
    const mbs_plan_options resolved = plan_resolve(options);
    create_chain alone = {.work_limit = plan_work_limit(&resolved)};
    return plan_create_below(plan, program, hardware, &resolved, &alone, error);
}

mbs_status plan_create_from(mbs_plan **plan, const mbs_program *program,
                            const mbs_hardware *hardware, const mbs_plan_options *options,
                            const bool *starts, mbs_error *error)
{
    mbs_status status = plan_run_from(plan, program, hardware, options, starts, error);
    return status == MBS_OK ? pass_on_verified(plan, hardware, options, NULL, NULL, error) : status;
}

mbs_status mbs_plan_import_solution(mbs_plan **plan, const mbs_program *program,
                                    const mbs_hardware *hardware, const mbs_plan_options *options,
                                    const char *path, mbs_error *error)
{
    mbs_status status = plan_import(plan, program, hardware, options, path, error);
    return status == MBS_OK
               ? pass_on_verified(plan, hardware, options, "--import-solution FILE", NULL, error)
               : status;
}
