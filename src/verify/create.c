/* Planning as users see it: no plan leaves before the replay has passed it. */
#include "plan/model/model.h"
#include "plan/origin.h"
#include "plan/run/run.h"

/* `more`: what the options do not say. */
static mbs_status pass_on_verified(mbs_plan **plan, const mbs_hardware *hardware,
                                   const mbs_plan_options *options, const char *more,
                                   mbs_error *error)
{
    const mbs_recompute_options recompute = {(*plan)->program->recompute, 0};
    mbs_status status = plan_tell_origin(*plan, hardware, options, &recompute, more, error);
    if (status == MBS_OK)
        status = mbs_plan_verify(*plan, NULL, error);
    if (status != MBS_OK) {
        mbs_plan_free(*plan);
        *plan = NULL;
    }
    return status;
}

mbs_status mbs_plan_create(mbs_plan **plan, const mbs_program *program,
                           const mbs_hardware *hardware, const mbs_plan_options *options,
                           mbs_error *error)
{
    mbs_status status = plan_run(plan, program, hardware, options, error);
    return status == MBS_OK ? pass_on_verified(plan, hardware, options, NULL, error) : status;
}

mbs_status mbs_plan_import_solution(mbs_plan **plan, const mbs_program *program,
                                    const mbs_hardware *hardware, const mbs_plan_options *options,
                                    const char *path, mbs_error *error)
{
    mbs_status status = plan_import(plan, program, hardware, options, path, error);
    return status == MBS_OK
               ? pass_on_verified(plan, hardware, options, "--import-solution FILE", error)
               : status;
}
