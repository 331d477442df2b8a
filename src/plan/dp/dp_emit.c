#include "plan/dp/dp_emit.h"

#include "plan/groups.h"

/* Follows the choices back from the end; the groups come out last to first. */
void dp_emit(mbs_plan *plan, const plan_task *task, const candidates *list, const dp_choice *choice,
             int32_t *cuts)
{
    const int32_t steps = task->program->step_count;
    int32_t count = 0;
    for (int32_t cut = steps; cut > 0; cut = choice[cut].first)
        count++;
    for (int32_t cut = steps, g = count; cut > 0; cut = choice[cut].first)
        cuts[--g] = cut;
    for (int32_t g = 0; g < count; g++) {
        dp_choice last = choice[cuts[g]];
        if (last.candidate == DP_PASSES) {
            plan_add_passes(plan, task, last.first);
            continue;
        }
        const mbs_group *group =
            plan_add_group(plan, last.first, cuts[g], list->iterations[last.candidate]);
        group_keep_all(plan, group);
        group_choose_modes(plan, task, group);
        group_pin(plan, task, group);
    }
}
