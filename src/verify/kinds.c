/* The kinds of groups. */
#include "verify/replay.h"

const group_kind *kind_of(const mbs_group *group)
{
    return group->strips == 1 ? &whole_samples : &strips_of_rows;
}
