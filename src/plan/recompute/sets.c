#include "plan/recompute/sets.h"

#include <math.h>

#include "base/error.h"
#include "base/memory.h"

void recompute_sets_free(recompute_sets *sets)
{
    for (int32_t i = 0; i < sets->count; i++) {
        mem_free(sets->list[i].set);
        mem_free(sets->list[i].starts);
    }
    mem_free(sets->list);
    *sets = (recompute_sets){0};
}

mbs_status recompute_sets_open(recompute_sets *sets, mbs_error *error)
{
    *sets = (recompute_sets){0};
    sets->list = mem_grow(NULL, &sets->capacity, RECOMPUTE_LESS - 1, sizeof *sets->list);
    if (sets->list == NULL)
        return error_memory(error);
    for (; sets->count < RECOMPUTE_LESS; sets->count++)
        sets->list[sets->count] = (recompute_choice){.objective = INFINITY};
    return MBS_OK;
}
