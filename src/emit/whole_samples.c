#include "emit/whole_samples.h"

#include <inttypes.h>

#include "base/error.h"

mbs_status refuse_strips(const mbs_plan *plan, const char *format, mbs_error *error)
{
    for (int32_t g = 0; g < plan->group_count; g++) {
        const mbs_group *group = &plan->groups[g];
        if (group->strips > 1)
            return error_set(error, MBS_ERR_INPUT,
                             "plan of %s: steps %" PRId32 " to %" PRId32 " run in %" PRId64
                             " strips of a sample, but format %s can only say whole samples "
                             "(--no-strips plans none)",
                             quoted(plan->program->network_name).text, group->first, group->end - 1,
                             group->strips, format);
    }
    return MBS_OK;
}
