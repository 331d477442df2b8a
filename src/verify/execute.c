/* Executing a plan: group by group, each as its kind of iteration has it. */
#include "verify/replay.h"

#include <inttypes.h>

static void execute_group(replay *r, const mbs_group *group)
{
    r->iteration = -1;
    r->pinned_bytes = 0;
    r->peak_bytes = 0;
    for (int32_t k = group->first; k < group->end; k++) {
        const mbs_step *step = &r->program->steps[k];
        if (use_is_first(&step->weight_use, group->first))
            add_bytes(r, &r->pinned_bytes, r->plan->pinned_weight[k]);
        if (use_is_first(&step->accumulator_use, group->first))
            add_bytes(r, &r->pinned_bytes, r->plan->pinned_accumulator[k]);
    }
    kind_of(group)->execute(r, group);
    if (!r->overflow && !r->stopped && group->peak_bytes != r->peak_bytes)
        group_fault(r, RULE_PEAK, r->group,
                    "peak_bytes is %" PRId64 ", the replay measured %" PRId64, group->peak_bytes,
                    r->peak_bytes);
}

/* Network inputs are in DRAM from the start. */
static void fill_dram(replay *r)
{
    const mbs_program *p = r->program;
    for (int32_t id = 0; id < p->tensor_count; id++)
        r->tensors[id] = (tensor_state){r->batch, r->batch, 0, 0};
    for (int32_t k = 0; k < p->step_count; k++)
        for (int32_t t = p->steps[k].write_begin; t < p->steps[k].touch_end; t++)
            r->tensors[p->touches[t].tensor] = (tensor_state){0};
}

/* Every step has run on every sample, and what must be in DRAM at the end is there. */
static void check_complete(replay *r)
{
    const mbs_program *p = r->program;
    for (int32_t k = 0; k < p->step_count; k++)
        if (r->done[k] != r->batch)
            step_fault(r, RULE_COMPLETE, k, "has run on %d samples, expected %d", r->done[k],
                       r->batch);
    for (int32_t id = 0; id < p->tensor_count; id++)
        if (p->tensors[id].kept && r->tensors[id].stored != r->batch)
            plan_fault(r, RULE_COMPLETE,
                       "%d samples of output tensor %d %s are in DRAM at the end, expected %d",
                       r->tensors[id].stored, id, tensor_name(r, id).text, r->batch);
}

void run_replay(replay *r)
{
    fill_dram(r);
    for (r->group = 0; r->group < r->plan->group_count && !r->overflow && !r->stopped; r->group++)
        execute_group(r, &r->plan->groups[r->group]);
    r->group = -1;
    r->iteration = -1;
    if (!r->overflow && !r->stopped)
        check_complete(r);
}
