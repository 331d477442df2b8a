#include "plan/recompute/stage.h"

#include <string.h>

#include "base/memory.h"

recompute_model stage_for_traffic(const auto_search *a, double max_macs)
{
    recompute_model model = *a->model;
    model.task.objective = MBS_TRAFFIC;
    model.max_dram = DRAM_UNLIMITED;
    model.max_macs = max_macs;
    return model;
}

unsigned char *stage_copy_set(const auto_search *a, const unsigned char *set)
{
    unsigned char *copy = mem_alloc((size_t)a->model->layer_count);
    if (copy != NULL)
        memcpy(copy, set, (size_t)a->model->layer_count);
    return copy;
}
