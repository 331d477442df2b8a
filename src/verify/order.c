/* What a plan says of the network's own order of steps (model, section 14). */
#include <inttypes.h>

#include "verify/replay.h"

/*
 * Counts off the steps: a bijection of those that are no updates and the numbers from 0 on. That
 * none is missing follows from there being none twice and none beyond.
 */
static bool check_numbers(replay *r)
{
    const mbs_program *p = r->program;
    const size_t before = r->faults;
    int32_t *step_of = r->step_of;
    int32_t count = 0;
    for (int32_t k = 0; k < p->step_count; k++) {
        step_of[k] = -1;
        count += !p->steps[k].update.is_update;
    }
    for (int32_t k = 0; k < p->step_count; k++) {
        const int32_t given = p->steps[k].given;
        if (p->steps[k].update.is_update) {
            if (given != -1)
                step_fault(r, RULE_ORDER, k,
                           "is step %d of the network's own order, expected an update in no place "
                           "there",
                           given);
            continue;
        }
        if (given < 0 || given >= count) {
            step_fault(r, RULE_ORDER, k,
                       "is step %d of the network's own order, expected 0 to %d: as many as there "
                       "are",
                       given, count - 1);
            continue;
        }
        if (step_of[given] >= 0)
            step_fault(r, RULE_ORDER, k, "is step %d of the network's own order, as is step %d %s",
                       given, step_of[given], quoted(p->steps[step_of[given]].name).text);
        step_of[given] = k;
    }
    return r->faults == before;
}

/* In the network's own order too a step comes behind those that write what it reads. */
static void check_own_order(replay *r)
{
    const mbs_program *p = r->program;
    const int32_t *step_of = r->step_of;
    for (int32_t i = 0; i < p->step_count && step_of[i] >= 0; i++) {
        const int32_t k = step_of[i];
        const mbs_step *step = &p->steps[k];
        if (i > 0 && p->steps[step_of[i - 1]].phase > step->phase)
            step_fault(r, RULE_PHASE, k,
                       "of the forward phase is behind step %d %s of the backward phase in the "
                       "network's own order",
                       step_of[i - 1], quoted(p->steps[step_of[i - 1]].name).text);
        for (int32_t t = step->touch_begin; t < step->write_begin; t++) {
            const int32_t id = p->touches[t].tensor;
            const int32_t writer = r->writer[id];
            if (writer >= 0 && p->steps[writer].given >= i)
                step_fault(
                    r, RULE_ORDER, k,
                    "reads tensor %d %s, which step %d %s writes: behind it in the network's "
                    "own order",
                    id, tensor_name(r, id).text, writer, quoted(p->steps[writer].name).text);
        }
    }
}

void check_order(replay *r)
{
    const mbs_program *p = r->program;
    for (int32_t id = 0; id < p->tensor_count; id++)
        r->writer[id] = -1;
    for (int32_t k = 0; k < p->step_count; k++)
        for (int32_t t = p->steps[k].write_begin; t < p->steps[k].touch_end; t++)
            r->writer[p->touches[t].tensor] = k;
    for (int32_t k = 0; k < p->step_count; k++) {
        const mbs_step *step = &p->steps[k];
        if (k > 0 && p->steps[k - 1].phase > step->phase)
            step_fault(r, RULE_PHASE, k, "of the forward phase is behind step %d of the backward",
                       k - 1);
        for (int32_t t = step->touch_begin; t < step->write_begin; t++) {
            const int32_t id = p->touches[t].tensor;
            if (r->writer[id] >= k)
                step_fault(r, RULE_ORDER, k, "reads tensor %d %s before step %d %s writes it", id,
                           tensor_name(r, id).text, r->writer[id],
                           quoted(p->steps[r->writer[id]].name).text);
        }
    }
    if (check_numbers(r))
        check_own_order(r);
}
