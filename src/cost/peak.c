#include "cost/peak.h"

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "cost/footprint.h"
#include "cost/strips.h"

mbs_status plan_find_peak(int64_t *peak, const mbs_plan *plan, const mbs_group *group,
                          mbs_error *error)
{
    if (group->strips == 1) {
        *peak = plan_group_peak(plan, group);
        return MBS_OK;
    }
    int64_t *bytes = strips_group_footprints(plan, group);
    if (bytes == NULL)
        return error_memory(error);
    *peak = 0;
    for (int32_t i = 0; i < group->end - group->first; i++)
        *peak = max_i64(*peak, bytes[i]);
    *peak += plan_pinned_bytes(plan, group->first, group->end);
    mem_free(bytes);
    return MBS_OK;
}
