/* Good prices: first per candidate as if it were the only one, then for all together. */

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "plan/exact/ascent.h"
#include "plan/exact/exact.h"
#include "plan/exact/price_memory.h"
#include "plan/exact/strip_columns.h"
#include "plan/groups.h"

#define SINGLE_ITERATIONS   300
#define JOINT_ITERATIONS    400
#define FIRST_ITERATIONS    10 /* over all groups: dear */
#define RECALLED_ITERATIONS 1
#define ELIMINATE_EVERY     10
#define TRIED_WIDTH         100
#define TRIED_CANDIDATES    4
/* Joint prices are good enough when a round gains less than this part of the traffic. */
#define SETTLED 5e-3

/* One candidate for all steps: its runs of feasible steps, each one group. */
typedef struct single {
    exact *x;
    int32_t candidate;
} single;

static int64_t single_value(void *context, double *excess)
{
    const single *s = context;
    exact *x = s->x;
    const int32_t steps = x->task->program->step_count;
    int64_t bound = 0;
    if (exact_stop(x))
        return -1;
    lagrange_update(&x->l, s->candidate);
    for (int32_t k = 0; k < steps;) {
        int32_t end = lagrange_row(&x->l, s->candidate, k, steps, x->row);
        if (end > k) {
            bound += x->row[end];
            lagrange_excess(&x->l, s->candidate, k, end, excess);
        }
        k = end > k ? end : k + 1;
    }
    return max_i64(bound, 0);
}

static void price_candidates(exact *x)
{
    const size_t steps = (size_t)x->task->program->step_count;
    plan_task unpinned = *x->task;
    unpinned.pin = false; /* a pool over the whole phase is no guide */
    x->l.task = &unpinned;
    for (int32_t c = 0; c < x->l.list.count; c++) {
        single context = {x, c};
        ascent a = {.l = &x->l,
                    .price = x->l.price + (size_t)c * steps,
                    .count = steps,
                    .value = single_value,
                    .context = &context,
                    .iterations = SINGLE_ITERATIONS,
                    .patience = 8,
                    .gap = 0.2 * (double)(x->incumbent << x->l.shift),
                    .smallest = 1e-4 * (double)(x->incumbent << x->l.shift),
                    .excess = x->excess,
                    .best_price = x->best_price};
        ascend(&a);
        lagrange_update(&x->l, c);
    }
    x->l.task = x->task;
}

static int32_t *row_limit(exact *x, int32_t c, int32_t first)
{
    return &x->row_limit[(int64_t)c * x->task->program->step_count + first];
}

static void relax_strips(exact *x, int32_t first)
{
    for (int32_t i = x->strips.begin[first]; i < x->strips.begin[first + 1]; i++) {
        const column *c = &x->strips.columns[i];
        if (x->distance[first] + c->bound >= x->distance[c->end])
            continue;
        x->distance[c->end] = x->distance[first] + c->bound;
        x->from[c->end] = first;
        x->from_candidate[c->end] = COLUMN_STRIPS;
    }
}

/*
 * The shortest path over all groups not yet ruled out, at the present prices; INT64_MIN if it was
 * stopped.
 */
static int64_t shortest(exact *x)
{
    const int32_t steps = x->task->program->step_count;
    for (int32_t k = 1; k <= steps; k++)
        x->distance[k] = COLUMN_FAR;
    x->distance[0] = 0;
    for (int32_t first = 0; first < steps; first++) {
        const int64_t so_far = x->distance[first];
        if (plan_watch_is_past(x->task->watch))
            return INT64_MIN;
        int64_t length = so_far + (x->l.passes_cost[first] << x->l.shift);
        if (length < x->distance[first + 1]) {
            x->distance[first + 1] = length;
            x->from[first + 1] = first;
            x->from_candidate[first + 1] = COLUMN_PASSES;
        }
        relax_strips(x, first);
        for (int32_t c = 0; c < x->l.list.count; c++) {
            int32_t end = lagrange_row(&x->l, c, first, *row_limit(x, c, first), x->row);
            for (int32_t e = first + 1; e <= end; e++) {
                if (so_far + x->row[e] >= x->distance[e])
                    continue;
                x->distance[e] = so_far + x->row[e];
                x->from[e] = first;
                x->from_candidate[e] = c;
            }
        }
    }
    return x->distance[steps];
}

static int64_t joint_value(void *context, double *excess)
{
    exact *x = context;
    const int32_t steps = x->task->program->step_count;
    if (exact_stop(x))
        return -1;
    for (int32_t c = 0; c < x->l.list.count; c++)
        lagrange_update(&x->l, c);
    int64_t bound = shortest(x);
    if (bound == INT64_MIN)
        return -1;
    for (int32_t end = steps; end > 0; end = x->from[end]) {
        int32_t c = x->from_candidate[end];
        if (c >= 0)
            lagrange_excess(&x->l, c, x->from[end], end, excess + (int64_t)c * steps);
    }
    exact_raise_bound(x, lagrange_bytes(&x->l, bound));
    return exact_closed(x) ? -1 : max_i64(bound, 0);
}

