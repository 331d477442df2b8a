#include "plan/exact/core.h"

#include "base/checked.h"
#include "plan/exact/ascent.h"
#include "plan/exact/look.h"

#define ITERATIONS 30
#define PATIENCE   5
/* The core is this part of the groups that are left, or for each step so many. */
#define CORE_PART  16
#define CORE_LEAST 16
#define BISECTIONS 64

static int64_t row_count(const exact *x)
{
    return (int64_t)x->l.list.count * x->task->program->step_count;
}

/* Groups in the rows that may come to `most` or less. */
static int64_t count_groups(const exact *x, int64_t most)
{
    const int32_t steps = x->task->program->step_count;
    int64_t groups = 0;
    for (int64_t i = 0; i < row_count(x); i++)
        if (x->row_best[i] <= most)
            groups += x->row_limit[i] - (int32_t)(i % steps);
    return groups;
}

/* What the rows of the core come to at most. */
static int64_t core_limit(const exact *x)
{
    const int64_t least = (int64_t)CORE_LEAST * x->task->program->step_count;
    const int64_t room = max_i64(count_groups(x, look_target(x)) / CORE_PART, least);
    int64_t low = 0;
    int64_t high = look_target(x);
    for (int i = 0; i < BISECTIONS && low < high; i++) {
        const int64_t middle = low + (high - low) / 2;
        if (count_groups(x, middle) <= room)
            low = middle + 1;
        else
            high = middle;
    }
    return low - 1;
}

typedef struct core {
    exact *x;
    int64_t limit;
} core;

static bool has_row(const core *at, int64_t row)
{
    return at->x->row_best[row] <= at->limit;
}

static bool has_candidate(const core *at, int32_t c)
{
    const int64_t row = lagrange_step_row(&at->x->l, c);
    for (int32_t k = 0; k < at->x->task->program->step_count; k++)
        if (has_row(at, row + k))
            return true;
    return false;
}

static int64_t core_value(void *context, double *excess)
{
    const core *at = context;
    exact *x = at->x;
    const int32_t steps = x->task->program->step_count;
    if (exact_stop(x))
        return -1;
    for (int32_t c = 0; c < x->l.list.count; c++)
        if (has_candidate(at, c))
            lagrange_update(&x->l, c);
    look_start_paths(x);
    for (int32_t first = 0; first < steps; first++) {
        const int64_t before = x->reached[first];
        look_relax_known(x, before, first);
        for (int32_t c = 0; c < x->l.list.count; c++) {
            const int64_t row = lagrange_step_row(&x->l, c) + first;
            if (!has_row(at, row))
                continue;
            const int32_t end = lagrange_row(&x->l, c, first, x->row_limit[row], x->row);
            for (int32_t e = first + 1; e <= end; e++)
                look_relax(x, before, first, e, x->row[e], c);
        }
    }
    for (int32_t end = steps; end > 0; end = x->from[end]) {
        const int32_t c = x->from_candidate[end];
        if (c >= 0)
            lagrange_excess(&x->l, c, x->from[end], end, excess + lagrange_step_row(&x->l, c));
    }
    return max_i64(x->reached[steps], 0);
}

/* The rows behind the bound are in it in any case. */
static void take_path(exact *x)
{
    for (int32_t end = x->task->program->step_count; end > 0; end = x->from[end])
        if (x->from_candidate[end] >= 0)
            x->row_best[lagrange_step_row(&x->l, x->from_candidate[end]) + x->from[end]] = 0;
}

void core_ascend(exact *x, double *gap)
{
    const double scaled = (double)look_target(x);
    take_path(x);
    core at = {x, core_limit(x)};
    ascent a = {.l = &x->l,
                .price = x->l.price,
                .count = (size_t)row_count(x),
                .value = core_value,
                .context = &at,
                .iterations = ITERATIONS,
                .patience = PATIENCE,
                .gap = *gap,
                .smallest = 1e-5 * scaled,
                .excess = x->excess,
                .best_price = x->best_price};
    ascend(&a);
    *gap = a.gap;
    lagrange_update_all(&x->l);
}
