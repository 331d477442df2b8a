/* Planning as users see it: no plan leaves before the replay has passed it. */
#include "plan/planner.h"

mbs_status mbs_plan_create(mbs_plan **plan, const mbs_program *program,
                           const mbs_hardware *hardware, const mbs_plan_options *options,
                           mbs_error *error)
{
    mbs_status status = plan_run(plan, program, hardware, options, error);
    if (status != MBS_OK)
        return status;
    status = mbs_plan_verify(*plan, NULL, error);
    if (status != MBS_OK) {
        mbs_plan_free(*plan);
        *plan = NULL;
    }
    return status;
}