/* Distances to the end over all groups, from rows kept only as the least of their candidates. */
static bool distances_to_end(exact *x, int64_t *least)
{
    const int32_t steps = x->task->program->step_count;
    for (int32_t first = 0; first < steps; first++) {
        int64_t *pair = least + (int64_t)first * (steps + 1);
        if (exact_stop(x))
            return false;
        for (int32_t e = first + 1; e <= steps; e++)
            pair[e] = COLUMN_FAR;
        pair[first + 1] = x->l.passes_cost[first] << x->l.shift;
        for (int32_t i = x->strips.begin[first]; i < x->strips.begin[first + 1]; i++) {
            const column *c = &x->strips.columns[i];
            pair[c->end] = min_i64(pair[c->end], c->bound);
        }
        for (int32_t c = 0; c < x->l.list.count; c++) {
            int32_t end = lagrange_row(&x->l, c, first, *row_limit(x, c, first), x->row);
            for (int32_t e = first + 1; e <= end; e++)
                pair[e] = min_i64(pair[e], x->row[e]);
        }
    }
    x->distance_end[steps] = 0;
    for (int32_t first = steps; first-- > 0;) {
        const int64_t *pair = least + (int64_t)first * (steps + 1);
        x->distance_end[first] = COLUMN_FAR;
        for (int32_t e = first + 1; e <= steps; e++)
            if (pair[e] < COLUMN_FAR)
                x->distance_end[first] =
                    min_i64(x->distance_end[first], pair[e] + x->distance_end[e]);
    }
    return true;
}

/* Rules out the groups that no plan better than the incumbent contains. Distances must be fresh. */
static mbs_status tighten_limits(exact *x, mbs_error *error)
{
    const int32_t steps = x->task->program->step_count;
    const int64_t target = x->incumbent << x->l.shift;
    for (int32_t first = 0; first < steps && !plan_watch_is_past(x->task->watch); first++) {
        for (int32_t c = 0; c < x->l.list.count; c++) {
            int32_t *limit = row_limit(x, c, first);
            int32_t end = lagrange_row(&x->l, c, first, *limit, x->row);
            while (end > first && x->distance[first] + x->row[end] + x->distance_end[end] >= target)
                end--;
            *limit = end;
        }
    }
    return strip_columns_drop(&x->strips, &x->l, x->distance, x->distance_end, x->incumbent, error);
}

/* Adds those groups of one first step and candidate that may be part of a better plan. */
static mbs_status collect_row(exact *x, int32_t first, int32_t c, const int64_t *moved,
                              mbs_error *error)
{
    const lagrange *l = &x->l;
    const int64_t target = x->incumbent << l->shift;
    mbs_status status = MBS_OK;
    int32_t end = lagrange_row(&x->l, c, first, *row_limit(x, c, first), x->row);
    for (int32_t e = first + 1; e <= end && status == MBS_OK; e++) {
        if (x->distance[first] + x->row[e] + x->distance_end[e] >= target)
            continue;
        column group = {.first = first,
                        .end = e,
                        .candidate = c,
                        .bound = max_i64(x->row[e], 0),
                        .ideal = moved[e] + lagrange_parameter_moves(l, c, first, e),
                        .value = NO_VALUE};
        status = column_list_add(&x->columns, &group, error);
    }
    return status;
}

static mbs_status collect_columns(exact *x, int64_t *moved, mbs_error *error)
{
    const int32_t steps = x->task->program->step_count;
    const int64_t target = x->incumbent << x->l.shift;
    mbs_status status = MBS_OK;
    for (int32_t first = 0; first < steps && status == MBS_OK; first++) {
        int32_t limit = first;
        for (int32_t c = 0; c < x->l.list.count; c++)
            limit = *row_limit(x, c, first) > limit ? *row_limit(x, c, first) : limit;
        moved[first] = 0;
        for (int32_t k = first; k < limit; k++)
            moved[k + 1] =
                moved[k] + x->task->batch * group_activation_change(x->task->program, first, k);
        column alone = {.first = first,
                        .end = first + 1,
                        .candidate = COLUMN_PASSES,
                        .bound = x->l.passes_cost[first] << x->l.shift,
                        .value = x->l.passes_cost[first]};
        if (x->distance[first] + alone.bound + x->distance_end[first + 1] < target)
            status = column_list_add(&x->columns, &alone, error);
        for (int32_t i = x->strips.begin[first]; i < x->strips.begin[first + 1]; i++) {
            const column *c = &x->strips.columns[i];
            if (status == MBS_OK &&
                x->distance[first] + c->bound + x->distance_end[c->end] < target)
                status = column_list_add(&x->columns, c, error);
        }
        for (int32_t c = 0; c < x->l.list.count && status == MBS_OK; c++)
            status = collect_row(x, first, c, moved, error);
    }
    return status == MBS_OK ? column_list_index(&x->columns, steps, error) : status;
}

