#include "cost/origin.h"

#include "base/memory.h"

void plan_origin_free(plan_origin *origin)
{
    mem_free(origin->program);
    mem_free(origin->hardware);
    mem_free(origin->hardware_digest);
    mem_free(origin->options);
    *origin = (plan_origin){NULL, NULL, NULL, NULL};
}

bool plan_origin_set(plan_origin *origin, const mbs_origin_info *info)
{
    plan_origin_free(origin);
    if (info->program == NULL)
        return true;
    *origin = (plan_origin){mem_strdup(info->program), mem_strdup(info->hardware),
                            mem_strdup(info->hardware_digest), mem_strdup(info->options)};
    const bool whole = origin->program != NULL && origin->hardware != NULL &&
                       origin->hardware_digest != NULL && origin->options != NULL;
    if (!whole)
        plan_origin_free(origin);
    return whole;
}
