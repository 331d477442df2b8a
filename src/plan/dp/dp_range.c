#include "plan/dp/dp_range.h"

#include <math.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "cost/footprint.h"
#include "plan/dp/dp_span.h"
#include "plan/pins.h"

/* A group that grows to the right, and what it moves. */
typedef struct growing {
    const plan_task *task;
    span group;
    int64_t moved; /* activation bytes per sample */
    int64_t weights;
    int64_t accumulators;
    int64_t once; /* what one iteration moves besides */
    pins pins;    /* its parameters */
} growing;

/* What moves if all steps from the cut on are one group with one iteration, for each cut; of shared
 * parameters what moves at least. */
static void bound_traffic(dp_range *range)
{
    const mbs_program *p = range->task.program;
    int64_t moved = 0; /* activation bytes per sample */
    int64_t parameters = 0;
    range->rest[range->end - range->first] = 0;
    for (int32_t k = range->end - 1; k >= range->first; k--) {
        const mbs_step *step = &p->steps[k];
        for (int32_t t = step->touch_begin; t < step->touch_end; t++) {
            const int64_t bytes = p->tensors[p->touches[t].tensor].bytes;
            if (dp_range_moves(range, step, t))
                moved += bytes;
            if (dp_range_spares(range, t) >= 0)
                moved -= bytes;
        }
        parameters += step_least_moves(p, k);
        range->rest[k - range->first] = (double)(range->task.batch * moved + parameters);
    }
}

bool dp_range_open(dp_range *range, const plan_task *task, const candidates *list, int32_t first,
                   int32_t end)
{
    const size_t cuts = (size_t)(end - first) + 1;
    *range = (dp_range){.task = *task, .list = list, .first = first, .end = end};
    range->rest = mem_alloc(cuts * sizeof *range->rest);
    range->best = mem_alloc(cuts * sizeof *range->best);
    range->choice = mem_alloc(cuts * sizeof *range->choice);
    if (range->rest == NULL || range->best == NULL || range->choice == NULL)
        return false;
    if (task->objective != MBS_TRAFFIC)
        return dp_range_open_cost(range);
    bound_traffic(range);
    return true;
}

void dp_range_close(dp_range *range)
{
    dp_range_close_cost(range);
    mem_free(range->rest);
    mem_free(range->best);
    mem_free(range->choice);
    *range = (dp_range){0};
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
    g->once += program_once_bytes(p, g->group.end);
    span_grow(&g->group);
    pins_move(&g->pins, g->group.first, g->group.end);
}

/*
 * The least that the group moves beyond what it does once, over the candidates that fit: no longer
 * one moves less. It is below 0 where steps share what is pinned.
 */
static int64_t least_again(const growing *g, int32_t *candidate)
{
    const span *group = &g->group;
    int64_t least = INT64_MAX;
    for (int32_t c = group->smallest; c < group->count; c++) {
        const int64_t iterations = group->list->iterations[c];
        const int64_t room = g->task->pin ? g->task->capacity - group->peak[c] : 0;
        const int64_t again = (iterations - 1) * (g->weights + 2 * g->accumulators) -
                              pins_save(&g->pins, iterations, room);
        if (again < least) {
            least = again;
            *candidate = c;
        }
    }
    return least;
}

void dp_range_relax(dp_range *range, double limit, int32_t to, double cost, dp_choice group)
{
    const double total = range->best[group.first - range->first] + cost;
    const int32_t cut = to - range->first;
    if (total < range->best[cut] && total + range->rest[cut] < limit) {
        range->best[cut] = total;
        range->choice[cut] = group;
    }
}

/* What a step more in a group takes for each candidate, in ticks of work. */
#define TRAFFIC_WORK INT64_C(2)

static void solve_from(dp_range *range, growing *g, int32_t start, double limit)
{
    const double least = range->best[start - range->first] + range->rest[start - range->first];
    g->moved = g->weights = g->accumulators = 0;
    g->once = program_head_bytes(g->task->program, start);
    span_start(&g->group, start, false);
    while (g->group.end < range->end) {
        int32_t candidate = 0;
        grow(g);
        if (!span_fits(&g->group))
            break;
        const int64_t again = least_again(g, &candidate);
        if (least + (double)again >= limit)
            break;
        const int64_t once = g->task->batch * g->moved + g->weights + g->accumulators + g->once;
        dp_range_relax(range, limit, g->group.end, (double)(once + again),
                       (dp_choice){.first = start, .candidate = candidate});
    }
    range->grown += g->group.end - start;
    if (range->counts)
        plan_watch_work(range->task.watch,
                        TRAFFIC_WORK * (g->group.end - start) * range->list->count);
    dp_range_relax(range, limit, start + 1, (double)plan_passes_bytes(g->task, start),
                   (dp_choice){.first = start, .candidate = DP_PASSES});
}

static bool solve_traffic(dp_range *range, const bool *starts, double limit)
{
    const mbs_program *p = range->task.program;
    int64_t *operands = mem_alloc((size_t)p->step_count * sizeof *operands);
    growing g = {.task = &range->task};
    const bool done = operands != NULL && pins_open(&g.pins, p) &&
                      span_open(&g.group, &range->task, range->list, operands);
    if (done) {
        for (int32_t k = range->first; k < range->end; k++)
            operands[k] = program_operand_bytes(p, k);
        for (int32_t start = range->first; start < range->end && dp_range_goes_on(range); start++)
            if (dp_range_begins(range, starts, limit, start))
                solve_from(range, &g, start, limit);
    }
    span_close(&g.group);
    pins_close(&g.pins);
    mem_free(operands);
    return done;
}

