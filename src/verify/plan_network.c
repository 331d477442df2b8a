/* The one door: from a network, a machine and options to a plan that owns its program. */
#include <math.h>
#include <stdbool.h>

#include "base/error.h"
#include "hardware/check.h"
#include "verify/from_network.h"
#include "verify/tradeoff.h"

static bool planner_weighs(mbs_planner planner)
{
    return planner == MBS_PLANNER_DP || planner == MBS_PLANNER_BEST;
}

mbs_status mbs_plan_network(mbs_plan **plan, const mbs_network *network,
                            const mbs_hardware *hardware, const mbs_options *options,
                            mbs_error *error)
{
    if (plan == NULL || network == NULL || hardware == NULL || options == NULL)
        return error_set(error, MBS_ERR_ARGUMENT,
                         "no place for the plan, no network, no machine or no options");
    const double percent = options->max_slowdown_percent;
    const bool limited = options->limit_slowdown;
    *plan = NULL;
    mbs_status status = hardware_check(hardware, error);
    if (status != MBS_OK)
        return status;
    if (limited && !(percent > -100))
        return error_set(error, MBS_ERR_INPUT,
                         "at most %g %% slower than baseline: expected more than -100", percent);
    if (limited && (options->objective != MBS_TRAFFIC || !planner_weighs(options->planner)))
        return error_set(error, MBS_ERR_ARGUMENT,
                         "max_slowdown_percent is of the planners dp and best, and of traffic");
    status = plan_from_network(plan, network, hardware, options, error);
    if (status != MBS_OK || !limited)
        return status;
    const tradeoff of = {network, hardware, *options};
    return tradeoff_limit(plan, &of, percent, error);
}
