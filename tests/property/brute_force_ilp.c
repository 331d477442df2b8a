#include "brute_force_ilp.h"

#include "brute_force_strips.h"

/*
 * Written from the model's text alone: it calls nothing of cost/ or plan/. A schedule's traffic is
 * the sum of its groups' (an interval is resident within one group only), so the least traffic of
 * each group is found by trying all its residencies, and then all partitions are tried.
 */

#define MAX_STEPS 16

typedef struct interval {
    int32_t begin; /* touches */
    int32_t end;
} interval;

typedef struct group {
    const oracle_task *task;
    int32_t first;
    int32_t end;
    int64_t iterations;
    int64_t sub_batch;
    interval intervals[BRUTE_FORCE_INTERVALS];
    int32_t interval_count;
} group;

static const mbs_touch *touch_of(const group *g, int32_t touch)
{
    return &g->task->program->touches[touch];
}

static int64_t bytes_of(const group *g, int32_t touch)
{
    return g->task->program->tensors[touch_of(g, touch)->tensor].bytes;
}

static bool inside(const group *g, int32_t touch)
{
    return touch >= 0 && touch_of(g, touch)->step >= g->first && touch_of(g, touch)->step < g->end;
}

/* Whether touch t begins (or ends) a resident interval. */
static bool stays_after(const group *g, uint32_t residency, int32_t t)
{
    for (int32_t i = 0; i < g->interval_count; i++)
        if (g->intervals[i].begin == t)
            return residency >> i & 1;
    return false;
}

static bool stays_before(const group *g, uint32_t residency, int32_t t)
{
    for (int32_t i = 0; i < g->interval_count; i++)
        if (g->intervals[i].end == t)
            return residency >> i & 1;
    return false;
}

/* Footprint of step k without pinned bytes, in its smaller mode, if it writes over the operand of
 * touch `over`; -1: over nothing. */
static int64_t footprint_over(const group *g, uint32_t residency, int32_t k, int32_t over)
{
    const mbs_step *step = &g->task->program->steps[k];
    int64_t resident = 0;
    int64_t other = 0;
    int64_t crossing = 0;
    for (int32_t i = 0; i < g->interval_count; i++)
        if ((residency >> i & 1) && touch_of(g, g->intervals[i].begin)->step < k &&
            touch_of(g, g->intervals[i].end)->step > k)
            crossing += bytes_of(g, g->intervals[i].begin);
    for (int32_t t = step->touch_begin; t < step->touch_end; t++) {
        if (over >= 0 && t == step->write_begin)
            continue; /* where the operand is */
        if (t == over && stays_after(g, residency, step->write_begin))
            resident += bytes_of(g, t);
        else if (stays_before(g, residency, t) || stays_after(g, residency, t))
            resident += bytes_of(g, t);
        else
            other += bytes_of(g, t);
    }
    int64_t held = g->sub_batch * (crossing + resident);
    int64_t staged = held + g->sub_batch * other;
    int64_t streamed =
        held + step->weight_bytes + step->accumulator_bytes + (step->whole_sample ? other : 0);
    return g->task->stream && streamed < staged ? streamed : staged;
}

/* The least of all that it may do. */
static int64_t footprint(const group *g, uint32_t residency, int32_t k)
{
    const mbs_step *step = &g->task->program->steps[k];
    int64_t least = footprint_over(g, residency, k, -1);
    for (int32_t t = step->touch_begin; t < step->write_begin; t++)
        if (oracle_may_replace(g->task, t) && !stays_after(g, residency, t)) {
            const int64_t bytes = footprint_over(g, residency, k, t);
            least = bytes < least ? bytes : least;
        }
    return least;
}

/* Whether the tensor that touch t produces must be written, with this residency in its group. */
static bool is_written(const group *g, uint32_t residency, int32_t t)
{
    if (g->task->program->tensors[touch_of(g, t)->tensor].kept)
        return true;
    for (; touch_of(g, t)->next >= 0; t = touch_of(g, t)->next)
        if (!stays_after(g, residency, t))
            return true;
    return false;
}

