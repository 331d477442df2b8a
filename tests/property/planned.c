#include "planned.h"

#include <inttypes.h>
#include <string.h>

#include "run.h"

mbs_plan *replayed_plan(const mbs_program *program, const mbs_hardware *hardware,
                        const mbs_plan_options *options, const char *label)
{
    static mbs_error error;
    mbs_plan *plan = NULL;
    mbs_traffic planned, counted;
    mbs_error_clear(&error);
    must_succeed(mbs_plan_create(&plan, program, hardware, options, &error), &error, label);
    must_succeed(mbs_plan_verify(plan, &counted, &error), &error, label);
    mbs_plan_traffic(plan, &planned);
    ck_assert_msg(memcmp(&planned, &counted, sizeof planned) == 0,
                  "%s: %s: planned %" PRId64 " bytes, counted %" PRId64, label,
                  mbs_planner_name(options->planner), planned.total, counted.total);
    ck_assert_msg(mbs_plan_bound_bytes(plan) <= planned.total,
                  "%s: %s: bound %" PRId64 " above %" PRId64, label,
                  mbs_planner_name(options->planner), mbs_plan_bound_bytes(plan), planned.total);
    return plan;
}

int64_t replayed_traffic(const mbs_program *program, const mbs_hardware *hardware,
                         const mbs_plan_options *options, mbs_planner planner, const char *label)
{
    mbs_plan_options with_planner = *options;
    mbs_traffic traffic;
    with_planner.planner = planner;
    mbs_plan *plan = replayed_plan(program, hardware, &with_planner, label);
    mbs_plan_traffic(plan, &traffic);
    mbs_plan_free(plan);
    return traffic.total;
}
