/* A step in words. */
#include <inttypes.h>

#include "cost/footprint.h"
#include "cost/traffic.h"
#include "explain/words.h"

static void put_bytes(text *out, const mbs_plan *plan, int32_t tensor)
{
    text_safe(out, plan->program->tensors[tensor].name);
    text_string(out, " (");
    prose_traffic(out, plan->batch * plan->program->tensors[tensor].bytes);
    text_string(out, ")");
}

static void put_read(text *out, const mbs_plan *plan, const mbs_group *group, int32_t t)
{
    const mbs_program *p = plan->program;
    text_string(out, "It reads ");
    put_bytes(out, plan, p->touches[t].tensor);
    if (plan_arrives(plan, t)) {
        text_string(out, " from the buffer, where it has stayed since ");
        text_safe(out, p->steps[p->touches[p->touches[t].previous].step].name);
        text_string(out, ".\n");
        return;
    }
    text_string(out, " from DRAM");
    if (group->passes > 1) {
        text_string(out, ", ");
        prose_count(out, group->passes, "time", "times");
    }
    switch (move_read_reason(plan, group, t)) {
    case MOVE_INPUT:
        text_string(out, ", where network inputs are.\n");
        break;
    case MOVE_STASHED:
        text_string(out, ", where the forward phase stashed it.\n");
        break;
    case MOVE_LATER:
        text_string(out, ", where an earlier group left it.\n");
        break;
    default:
        text_string(out, ", for its group does not keep it.\n");
        break;
    }
}

static void put_written(text *out, const mbs_plan *plan, const mbs_group *group, int32_t t)
{
    const mbs_touch *touch = &plan->program->touches[t];
    text_string(out, "It makes ");
    put_bytes(out, plan, touch->tensor);
    if (!plan_writes(plan, t)) {
        text_string(out, touch->next < 0 ? ", which no step reads and which is not stored.\n"
                                         : ", which never leaves the buffer.\n");
        return;
    }
    text_string(out, plan->resident[t] ? ", which stays in the buffer and goes to DRAM"
                                       : ", which goes to DRAM");
    switch (move_write_reason(plan, group, t)) {
    case MOVE_STASHED:
        text_string(out, ", stashed for the backward phase.\n");
        break;
    case MOVE_RESULT:
        text_string(out, ", for it is a result of the network.\n");
        break;
    case MOVE_LATER:
        text_string(out, ", for a later group.\n");
        break;
    default:
        text_string(out, ", for its group reads it again and does not keep it.\n");
        break;
    }
}

/* `moved` of the step's `bytes` of parameters, in all. */
static void put_parameters(text *out, const char *name, int64_t bytes, int64_t moved,
                           int64_t pinned, const mbs_group *group)
{
    if (bytes == 0)
        return;
    text_format(out, "Its %s, ", name);
    prose_space(out, bytes);
    text_string(out, ", move ");
    prose_traffic(out, moved);
    text_string(out, " in ");
    prose_count(out, group->iterations, "iteration", "iterations");
    if (pinned > 0) {
        text_string(out, "; ");
        prose_space(out, pinned);
        text_string(out, " of them are pinned in the buffer");
    }
    text_string(out, ".\n");
}

static void put_all_parameters(text *out, const mbs_plan *plan, const mbs_group *group, int32_t k)
{
    const mbs_step *step = &plan->program->steps[k];
    const mbs_traffic moved = plan_count_step(plan, group, k);
    put_parameters(out, "parameters", step->weight_bytes, moved.weight_read, plan->pinned_weight[k],
                   group);
    put_parameters(out, "accumulators", step->accumulator_bytes, moved.weight_gradient,
                   plan->pinned_accumulator[k], group);
    if (!step->update.is_update)
        return;
    text_string(out, "It updates weights, once, with the last iteration: it reads ");
    prose_traffic(out, step->update.state_bytes + step->update.old_bytes);
    text_string(out, " of state and masters and writes ");
    prose_traffic(out, step->update.state_bytes + step->update.new_bytes);
    text_string(out, ". Its gradient, ");
    prose_space(out, program_gradient_bytes(plan->program, k));
    text_string(out, k > group->first ? ", is handed on by the step before it and does not move.\n"
                                      : ", it reads from DRAM.\n");
}

static void put_mode(text *out, const mbs_plan *plan, int32_t k)
{
    switch (plan->mode[k]) {
    case MBS_STAGED:
        text_string(out, ", staged: operands that do not stay in the buffer are brought in whole, "
                         "for all of an iteration");
        break;
    case MBS_STREAMED:
        text_string(out, ", streamed: its parameters are in the buffer whole, and operands that do "
                         "not stay there pass through");
        break;
    case MBS_PASSES:
        text_string(out, ", in passes: it needs no room beyond its tiles");
        break;
    }
}

/* The layers behind its own that it does. */
static void put_fused(text *out, const mbs_program *program, const mbs_step *step)
{
    for (int32_t f = 0; f < step->fused_count; f++) {
        text_string(out, f == 0 ? "It does " : f + 1 == step->fused_count ? " and " : ", ");
        text_safe(out, program->fused[step->fused_begin + f]);
    }
    if (step->fused_count > 0)
        text_string(out, ", too.\n");
}

/* The gradients to which it adds its own. */
static void put_sums(text *out, const mbs_program *program, const mbs_step *step)
{
    int32_t count = 0;
    int32_t left = 0;
    for (int32_t t = step->write_begin; t < step->touch_end; t++)
        left += program->tensors[program->touches[t].tensor].running >= 0;
    for (int32_t t = step->write_begin; t < step->touch_end; t++) {
        const int32_t running = program->tensors[program->touches[t].tensor].running;
        if (running < 0)
            continue;
        text_string(out, count++ > 0 ? left == 1 ? " and " : ", "
                         : left == 1 ? "It adds its gradient to "
                                     : "It adds its gradients to ");
        text_safe(out, program->tensors[running].name);
        left--;
    }
    if (count > 0)
        text_string(out, ".\n");
}

void words_of_step(text *out, const mbs_plan *plan, int32_t k, const part_list *parts)
{
    const mbs_step *step = &plan->program->steps[k];
    const int32_t index = plan_group_of(plan, k);
    const mbs_group *group = &plan->groups[index];
    text_string(out, "Step ");
    text_safe(out, step->name);
    text_format(out,
                ", number %" PRId32 " of %" PRId32 ", %s, in group %" PRId32 " of %" PRId32 "\n",
                k + 1, plan->program->step_count,
                step->phase == MBS_FORWARD ? "forward" : "backward", index + 1, plan->group_count);
    text_string(out, "It runs ");
    words_of_pace(out, plan, group);
    put_mode(out, plan, k);
    text_string(out, ".\n");
    put_fused(out, plan->program, step);
    put_sums(out, plan->program, step);
    for (int32_t t = step->touch_begin; t < step->write_begin; t++)
        put_read(out, plan, group, t);
    for (int32_t t = step->write_begin; t < step->touch_end; t++)
        put_written(out, plan, group, t);
    put_all_parameters(out, plan, group, k);
    if (parts->count == 0)
        return;
    text_string(out, "It needs ");
    prose_space(out, parts->bytes);
    text_string(out, " of the ");
    prose_space(out, plan_capacity(plan));
    text_string(out, " that the buffer has: ");
    words_of_parts(out, plan, parts, parts->count);
    text_string(out, ".\n");
}
