/* Good prices: first per candidate as if it were the only one, then for all together. */

#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "plan/exact/ascent.h"
#include "plan/exact/core.h"
#include "plan/exact/look.h"
#include "plan/exact/price_memory.h"
#include "plan/exact/strip_columns.h"
#include "plan/groups.h"

#define SINGLE_ITERATIONS 300
/* Recalled prices are of use if their bound is this part of what a few iterations make of them. */
#define MEND_ITERATIONS  30
#define USEFUL           0.7
#define TRIED_WIDTH      100
#define TRIED_CANDIDATES 4
/* How far above the first bound prices aim, in parts of the gap. */
#define FIRST_LEVEL 0.25
#define MOST_LOOKS  40
/* Prices have settled when so many looks in turn gain less than this part of the traffic each. */
#define MOST_FAILED 2
#define SETTLED     1e-2

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

/* The best that could be found with `iterations`, as if the candidate were the only one; its bound.
 */
static int64_t price_candidate(exact *x, int32_t c, int iterations)
{
    const size_t steps = (size_t)x->task->program->step_count;
    single context = {x, c};
    ascent a = {.l = &x->l,
                .price = x->l.price + (size_t)c * steps,
                .count = steps,
                .value = single_value,
                .context = &context,
                .iterations = iterations,
                .patience = 8,
                .gap = 0.2 * (double)look_target(x),
                .smallest = 1e-4 * (double)look_target(x),
                .excess = x->excess,
                .best_price = x->best_price};
    const int64_t bound = ascend(&a);
    lagrange_update(&x->l, c);
    return bound;
}

static void price_candidates(exact *x)
{
    plan_task unpinned = *x->task;
    unpinned.pin = false; /* a pool over the whole phase is no guide */
    x->l.task = &unpinned;
    for (int32_t c = 0; c < x->l.list.count; c++)
        price_candidate(x, c, SINGLE_ITERATIONS);
    x->l.task = x->task;
}

/* Recalled prices stay, but of candidates for which they are of little use in this program. */
static void mend_candidates(exact *x)
{
    const int64_t steps = x->task->program->step_count;
    int64_t *recalled = x->reached; /* room */
    plan_task unpinned = *x->task;
    unpinned.pin = false; /* as of price_candidates */
    x->l.task = &unpinned;
    for (int32_t c = 0; c < x->l.list.count && !plan_watch_is_over(x->task->watch); c++) {
        int64_t *price = x->l.price + (int64_t)c * steps;
        memcpy(recalled, price, (size_t)steps * sizeof *price);
        const int64_t before = price_candidate(x, c, 1);
        const int64_t after = price_candidate(x, c, MEND_ITERATIONS);
        if ((double)before < USEFUL * (double)after)
            continue;
        memcpy(price, recalled, (size_t)steps * sizeof *price);
        lagrange_update(&x->l, c);
    }
    x->l.task = x->task;
}

/* Adds those groups of one first step and candidate that may be part of a better plan. */
static mbs_status collect_row(exact *x, int32_t first, int32_t c, const int64_t *moved,
                              mbs_error *error)
{
    const lagrange *l = &x->l;
    const int64_t target = look_target(x);
    mbs_status status = MBS_OK;
    int32_t end =
        lagrange_row(&x->l, c, first, x->row_limit[lagrange_step_row(&x->l, c) + first], x->row);
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

static mbs_status collect_columns(exact *x, mbs_error *error)
{
    int64_t *moved = x->reached; /* room for what the group of each end moves */
    const int32_t steps = x->task->program->step_count;
    const int64_t target = look_target(x);
    mbs_status status = MBS_OK;
    for (int32_t first = 0; first < steps && status == MBS_OK; first++) {
        int32_t limit = first;
        for (int32_t c = 0; c < x->l.list.count; c++) {
            const int32_t end = x->row_limit[lagrange_step_row(&x->l, c) + first];
            limit = end > limit ? end : limit;
        }
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
    if (status == MBS_OK)
        status = column_list_raise(&x->columns, steps, x->distance, x->distance_end, error);
    return status == MBS_OK ? column_list_index(&x->columns, steps, error) : status;
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

/* The prices of the best look so far. */
typedef struct best_look {
    int64_t *price;
    int64_t bound;
    int failed; /* looks since then that gained next to nothing */
} best_look;

static size_t price_bytes(const exact *x)
{
    return (size_t)x->l.list.count * (size_t)x->task->program->step_count * sizeof *x->l.price;
}

/* Whether the prices have settled: those of the best look are then in place. */
static bool is_settled(exact *x, best_look *best, int64_t bound)
{
    const double gain = (double)(bound - best->bound);
    best->failed = gain < SETTLED * (double)look_target(x) ? best->failed + 1 : 0;
    if (bound > best->bound) {
        best->bound = bound;
        memcpy(best->price, x->l.price, price_bytes(x));
    }
    if (best->failed < MOST_FAILED)
        return false;
    memcpy(x->l.price, best->price, price_bytes(x));
    lagrange_update_all(&x->l);
    return true;
}

/* Looks over all groups, forward and back in turn, and between them moves the prices. */
static mbs_status price_jointly(exact *x, best_look *best, mbs_error *error)
{
    double gap = 0;
    mbs_status status = MBS_OK;
    look_begin(x);
    for (int round = 0; round < MOST_LOOKS && status == MBS_OK; round++) {
        const int64_t bound = round % 2 == 0 ? look_forward(x) : look_back(x);
        if (bound == INT64_MIN)
            break;
        exact_raise_bound(x, lagrange_bytes(&x->l, bound));
        if (exact_closed(x) || exact_stop(x))
            break;
        if (round % 3 == 0)
            status = exact_try_path(x, error);
        if (status == MBS_OK)
            status = strip_columns_drop(&x->strips, &x->l, x->distance, x->distance_end,
                                        x->incumbent, error);
        if (round == 0 || status != MBS_OK)
            continue; /* at the same prices back again */
        if (round == 1)
            gap = FIRST_LEVEL * (double)(look_target(x) - bound);
        if (is_settled(x, best, bound))
            break;
        core_ascend(x, &gap);
    }
    return status;
}

mbs_status exact_price_buffer(exact *x, mbs_error *error)
{
    best_look best = {.price = mem_calloc(1, price_bytes(x)), .bound = INT64_MIN / 2};
    if (best.price == NULL)
        return error_memory(error);
    if (price_memory_recall(x->task->watch->prices, &x->l))
        mend_candidates(x);
    else
        price_candidates(x);
    mbs_status status = price_jointly(x, &best, error);
    mem_free(best.price);
    price_memory_keep(x->task->watch->prices, &x->l);
    if (status == MBS_OK && !exact_closed(x) && !exact_stop(x))
        status = collect_columns(x, error);
    return status;
}
