/*
 * From bounds to the optimum: the shortest path by bounds is a bound on every plan; its groups are
 * made more exact, first with prices of their own, then by integer programming, until the shortest
 * path is made of solved groups.
 */
#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "plan/exact/ascent.h"
#include "plan/exact/exact.h"
#include "plan/exact/group_model.h"
#include "plan/exact/look.h"
#include "plan/exact/tight.h"

/* Efforts: 0 bound from the joint prices, 1 from its own, from 2 on solved with more and more
 * nodes. */
#define FIRST_WIDTH     100
#define FIRST_NODES     100
#define LAST_PROPOSED   3
#define HIGHEST_EFFORT  8
#define OWN_ITERATIONS  60
#define NEIGHBOUR_STEPS 4
#define HEIR_STEPS      128
/* So many columns are all looked at each time; of more those within this part of the gap. */
#define ALL_NEAR  1000
#define NEAR_PART 32

static bool is_solved(const exact *x, const column *c)
{
    return c->value != NO_VALUE && c->bound >= c->value << x->l.shift;
}

typedef struct own_prices {
    exact *x;
    column *refined;
} own_prices;

static int64_t own_value(void *context, double *excess)
{
    const own_prices *own = context;
    exact *x = own->x;
    const column *c = own->refined;
    if (exact_stop(x))
        return -1;
    lagrange_update_steps(&x->l, c->candidate, c->first, c->end);
    if (lagrange_row(&x->l, c->candidate, c->first, c->end, x->row) < c->end)
        return -1;
    int64_t bound = x->row[c->end];
    /* behind the room of the joint prices is some for all steps of one candidate */
    const size_t steps = (size_t)x->task->program->step_count;
    double *whole = x->excess + (size_t)x->l.list.count * steps;
    const size_t bytes = (size_t)(c->end - c->first) * sizeof *whole;
    memset(whole + c->first, 0, bytes);
    lagrange_excess(&x->l, c->candidate, c->first, c->end, whole);
    memcpy(excess, whole + c->first, bytes);
    return max_i64(bound, 0);
}

/* The steps in which a group and its neighbours are. */
static int32_t first_near(const column *c)
{
    return c->first > NEIGHBOUR_STEPS ? c->first - NEIGHBOUR_STEPS : 0;
}

static int32_t end_near(const exact *x, const column *c)
{
    const int32_t steps = x->task->program->step_count;
    return c->end + NEIGHBOUR_STEPS < steps ? c->end + NEIGHBOUR_STEPS : steps;
}

/* After the group's prices changed, or were put back. */
static void update_near(exact *x, const column *c)
{
    lagrange_update_steps(&x->l, c->candidate, first_near(c), end_near(x, c));
}

/* The prices that suit one group suit its neighbours too: raises their bounds. */
static void share_prices(exact *x, const column *refined)
{
    const column own = *refined;
    const int32_t limit = end_near(x, &own);
    for (int32_t first = first_near(&own); first <= own.first + NEIGHBOUR_STEPS && first < own.end;
         first++) {
        int32_t end = lagrange_row(&x->l, own.candidate, first, limit, x->row);
        for (int32_t i = x->columns.begin[first]; i < x->columns.begin[first + 1]; i++) {
            column *c = &x->columns.columns[i];
            if (c->candidate == own.candidate && c->end <= end)
                c->bound = max_i64(c->bound, x->row[c->end]);
        }
    }
}

/*
 * What a group pays above its ideal for lack of buffer is paid by every group that contains it and
 * has no smaller sub-batch too: what such a group drops from the buffer would do for the part. Only
 * pinning may gain by the parameters that the part does not have.
 */
static void inherit_bound(exact *x, const column *part)
{
    const lagrange *l = &x->l;
    const int64_t again = l->list.iterations[part->candidate] - 1;
    const int64_t paid = part->bound - (part->ideal << l->shift);
    const int64_t weights = l->weight_sum[part->end] - l->weight_sum[part->first];
    const int64_t accumulators = l->accumulator_sum[part->end] - l->accumulator_sum[part->first];
    const int64_t shared = l->shared_sum[part->end] - l->shared_sum[part->first];
    const int32_t low = part->first > HEIR_STEPS ? part->first - HEIR_STEPS : 0;
    for (int32_t i = x->columns.begin[low]; i < x->columns.begin[part->first + 1]; i++) {
        column *c = &x->columns.columns[i];
        if (c->end < part->end || c->candidate > part->candidate || c->candidate < 0)
            continue;
        int64_t gain = 0;
        if (x->task->pin) {
            int64_t more = l->accumulator_sum[c->end] - l->accumulator_sum[c->first] - accumulators;
            gain = 2 * again * min_i64(more, x->task->capacity);
            more = l->weight_sum[c->end] - l->weight_sum[c->first] - weights;
            gain += again * min_i64(more, x->task->capacity);
            /* and all users of what is shared, by as much in each iteration */
            more = l->shared_sum[c->end] - l->shared_sum[c->first] - shared;
            gain += (again + 1) * more;
        }
        c->bound = max_i64(c->bound, paid + (c->ideal - gain) * (INT64_C(1) << l->shift));
    }
}

