#include "plan/exact/look.h"

#include "base/checked.h"
#include "plan/exact/compulsory.h"

void look_begin(exact *x)
{
    const mbs_program *p = x->task->program;
    const int32_t steps = p->step_count;
    x->distance[0] = x->distance_end[steps] = 0;
    for (int32_t k = 0; k < steps; k++)
        x->distance[k + 1] =
            x->distance[k] + (exact_compulsory_step(p, x->task->batch, k) << x->l.shift);
    for (int32_t k = 0; k < steps; k++)
        x->distance_end[k] = x->distance[steps] - x->distance[k];
}

/* The groups that begin at `first`, at one candidate, in x->row; those from *end on are ruled out.
 */
static void look_at_row(exact *x, int32_t c, int32_t first)
{
    const int64_t row = lagrange_step_row(&x->l, c) + first;
    const int64_t most = look_target(x) - x->distance[first];
    int32_t *limit = &x->row_limit[row];
    int32_t end = lagrange_row(&x->l, c, first, *limit, x->row);
    int64_t best = COLUMN_FAR;
    while (end > first && x->row[end] + x->distance_end[end] >= most)
        end--;
    *limit = end;
    for (int32_t e = first + 1; e <= end; e++) {
        x->row[e] = max_i64(x->row[e], 0); /* a cut that is closed is on no path below the target */
        best = min_i64(best, x->row[e] + x->distance_end[e]);
    }
    x->row_best[row] = x->distance[first] + best;
}

/* Rules out all groups that begin or end at cut k: no better plan has it. */
static void close_cut(exact *x, int32_t k)
{
    x->distance[k] = x->distance_end[k] = look_target(x);
    for (int32_t c = 0; k < x->task->program->step_count && c < x->l.list.count; c++) {
        x->row_limit[lagrange_step_row(&x->l, c) + k] = k;
        x->row_best[lagrange_step_row(&x->l, c) + k] = COLUMN_FAR;
    }
}

static bool is_open(const exact *x, int32_t k)
{
    return x->distance[k] + x->distance_end[k] < look_target(x);
}

void look_start_paths(exact *x)
{
    x->reached[0] = 0;
    for (int32_t k = 1; k <= x->task->program->step_count; k++)
        x->reached[k] = COLUMN_FAR;
}

void look_relax(exact *x, int64_t before, int32_t first, int32_t end, int64_t bound,
                int32_t candidate)
{
    if (before + bound >= x->reached[end])
        return;
    x->reached[end] = before + bound;
    x->from[end] = first;
    x->from_candidate[end] = candidate;
}

void look_relax_known(exact *x, int64_t before, int32_t first)
{
    look_relax(x, before, first, first + 1, x->l.passes_cost[first] << x->l.shift, COLUMN_PASSES);
    for (int32_t i = x->strips.begin[first]; i < x->strips.begin[first + 1]; i++) {
        const column *c = &x->strips.columns[i];
        look_relax(x, before, first, c->end, c->bound, COLUMN_STRIPS);
    }
}

static void relax_from(exact *x, int32_t first)
{
    look_relax_known(x, x->distance[first], first);
    for (int32_t c = 0; c < x->l.list.count; c++) {
        look_at_row(x, c, first);
        const int32_t end = x->row_limit[lagrange_step_row(&x->l, c) + first];
        for (int32_t e = first + 1; e <= end; e++)
            look_relax(x, x->distance[first], first, e, x->row[e], c);
    }
}

int64_t look_forward(exact *x)
{
    const int32_t steps = x->task->program->step_count;
    look_start_paths(x);
    for (int32_t k = 0; k <= steps; k++) {
        if (plan_watch_is_past(x->task->watch))
            return INT64_MIN;
        x->distance[k] = max_i64(x->distance[k], min_i64(x->reached[k], look_target(x)));
        if (!is_open(x, k))
            close_cut(x, k);
        else if (k < steps)
            relax_from(x, k);
    }
    return x->distance[steps];
}

/* The best way on from `first`, scaled; its group is kept. */
static int64_t way_on(exact *x, int32_t first)
{
    int64_t least = (x->l.passes_cost[first] << x->l.shift) + x->distance_end[first + 1];
    x->to[first] = first + 1;
    x->to_candidate[first] = COLUMN_PASSES;
    for (int32_t i = x->strips.begin[first]; i < x->strips.begin[first + 1]; i++) {
        const column *c = &x->strips.columns[i];
        if (c->bound + x->distance_end[c->end] >= least)
            continue;
        least = c->bound + x->distance_end[c->end];
        x->to[first] = c->end;
        x->to_candidate[first] = COLUMN_STRIPS;
    }
    for (int32_t c = 0; c < x->l.list.count; c++) {
        look_at_row(x, c, first);
        const int32_t end = x->row_limit[lagrange_step_row(&x->l, c) + first];
        for (int32_t e = first + 1; e <= end; e++) {
            if (x->row[e] + x->distance_end[e] >= least)
                continue;
            least = x->row[e] + x->distance_end[e];
            x->to[first] = e;
            x->to_candidate[first] = c;
        }
    }
    return least;
}

int64_t look_back(exact *x)
{
    const int32_t steps = x->task->program->step_count;
    for (int32_t k = steps; k-- > 0;) {
        if (plan_watch_is_past(x->task->watch))
            return INT64_MIN;
        if (is_open(x, k))
            x->distance_end[k] = max_i64(x->distance_end[k], min_i64(way_on(x, k), look_target(x)));
        if (!is_open(x, k))
            close_cut(x, k);
    }
    if (x->distance_end[0] >= look_target(x))
        return look_target(x);
    for (int32_t k = 0; k < steps; k = x->to[k]) {
        x->from[x->to[k]] = k;
        x->from_candidate[x->to[k]] = x->to_candidate[k];
    }
    return x->distance_end[0];
}
