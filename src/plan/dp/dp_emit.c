#include "plan/dp/dp_emit.h"

#include "plan/groups.h"

static mbs_status emit_strips(mbs_plan *plan, const plan_task *task, dp_choice last, int32_t end,
                              mbs_error *error)
{
    bool fits;
    mbs_group *group = plan_add_group(plan, last.first, end, task->batch);
    group_keep_all(plan, group);
    return group_set_strips(plan, task, group, last.strips, &fits, error);
}

mbs_status dp_emit_group(mbs_plan *plan, const plan_task *task, const candidates *list,
                         dp_choice last, int32_t end, mbs_error *error)
{
    if (last.candidate == DP_PASSES) {
        plan_add_passes(plan, task, last.first);
        return MBS_OK;
    }
    if (last.candidate == DP_GIVEN) {
        plan_copy_group(plan, task->given, last.given);
        return MBS_OK;
    }
    if (last.candidate == DP_STRIPS)
        return emit_strips(plan, task, last, end, error);
    const mbs_group *group =
        plan_add_group(plan, last.first, end, list->iterations[last.candidate]);
    group_keep_all(plan, group);
    group_choose_modes(plan, task, group);
    group_pin_beside(plan, task, group, last.under_way > 1 ? last.under_way : 1);
    return MBS_OK;
}

/* Follows the choices back from the end; the groups come out last to first. */
mbs_status dp_emit(mbs_plan *plan, const plan_task *task, const candidates *list,
                   const dp_choice *choice, int32_t *cuts, mbs_error *error)
{
    const int32_t steps = task->program->step_count;
    int32_t count = 0;
    for (int32_t cut = steps; cut > 0; cut = choice[cut].first)
        count++;
    for (int32_t cut = steps, g = count; cut > 0; cut = choice[cut].first)
        cuts[--g] = cut;
    mbs_status status = MBS_OK;
    for (int32_t g = 0; g < count && status == MBS_OK; g++)
        status = dp_emit_group(plan, task, list, choice[cuts[g]], cuts[g], error);
    return status;
}
