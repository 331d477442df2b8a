/* baseline: layer by layer, every operand to and from DRAM (model, section 5). */

#include "plan/presets/presets.h"

mbs_status plan_baseline(mbs_plan *plan, const plan_task *task, mbs_error *error)
{
    (void)error; /* nothing can fail */
    for (int32_t k = 0; k < task->program->step_count; k++)
        plan_add_lone_step(plan, task, k);
    plan->outcome = MBS_HEURISTIC;
    return MBS_OK;
}