/* Bytes per sample: reads, each `passes` times, and writes. */
static int64_t activations(const group *g, uint32_t residency, int64_t passes)
{
    int64_t bytes = 0;
    for (int32_t k = g->first; k < g->end; k++) {
        const mbs_step *step = &g->task->program->steps[k];
        for (int32_t t = step->touch_begin; t < step->write_begin; t++)
            if (!stays_before(g, residency, t))
                bytes += passes * bytes_of(g, t);
        for (int32_t t = step->write_begin; t < step->touch_end; t++)
            if (is_written(g, residency, t))
                bytes += bytes_of(g, t);
    }
    return bytes;
}

static void find_intervals(group *g)
{
    const mbs_program *p = g->task->program;
    g->interval_count = 0;
    for (int32_t t = 0; t < p->touch_count; t++)
        if (inside(g, t) && inside(g, p->touches[t].next))
            g->intervals[g->interval_count++] = (interval){t, p->touches[t].next};
}

static int64_t in_passes(const group *g)
{
    const mbs_step *step = &g->task->program->steps[g->first];
    const int64_t bytes = step->weight_bytes + step->accumulator_bytes;
    int64_t passes = (bytes + g->task->buffer_bytes - 1) / g->task->buffer_bytes;
    if (passes < 1)
        passes = 1;
    if (step->whole_sample && passes < g->task->norm_passes)
        passes = g->task->norm_passes;
    return g->task->batch * activations(g, 0, passes) + bytes +
           oracle_once(g->task->program, g->first, g->first + 1);
}

int64_t brute_force_group(const oracle_task *task, int32_t first, int32_t end, int64_t iterations,
                          bool passes_too)
{
    group g = {.task = task, .first = first, .end = end, .iterations = iterations};
    g.sub_batch = (task->batch + iterations - 1) / iterations;
    find_intervals(&g);
    int64_t best = INT64_MAX;
    if (passes_too && end - first == 1 && iterations == 1)
        best = in_passes(&g);
    for (int32_t k = first; k < end; k++)
        if (iterations > 1 &&
            (task->program->steps[k].coupled || task->program->steps[k].coupled_to >= first))
            return best;
    for (uint32_t residency = 0; residency < UINT32_C(1) << g.interval_count; residency++) {
        int64_t peak = 0;
        for (int32_t k = first; k < end && peak <= task->buffer_bytes; k++) {
            int64_t bytes = footprint(&g, residency, k);
            peak = bytes > peak ? bytes : peak;
        }
        if (peak > task->buffer_bytes)
            continue;
        int64_t traffic =
            task->batch * activations(&g, residency, 1) +
            oracle_parameters(task, first, end, iterations, task->buffer_bytes - peak);
        best = traffic < best ? traffic : best;
    }
    return best;
}

int32_t brute_force_interval_count(const mbs_program *program)
{
    int32_t count = 0;
    for (int32_t t = 0; t < program->touch_count; t++)
        count += program->touches[t].next >= 0;
    return count;
}

/* The least over all I that come of some sub-batch, and all strips. */
static int64_t any_iterations(const oracle_task *task, int32_t first, int32_t end)
{
    int64_t best = task->strips ? brute_force_strips(task, first, end) : INT64_MAX;
    int64_t before = 0;
    for (int64_t b = task->batch; b >= 1; b--) {
        int64_t iterations = (task->batch + b - 1) / b;
        if (iterations == before)
            continue;
        int64_t traffic = brute_force_group(task, first, end, iterations, true);
        best = traffic < best ? traffic : best;
        before = iterations;
    }
    return best;
}

int64_t brute_force_ilp(const oracle_task *task)
{
    const int32_t steps = task->program->step_count;
    int64_t least[MAX_STEPS][MAX_STEPS + 1];
    int64_t best = INT64_MAX;
    for (int32_t first = 0; first < steps; first++)
        for (int32_t end = first + 1; end <= steps; end++)
            least[first][end] = any_iterations(task, first, end);
    for (uint32_t cuts = 0; cuts < UINT32_C(1) << (steps - 1); cuts++) {
        int64_t traffic = 0;
        int32_t first = 0;
        for (int32_t end = 1; end <= steps && traffic < INT64_MAX; end++) {
            if (end < steps && (cuts >> (end - 1) & 1) == 0)
                continue;
            int64_t part = least[first][end];
            traffic = part == INT64_MAX ? INT64_MAX : traffic + part;
            first = end;
        }
        best = traffic < best ? traffic : best;
    }
    return best;
}