bool dp_range_solve(dp_range *range, const bool *starts, double limit)
{
    range->best[0] = 0;
    for (int32_t cut = 1; cut <= range->end - range->first; cut++)
        range->best[cut] = INFINITY;
    if (!(range->rest[0] < limit))
        return true;
    return range->task.objective == MBS_TRAFFIC ? solve_traffic(range, starts, limit)
                                                : dp_range_solve_cost(range, starts, limit);
}

/* The range's starts that are best for traffic, none if that was stopped; null if memory is out.
 * Owned by the caller. */
static bool *starts_for_traffic(const dp_range *range)
{
    plan_task task = range->task;
    dp_range traffic;
    task.objective = MBS_TRAFFIC;
    bool *starts = mem_calloc((size_t)(range->end - range->first) + 1, sizeof *starts);
    bool solved = dp_range_open(&traffic, &task, range->list, range->first, range->end);
    traffic.counts = true;
    solved = solved && dp_range_solve(&traffic, NULL, INFINITY);
    if (starts == NULL || !solved) {
        mem_free(starts);
        starts = NULL;
    } else if (!traffic.stopped) {
        for (int32_t cut = range->end; cut > range->first;) {
            cut = traffic.choice[cut - range->first].first;
            starts[cut - range->first] = true;
        }
    }
    dp_range_close(&traffic);
    return starts;
}

bool dp_range_solve_all(dp_range *range)
{
    if (range->task.objective == MBS_TRAFFIC)
        return dp_range_solve(range, NULL, INFINITY);
    bool *starts = starts_for_traffic(range);
    bool solved = starts != NULL && dp_range_solve(range, starts, INFINITY) &&
                  dp_range_solve(range, NULL, dp_range_above(dp_range_least(range)));
    if (solved && range->stopped && starts[0]) { /* those for traffic are soon tried again */
        range->task.watch = NULL;
        range->stopped = false;
        solved = dp_range_solve(range, starts, INFINITY);
        range->stopped = true;
    }
    mem_free(starts);
    return solved;
}

mbs_status dp_range_plan(mbs_plan *plan, const plan_task *task, const bool *starts,
                         mbs_error *error)
{
    const int32_t steps = task->program->step_count;
    candidates list = {0};
    dp_range range = {0};
    int32_t *cuts = mem_alloc(((size_t)steps + 1) * sizeof *cuts);
    mbs_status status = candidates_create(&list, task->batch, error);
    if (status == MBS_OK &&
        (cuts == NULL || !dp_range_open(&range, task, &list, 0, steps) ||
         !(starts != NULL ? dp_range_solve(&range, starts, INFINITY) : dp_range_solve_all(&range))))
        status = error_memory(error);
    if (status == MBS_OK && range.stopped)
        status = plan_watch_stopped(error);
    if (status == MBS_OK)
        status = dp_emit(plan, task, &list, range.choice, cuts, error);
    candidates_free(&list);
    dp_range_close(&range);
    mem_free(cuts);
    return status;
}

/* The group [first, end) by itself: choice[end] is how it is best. False if memory is out. */
static bool solve_group(dp_choice *choice, const plan_task *task, const candidates *list,
                        int32_t first, int32_t end, const bool *starts)
{
    dp_range range = {0};
    const bool solved =
        dp_range_open(&range, task, list, first, end) && dp_range_solve(&range, starts, INFINITY);
    if (solved)
        choice[end] =
            isfinite(dp_range_least(&range)) ? range.choice[end - first] : (dp_choice){.first = -1};
    dp_range_close(&range);
    return solved;
}

/* All groups; false if memory is out, *fits is false if one does not. */
static bool solve_groups(dp_choice *choice, bool *fits, const plan_task *task,
                         const candidates *list, const bool *starts)
{
    const int32_t steps = task->program->step_count;
    bool *first_alone = mem_calloc((size_t)steps + 1, sizeof *first_alone);
    bool solved = first_alone != NULL;
    *fits = true;
    for (int32_t first = 0, end; solved && first < steps; first = end) {
        for (end = first + 1; end < steps && !starts[end];)
            end++;
        first_alone[0] = true;
        solved = solve_group(choice, task, list, first, end, first_alone);
        *fits = *fits && solved && choice[end].first == first;
    }
    mem_free(first_alone);
    return solved;
}

mbs_status dp_range_plan_cuts(mbs_plan *plan, const plan_task *task, const bool *starts,
                              mbs_error *error)
{
    const size_t room = (size_t)task->program->step_count + 1;
    candidates list = {0};
    bool fits = false;
    dp_choice *choice = mem_calloc(room, sizeof *choice);
    int32_t *cuts = mem_calloc(room, sizeof *cuts);
    mbs_status status = candidates_create(&list, task->batch, error);
    if (status == MBS_OK &&
        (choice == NULL || cuts == NULL || !solve_groups(choice, &fits, task, &list, starts)))
        status = error_memory(error);
    if (status == MBS_OK && !fits)
        status = error_set(error, MBS_ERR_NO_PLAN, "a group does not fit into the buffer");
    if (status == MBS_OK)
        status = dp_emit(plan, task, &list, choice, cuts, error);
    candidates_free(&list);
    mem_free(choice);
    mem_free(cuts);
    return status;
}
