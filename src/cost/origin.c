/* What made a plan. */
#include "base/memory.h"
#include "cost/schedule.h"

void plan_origin_free(plan_origin *origin)
{
    mem_free(origin->program);
    mem_free(origin->hardware);
    mem_free(origin->hardware_digest);
    mem_free(origin->options);
    *origin = (plan_origin){NULL, NULL, NULL, NULL};
}

bool plan_set_origin(mbs_plan *plan, const mbs_origin_info *info)
{
    plan_origin_free(&plan->origin);
    if (info->program == NULL)
        return true;
    plan->origin = (plan_origin){mem_strdup(info->program), mem_strdup(info->hardware),
                                 mem_strdup(info->hardware_digest), mem_strdup(info->options)};
    const plan_origin *copy = &plan->origin;
    const bool whole = copy->program != NULL && copy->hardware != NULL &&
                       copy->hardware_digest != NULL && copy->options != NULL;
    if (!whole)
        plan_origin_free(&plan->origin);
    return whole;
}

void mbs_plan_origin(const mbs_plan *plan, mbs_origin_info *info)
{
    const plan_origin *origin = &plan->origin;
    *info = (mbs_origin_info){origin->program, origin->hardware, origin->hardware_digest,
                              origin->options};
}