static bool refresh_distances(exact *x, int64_t *least)
{
    for (int32_t c = 0; c < x->l.list.count; c++)
        lagrange_update(&x->l, c);
    const int64_t bound = shortest(x);
    if (bound == INT64_MIN)
        return false;
    exact_raise_bound(x, lagrange_bytes(&x->l, bound));
    return distances_to_end(x, least);
}

/*
 * A solution of the group's steps, with the group's candidate or one with smaller sub-batches,
 * which are easier to find room for.
 */
static mbs_status try_group(exact *x, column *group, mbs_error *error)
{
    const pricing with = {.l = &x->l,
                          .scratch = x->scratch,
                          .width = TRIED_WIDTH,
                          .cutoff = COLUMN_FAR,
                          .stop = exact_stop,
                          .context = x};
    mbs_status status = MBS_OK;
    for (int32_t c = group->candidate, most = c + TRIED_CANDIDATES;
         c < most && c < x->l.list.count && status == MBS_OK; c++) {
        if (lagrange_row(&x->l, c, group->first, group->end, x->row) < group->end)
            continue;
        column tried = {
            .first = group->first, .end = group->end, .candidate = c, .value = NO_VALUE};
        status = column_price(&with, &tried, error);
        if (tried.value < group->value) {
            mem_free(group->resident);
            *group = tried;
        } else {
            mem_free(tried.resident);
        }
    }
    return status;
}

mbs_status exact_try_path(exact *x, mbs_error *error)
{
    column_list tried = {0};
    mbs_status status = MBS_OK;
    int64_t total = 0;
    for (int32_t end = x->task->program->step_count;
         end > 0 && status == MBS_OK && total < x->incumbent; end = x->from[end]) {
        const int32_t first = x->from[end];
        column group = {
            .first = first, .end = end, .candidate = x->from_candidate[end], .value = NO_VALUE};
        if (group.candidate == COLUMN_PASSES)
            group.value = x->l.passes_cost[first];
        else if (group.candidate == COLUMN_STRIPS)
            group = *strip_columns_at(&x->strips, first, end);
        else
            status = try_group(x, &group, error);
        total = group.value == NO_VALUE ? INT64_MAX : total + group.value;
        mbs_status added = column_list_add(&tried, &group, error);
        if (added != MBS_OK)
            mem_free(group.resident);
        status = status == MBS_OK ? added : status;
    }
    if (status == MBS_OK && total < x->incumbent) {
        for (int32_t i = 0; i < tried.count; i++)
            x->path.columns[i] = i;
        x->path.count = tried.count;
        status = exact_take_path(x, &tried, total, error);
    }
    column_list_free(&tried);
    return status;
}

/* Prices of a like program are near enough to rule groups out at once. */
static mbs_status price_jointly(exact *x, int64_t *least, bool recalled, mbs_error *error)
{
    const size_t count = (size_t)x->l.list.count * (size_t)x->task->program->step_count;
    const double scaled = (double)(x->incumbent << x->l.shift);
    double gap = (recalled ? 0.01 : 0.05) * scaled;
    for (int round = 0; round < JOINT_ITERATIONS / ELIMINATE_EVERY && gap > 1e-5 * scaled;
         round++) {
        ascent a = {.l = &x->l,
                    .price = x->l.price,
                    .count = count,
                    .value = joint_value,
                    .context = x,
                    .iterations = round > 0  ? ELIMINATE_EVERY
                                  : recalled ? RECALLED_ITERATIONS
                                             : FIRST_ITERATIONS,
                    .patience = 5,
                    .gap = gap,
                    .smallest = 1e-5 * scaled,
                    .excess = x->excess,
                    .best_price = x->best_price};
        int64_t before = x->bound;
        ascend(&a);
        gap = a.gap;
        if (exact_closed(x) || exact_stop(x) || !refresh_distances(x, least))
            break;
        bool settled = round > 0 && (double)(x->bound - before) < SETTLED * (double)x->incumbent;
        mbs_status status = settled || round % 3 == 0 ? exact_try_path(x, error) : MBS_OK;
        if (status != MBS_OK)
            return status;
        status = tighten_limits(x, error);
        if (settled || status != MBS_OK)
            return status;
    }
    return MBS_OK;
}

mbs_status exact_price_buffer(exact *x, mbs_error *error)
{
    const size_t steps = (size_t)x->task->program->step_count;
    int64_t *least = mem_alloc(steps * (steps + 1) * sizeof *least);
    if (least == NULL)
        return error_memory(error);
    const bool recalled = price_memory_recall(x->task->watch->prices, &x->l);
    if (!recalled)
        price_candidates(x);
    mbs_status status = price_jointly(x, least, recalled, error);
    price_memory_keep(x->task->watch->prices, &x->l);
    if (status == MBS_OK && !exact_closed(x) && !exact_stop(x) && refresh_distances(x, least))
        status = collect_columns(x, least, error); /* `least` is free to use again */
    mem_free(least);
    return status;
}
