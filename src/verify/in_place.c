/* Steps that write over an operand (model, section 12). */
#include "verify/replay.h"

int64_t bytes_in_place(replay *r, int32_t k)
{
    const int32_t over = r->plan->over[k];
    if (over < 0)
        return 0;
    const mbs_step *step = &r->program->steps[k];
    const bool staged = r->plan->mode[k] == MBS_STAGED;
    const int64_t sample = r->program->tensors[r->program->touches[over].tensor].bytes;
    if (staged || (r->arrives[over] && r->plan->resident[step->write_begin]))
        return times(r, r->hi - r->lo, sample);
    return step->whole_sample ? sample : 0;
}

/* Whether the step reads touch t and writes something. */
static bool is_operand(const replay *r, int32_t k, int32_t t)
{
    const mbs_step *step = &r->program->steps[k];
    return t >= step->touch_begin && t < step->write_begin && step->write_begin < step->touch_end;
}

/* Whether row i of what the step writes first comes of row i of the operand. */
static bool is_row_by_row(const replay *r, int32_t k, int32_t over)
{
    const mbs_program *p = r->program;
    const mbs_step *step = &p->steps[k];
    const mbs_touch *touch = &p->touches[over];
    return p->has_rows && p->maps[touch->map].kind == ROWS_SAME &&
           p->tensors[touch->tensor].rows == step->rows &&
           p->tensors[p->touches[step->write_begin].tensor].rows == step->rows;
}

void check_in_place(replay *r, const mbs_group *group, int32_t k)
{
    const mbs_program *p = r->program;
    const int32_t over = r->plan->over[k];
    if (over < 0)
        return;
    if (!is_operand(r, k, over)) {
        step_fault(r, RULE_IN_PLACE, k, "writes over what is no operand that it reads");
        r->broken = true;
        return;
    }
    const int32_t written = p->touches[p->steps[k].write_begin].tensor;
    const int32_t id = p->touches[over].tensor;
    const mbs_tensor *to = &p->tensors[written];
    const mbs_tensor *from = &p->tensors[id];
    if (!p->touches[over].elementwise)
        step_fault(r, RULE_IN_PLACE, k,
                   "writes over tensor %d %s, which a step of kind %s does not take element by "
                   "element",
                   id, tensor_name(r, id).text, quoted(p->steps[k].kind).text);
    else if (from->bytes != to->bytes || from->elements != to->elements)
        step_fault(r, RULE_IN_PLACE, k, "writes tensor %d %s over tensor %d %s of another size",
                   written, quoted(to->name).text, id, tensor_name(r, id).text);
    else if (r->plan->resident[over])
        step_fault(r, RULE_IN_PLACE, k,
                   "writes over tensor %d %s, which stays in the buffer for a later step", id,
                   tensor_name(r, id).text);
    else if (r->plan->mode[k] == MBS_PASSES)
        step_fault(r, RULE_IN_PLACE, k,
                   "writes tensor %d %s over tensor %d %s, of which it needs no room, in passes",
                   written, quoted(to->name).text, id, tensor_name(r, id).text);
    else if (group->strips > 1 && !is_row_by_row(r, k, over))
        step_fault(r, RULE_IN_PLACE, k,
                   "writes tensor %d %s over tensor %d %s, which it does not take row by row",
                   written, quoted(to->name).text, id, tensor_name(r, id).text);
}
