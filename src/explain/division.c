#include "explain/division.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "plan/groups.h"
#include "plan/pins.h"

/* Touches looked at for one group, and then not many more. */
#define MOST_VISITS 5000000

typedef struct cut {
    int32_t at;
    int64_t activations; /* of both parts, all that each shares kept in the buffer */
} cut;

static int by_activations(const void *left, const void *right)
{
    const cut *a = left;
    const cut *b = right;
    if (a->activations != b->activations)
        return a->activations < b->activations ? -1 : 1;
    return (a->at > b->at) - (a->at < b->at);
}

/* What the parts before and after each cut move of activations, per sample. */
static void count_activations(cut *cuts, const mbs_program *p, const mbs_group *group)
{
    int64_t bytes = 0;
    for (int32_t k = group->first; k + 1 < group->end; k++) {
        bytes += group_activation_change(p, group->first, k);
        cuts[k - group->first] = (cut){k + 1, bytes};
    }
    /* from the end on: what a step moves at the left of its part, until it is joined */
    bytes = 0;
    for (int32_t k = group->end - 1; k > group->first; k--) {
        const mbs_step *step = &p->steps[k];
        for (int32_t t = step->touch_begin; t < step->touch_end; t++) {
            const mbs_touch *touch = &p->touches[t];
            const int64_t size = p->tensors[touch->tensor].bytes;
            const bool next_is_here = touch->next >= 0 && p->touches[touch->next].step < group->end;
            if (t < step->write_begin)
                bytes += next_is_here ? 0 : size; /* else the later read's becomes this one's */
            else {
                const bool leaves =
                    p->tensors[touch->tensor].kept ||
                    p->touches[p->tensors[touch->tensor].last_touch].step >= group->end;
                bytes -= next_is_here ? size : 0; /* no longer read from DRAM */
                bytes += leaves ? size : 0;
            }
        }
        cuts[k - 1 - group->first].activations += bytes;
    }
}

static mbs_status try_cut(division *found, variants *of, const mbs_group *group, int32_t at,
                          mbs_error *error)
{
    variant left;
    variant right = {0};
    const int64_t capacity = of->task.capacity;
    mbs_status status = variants_best(&left, of, group->first, at, capacity, error);
    if (status == MBS_OK)
        status = variants_best(&right, of, at, group->end, capacity, error);
    if (status != MBS_OK || !left.fits || !right.fits)
        return status;
    const int64_t now = left.traffic.total + right.traffic.total;
    const int64_t best = found->parts[0].traffic.total + found->parts[1].traffic.total;
    if (found->at < 0 || now < best || (now == best && at < found->at)) {
        found->at = at;
        found->parts[0] = left;
        found->parts[1] = right;
    }
    return MBS_OK;
}

mbs_status division_find(division *found, variants *of, const mbs_group *group, mbs_error *error)
{
    const mbs_program *p = of->plan->program;
    const int64_t begin = of->visits;
    int64_t parameters = 0;
    *found = (division){.cuts = group->end - group->first - 1, .at = -1};
    if (found->cuts == 0)
        return MBS_OK;
    cut *cuts = mem_alloc((size_t)found->cuts * sizeof *cuts);
    if (cuts == NULL)
        return error_memory(error);
    count_activations(cuts, p, group);
    qsort(cuts, (size_t)found->cuts, sizeof *cuts, by_activations);
    for (int32_t k = group->first; k < group->end; k++)
        parameters += step_least_moves(p, k);
    mbs_status status = MBS_OK;
    for (; found->tried < found->cuts && of->visits - begin < MOST_VISITS && status == MBS_OK;
         found->tried++) {
        const cut *next = &cuts[found->tried];
        const int64_t least = of->plan->batch * next->activations + parameters;
        if (found->at >= 0 &&
            least > found->parts[0].traffic.total + found->parts[1].traffic.total) {
            found->tried = found->cuts; /* all others move more */
            break;
        }
        status = try_cut(found, of, group, next->at, error);
    }
    mem_free(cuts);
    return status;
}