/* The prices of the group's steps at its candidate. */
static int64_t *prices_of(exact *x, const column *c)
{
    return x->l.price + (int64_t)c->candidate * x->task->program->step_count + c->first;
}

/*
 * Finds prices that suit one group. The joint prices, which restore_prices puts back, wait in the
 * second half of the room for them.
 */
static void find_prices(exact *x, column *refined, int iterations)
{
    const size_t steps = (size_t)x->task->program->step_count;
    const size_t count = (size_t)(refined->end - refined->first);
    int64_t *price = prices_of(x, refined);
    own_prices own = {x, refined};
    memcpy(x->best_price + steps, price, count * sizeof *price);
    ascent a = {.l = &x->l,
                .price = price,
                .count = count,
                .value = own_value,
                .context = &own,
                .iterations = iterations,
                .patience = 4,
                .gap = 0.01 * (double)refined->bound + 1,
                .smallest = 1e-6 * (double)refined->bound + 1,
                .excess = x->excess,
                .best_price = x->best_price};
    ascend(&a);
    update_near(x, refined);
}

static void restore_prices(exact *x, const column *refined)
{
    const size_t steps = (size_t)x->task->program->step_count;
    const size_t count = (size_t)(refined->end - refined->first);
    memcpy(prices_of(x, refined), x->best_price + steps, count * sizeof *x->best_price);
    update_near(x, refined);
}

static void refine_prices(exact *x, column *refined)
{
    find_prices(x, refined, OWN_ITERATIONS);
    share_prices(x, refined);
    restore_prices(x, refined);
    refined->effort = 1;
}

/* Goes over to the prices of a proposal if the group's bound is higher with them. */
static void try_prices(exact *x, const column *c, const double *proposed)
{
    const size_t count = (size_t)(c->end - c->first);
    int64_t *price = prices_of(x, c);
    const double highest = (double)x->l.highest_price[c->candidate];
    lagrange_row(&x->l, c->candidate, c->first, c->end, x->row);
    const int64_t before = x->row[c->end];
    memcpy(x->best_price, price, count * sizeof *price);
    for (size_t i = 0; i < count; i++)
        price[i] = (int64_t)llround(fmin(proposed[i], highest) * ldexp(1, x->l.shift));
    update_near(x, c);
    lagrange_row(&x->l, c->candidate, c->first, c->end, x->row);
    if (x->row[c->end] > before)
        return;
    memcpy(price, x->best_price, count * sizeof *price);
    update_near(x, c);
}

/* Asks GLPK for a solution of the group and for prices. */
static mbs_status propose(exact *x, const pricing *with, column *c, mbs_error *error)
{
    const mbs_step *steps = x->task->program->steps;
    const int32_t touches = steps[c->end - 1].touch_end - steps[c->first].touch_begin;
    group_proposal proposal = {.resident = mem_calloc((size_t)touches + 1, sizeof(bool)),
                               .price = x->excess};
    if (proposal.resident == NULL)
        return error_memory(error);
    mbs_status status =
        group_model_solve(with, c, FIRST_NODES << 2 * (c->effort - 2), &proposal, error);
    if (status == MBS_OK && proposal.priced)
        try_prices(x, c, proposal.price);
    if (status == MBS_OK && proposal.found)
        column_offer(with, c, proposal.resident);
    else
        mem_free(proposal.resident);
    return status;
}

/* The more effort was in vain, the more is made. */
static mbs_status solve_column(exact *x, column *c, mbs_error *error)
{
    int64_t rest = x->distance[c->first] + x->distance_end[c->end];
    const bool ask = c->effort > 1 && c->effort <= LAST_PROPOSED;
    pricing with = {.l = &x->l,
                    .scratch = x->scratch,
                    .width = FIRST_WIDTH << 2 * (c->effort - 1),
                    .cutoff = look_target(x) - rest,
                    .stop = exact_stop,
                    .context = x};
    find_prices(x, c, OWN_ITERATIONS << c->effort);
    mbs_status status = ask ? propose(x, &with, c, error) : MBS_OK;
    c->effort++;
    if (status == MBS_OK)
        status = column_price(&with, c, error);
    restore_prices(x, c);
    inherit_bound(x, c);
    return status;
}

