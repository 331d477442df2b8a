#include "plan/dp_range.h"

#include <math.h>

#include "base/checked.h"
#include "base/memory.h"
#include "plan/dp_span.h"

/* A group that grows to the right, and what it moves. */
typedef struct growing {
    const plan_task *task;
    span group;
    int64_t moved; /* activation bytes per sample */
    int64_t weights;
    int64_t accumulators;
} growing;

void dp_range_close(dp_range *range)
{
    mem_free(range->best);
    mem_free(range->choice);
    *range = (dp_range){0};
}

static bool make_room(dp_range *range, int32_t cuts)
{
    if (cuts <= range->capacity)
        return true;
    const bool *starts = range->starts;
    dp_range_close(range);
    range->starts = starts;
    range->best = mem_alloc((size_t)cuts * sizeof *range->best);
    range->choice = mem_alloc((size_t)cuts * sizeof *range->choice);
    range->capacity = cuts;
    if (range->best != NULL && range->choice != NULL)
        return true;
    dp_range_close(range);
    return false;
}

static void grow(growing *g)
{
    const mbs_program *p = g->task->program;
    const mbs_step *step = &p->steps[g->group.end];
    for (int32_t t = step->touch_begin; t < step->touch_end; t++) {
        const mbs_touch *touch = &p->touches[t];
        const mbs_tensor *tensor = &p->tensors[touch->tensor];
        const bool reached =
            touch->previous >= 0 && p->touches[touch->previous].step >= g->group.first;
        if (!reached && (t < step->write_begin || tensor->kept || touch->next >= 0))
            g->moved += tensor->bytes;
        /* the last reader is here: the tensor need not be written any more */
        if (reached && touch->next < 0 && !tensor->kept && tensor->producer >= g->group.first)
            g->moved -= tensor->bytes;
    }
    g->weights += step->weight_bytes;
    g->accumulators += step->accumulator_bytes;
    span_grow(&g->group);
}

/* The least bytes of the group over the candidates that fit. */
static int64_t least_bytes(const growing *g, int32_t *candidate)
{
    const span *group = &g->group;
    int64_t least = INT64_MAX;
    for (int32_t c = group->smallest; c < group->count; c++) {
        const int64_t room = g->task->pin ? g->task->capacity - group->peak[c] : 0;
        const int64_t accumulators = g->accumulators - min_i64(room, g->accumulators);
        const int64_t weights =
            g->weights - min_i64(room - (g->accumulators - accumulators), g->weights);
        const int64_t again = (group->list->iterations[c] - 1) * (weights + 2 * accumulators);
        if (again < least) {
            least = again;
            *candidate = c;
        }
    }
    return g->task->batch * g->moved + g->weights + g->accumulators + least;
}

static void relax(dp_range *range, int32_t from, int32_t to, double cost, dp_choice choice)
{
    if (range->best[from] + cost < range->best[to]) {
        range->best[to] = range->best[from] + cost;
        range->choice[to] = choice;
    }
}

static void relax_passes(dp_range *range, const plan_task *task, int32_t first, int32_t k)
{
    const double bytes = (double)plan_passes_bytes(task, k);
    relax(range, k - first, k + 1 - first, bytes, (dp_choice){k, DP_PASSES});
}

static void solve_traffic(dp_range *range, growing *g, int32_t first, int32_t end)
{
    for (int32_t start = first; start < end; start++) {
        if (range->starts != NULL && !range->starts[start - first])
            continue;
        g->moved = g->weights = g->accumulators = 0;
        span_start(&g->group, start, false);
        while (g->group.end < end) {
            int32_t candidate = 0;
            grow(g);
            if (!span_fits(&g->group))
                break;
            const int64_t bytes = least_bytes(g, &candidate);
            relax(range, start - first, g->group.end - first, (double)bytes,
                  (dp_choice){start, candidate});
        }
        range->grown += g->group.end - start;
        relax_passes(range, g->task, first, start);
    }
}

bool dp_range_solve(dp_range *range, const plan_task *task, const candidates *list, int32_t first,
                    int32_t end)
{
    if (!make_room(range, end - first + 1))
        return false;
    range->best[0] = 0;
    range->grown = 0;
    for (int32_t cut = 1; cut <= end - first; cut++)
        range->best[cut] = INFINITY;
    if (task->objective != MBS_TRAFFIC)
        return dp_range_solve_cost(range, task, list, first, end);
    int64_t *operands = mem_alloc((size_t)task->program->step_count * sizeof *operands);
    growing g = {.task = task};
    bool done = operands != NULL && span_open(&g.group, task, list, operands);
    if (done) {
        for (int32_t k = first; k < end; k++)
            operands[k] = program_operand_bytes(task->program, k);
        solve_traffic(range, &g, first, end);
    }
    span_close(&g.group);
    mem_free(operands);
    return done;
}
