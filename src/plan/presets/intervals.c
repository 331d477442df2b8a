#include "plan/presets/intervals.h"

#include "base/error.h"
#include "base/memory.h"

/* Whether all steps strictly between u and v are of u's or v's layer. `run_end` skips a layer's
 * run. */
static bool is_adjacent(const mbs_program *p, const int32_t *run_end, int32_t u, int32_t v)
{
    for (int32_t k = u + 1; k < v; k = run_end[k])
        if (p->steps[k].layer_id != p->steps[u].layer_id &&
            p->steps[k].layer_id != p->steps[v].layer_id)
            return false;
    return true;
}

mbs_status intervals_within_phases(bool *allowed, const mbs_program *p, bool adjacent_only,
                                   mbs_error *error)
{
    /* run_end[k]: the first step after k of another layer */
    int32_t *run_end = mem_alloc((size_t)p->step_count * sizeof *run_end);
    if (run_end == NULL)
        return error_memory(error);
    for (int32_t k = p->step_count; k-- > 0;)
        run_end[k] = k + 1 < p->step_count && p->steps[k + 1].layer_id == p->steps[k].layer_id
                         ? run_end[k + 1]
                         : k + 1;
    for (int32_t t = 0; t < p->touch_count; t++) {
        int32_t next = p->touches[t].next;
        int32_t u = p->touches[t].step;
        int32_t v = next < 0 ? -1 : p->touches[next].step;
        allowed[t] = next >= 0 && p->steps[u].phase == p->steps[v].phase &&
                     (!adjacent_only || is_adjacent(p, run_end, u, v));
    }
    mem_free(run_end);
    return MBS_OK;
}

mbs_status intervals_avoid(bool *allowed, const mbs_program *p, const bool *cut, mbs_error *error)
{
    /* cuts[k]: how many steps before k are cut out */
    int32_t *cuts = mem_alloc(((size_t)p->step_count + 1) * sizeof *cuts);
    if (cuts == NULL)
        return error_memory(error);
    cuts[0] = 0;
    for (int32_t k = 0; k < p->step_count; k++)
        cuts[k + 1] = cuts[k] + cut[k];
    for (int32_t t = 0; t < p->touch_count; t++)
        if (allowed[t] && cuts[p->touches[p->touches[t].next].step + 1] != cuts[p->touches[t].step])
            allowed[t] = false;
    mem_free(cuts);
    return MBS_OK;
}
