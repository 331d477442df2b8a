/* Where the steps of a plan file are in the network's own order (model, section 14). */
#include "emit/plan_loader.h"

void read_given(plan_loader *loader, const json_path *at, const cJSON *object, mbs_step *step)
{
    int64_t given;
    if (json_member(object, "given") == NULL)
        return;
    loader->reordered = true;
    if (step->update.is_update)
        json_fault(&loader->document, at, "given",
                   "is a member of steps only that are no updates: these follow by themselves");
    else
        step->given =
            figure_member(loader, at, object, "given", 0, INT32_MAX, &given) ? (int32_t)given : 0;
}

void finish_order(plan_loader *loader)
{
    mbs_program *p = loader->program;
    const json_path list_path = {NULL, "steps", 0};
    int32_t next = 0;
    for (int32_t k = 0; k < p->step_count; k++) {
        const json_path at = {&list_path, NULL, (size_t)k};
        if (p->steps[k].update.is_update)
            continue;
        if (!loader->reordered)
            p->steps[k].given = next++;
        else if (p->steps[k].given < 0)
            json_fault(&loader->document, &at, "given",
                       "is missing, expected it of every step, since others have it");
    }
}
