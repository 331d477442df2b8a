#include "plan/exact/compulsory.h"

#include "plan/pins.h"

int64_t exact_compulsory_step(const mbs_program *p, int64_t batch, int32_t k)
{
    const mbs_step *step = &p->steps[k];
    int64_t bytes = step->pass == STEP_REMAT ? 0 : step_least_moves(p, k);
    for (int32_t t = step->touch_begin; t < step->touch_end; t++) {
        const mbs_tensor *tensor = &p->tensors[p->touches[t].tensor];
        if (p->touches[t].previous < 0 && (tensor->producer < 0 || tensor->kept))
            bytes += batch * tensor->bytes;
    }
    return bytes;
}

int64_t exact_compulsory(const mbs_program *p, int64_t batch)
{
    int64_t bytes = 0;
    for (int32_t k = 0; k < p->step_count; k++)
        bytes += exact_compulsory_step(p, batch, k);
    return bytes;
}