/* By the capacities of its own steps; prices found first are shared with its neighbours. */
static mbs_status work_on_column(exact *x, column *c, mbs_error *error)
{
    const int32_t first = c->effort == 0 ? first_near(c) : c->first;
    const int32_t end = c->effort == 0 ? end_near(x, c) : c->end;
    tight_window window;
    mbs_status status = tight_open(&window, &x->l, c->candidate, first, end, error);
    if (status != MBS_OK)
        return status;
    if (c->effort == 0)
        refine_prices(x, c);
    else
        status = solve_column(x, c, error);
    tight_close(&window, &x->l);
    return status;
}

/* Works on the path's groups of the least effort; *worked is false if none is left to work on. */
static mbs_status work_on_path(exact *x, bool *worked, mbs_error *error)
{
    int32_t least = HIGHEST_EFFORT;
    mbs_status status = MBS_OK;
    for (int32_t i = 0; i < x->path.count; i++) {
        const column *c = &x->columns.columns[x->path.columns[i]];
        if (!is_solved(x, c) && c->effort < least)
            least = c->effort;
    }
    *worked = least < HIGHEST_EFFORT;
    for (int32_t i = 0; i < x->path.count && *worked && status == MBS_OK; i++) {
        column *c = &x->columns.columns[x->path.columns[i]];
        if (is_solved(x, c) || c->effort > least || exact_stop(x))
            continue;
        status = work_on_column(x, c, error);
    }
    return status;
}

static mbs_status improve_incumbent(exact *x, mbs_error *error)
{
    const int32_t steps = x->task->program->step_count;
    bool solved = true;
    for (int32_t i = 0; i < x->path.count; i++) {
        const column *c = &x->columns.columns[x->path.columns[i]];
        x->from[c->end] = c->first;
        x->from_candidate[c->end] = c->candidate;
        solved = solved && (c->effort < 2 || c->value != NO_VALUE);
    }
    mbs_status status = solved ? MBS_OK : exact_try_path(x, error);
    if (status != MBS_OK)
        return status;
    if (!column_shortest(&x->columns, steps, true, x->distance, x->from, &x->path) ||
        x->path.length >= x->incumbent)
        return MBS_OK;
    return exact_take_path(x, &x->columns, x->path.length, error);
}

/* Drops the groups that no plan better than the incumbent contains. Distances must be fresh. */
static mbs_status drop_columns(exact *x, mbs_error *error)
{
    const int64_t target = look_target(x);
    column_list *list = &x->columns;
    int32_t kept = 0;
    for (int32_t i = 0; i < list->count; i++) {
        column *c = &list->columns[i];
        if (x->distance[c->first] + c->bound + x->distance_end[c->end] < target)
            list->columns[kept++] = *c;
        else
            mem_free(c->resident);
    }
    list->count = kept;
    column_list_shrink(list);
    return column_list_index(list, x->task->program->step_count, error);
}

/* The shortest path by bounds, and distances from and to both ends. Whether there is a path. */
static bool find_path(exact *x)
{
    const int32_t steps = x->task->program->step_count;
    const bool exists = column_shortest(&x->columns, steps, false, x->distance, x->from, &x->path);
    column_distances_to_end(&x->columns, steps, x->distance_end);
    plan_watch_work(x->task->watch, column_list_looked_at(&x->columns));
    return exists;
}

/*
 * Looks at all columns anew, and from then on at those alone with which a path may be shorter than
 * *limit, which is raised until there is one. False if no better plan is left.
 */
static bool find_near(exact *x, int64_t *limit, mbs_status *status, mbs_error *error)
{
    column_list_widen(&x->columns);
    if (!find_path(x))
        return false;
    *status = drop_columns(x, error);
    *limit = max_i64(*limit, x->path.length);
    int64_t more = (look_target(x) - *limit) / NEAR_PART + 1;
    for (; *status == MBS_OK && *limit < look_target(x); more *= 2) {
        *limit =
            x->columns.count <= ALL_NEAR ? look_target(x) : min_i64(*limit + more, look_target(x));
        *status = column_list_narrow(&x->columns, x->distance, x->distance_end, *limit, error);
        if (*status == MBS_OK && find_path(x) && x->path.length < *limit)
            return true;
        column_list_widen(&x->columns);
        find_path(x);
    }
    return false;
}

mbs_status exact_refine(exact *x, mbs_error *error)
{
    mbs_status status = MBS_OK;
    int64_t limit = 0; /* scaled: no better plan without the columns that are looked at is below */
    for (bool worked = true; worked && status == MBS_OK;) {
        const bool exists = (limit > 0 && find_path(x) && x->path.length < limit) ||
                            find_near(x, &limit, &status, error);
        if (status != MBS_OK)
            break;
        exact_raise_bound(x, exists ? lagrange_bytes(&x->l, x->path.length) : x->incumbent);
        if (exact_closed(x) || exact_stop(x))
            break;
        status = work_on_path(x, &worked, error);
        if (status == MBS_OK)
            status = improve_incumbent(x, error);
    }
    return status;
}
