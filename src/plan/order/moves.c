#include "plan/order/moves.h"

bool move_may_cut(const mbs_program *program, int32_t k)
{
    return k >= program->step_count || !program->steps[k].update.is_update;
}

bool move_depends(const mbs_program *program, int32_t k, int32_t first, int32_t end)
{
    const mbs_step *step = &program->steps[k];
    if (step->phase != program->steps[first].phase)
        return true;
    const int32_t adder = step->accumulator_use.previous;
    if (adder >= first && adder < end)
        return true;
    for (int32_t t = step->touch_begin; t < step->write_begin; t++) {
        const int32_t producer = program->tensors[program->touches[t].tensor].producer;
        if (producer >= first && producer < end)
            return true;
    }
    return false;
}
