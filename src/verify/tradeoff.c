/*
 * Traffic against time. Every weight that a second may have against a byte makes a plan: the
 * corners of the convex hull of all plans' traffic and time, as far as the search for a weight is
 * exact.
 */
#include "verify/tradeoff.h"

#include <math.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/memory.h"
#include "mbsopt/cost.h"
#include "verify/from_network.h"

/* Gains below this part of both are none: times are sums of doubles. */
#define NO_GAIN 1e-9

/* Digits of a weight, so that a decimal number tells it exactly. */
#define WEIGHT_DIGITS 9

/* No more plans than this on the way to one. */
#define MOST_STEPS 60

static mbs_status measure(tradeoff_point *point, const tradeoff *of, mbs_error *error)
{
    mbs_cost cost;
    mbs_traffic traffic;
    mbs_status status = mbs_plan_cost(point->plan, of->hardware, &cost);
    if (status != MBS_OK)
        return error_memory(error);
    mbs_plan_traffic(point->plan, &traffic);
    point->bytes = (double)traffic.total;
    point->time_s = cost.time_s;
    return MBS_OK;
}

mbs_status tradeoff_plan(tradeoff_point *point, const tradeoff *of, mbs_objective objective,
                         double weight, mbs_error *error)
{
    mbs_options options = of->options;
    options.objective = objective;
    options.weight = weight;
    mbs_status status = plan_from_network(&point->plan, of->network, of->hardware, &options, error);
    if (status == MBS_OK)
        status = measure(point, of, error);
    if (status != MBS_OK) {
        mbs_plan_free(point->plan);
        point->plan = NULL;
    }
    return status;
}

/* To few digits, in whole bytes per second. */
static double round_weight(double weight)
{
    double unit = 1;
    while (weight / unit >= pow(10, WEIGHT_DIGITS))
        unit *= 10;
    return round(weight / unit) * unit;
}

/* Where a plan of least traffic keeps within a limit of DRAM, one of another weight may not. */
static mbs_status pass_over_none(mbs_status status, mbs_error *error)
{
    if (status != MBS_ERR_NO_PLAN)
        return status;
    mbs_error_clear(error);
    return MBS_OK;
}

mbs_status tradeoff_between(tradeoff_point *point, const tradeoff *of, const tradeoff_point *low,
                            const tradeoff_point *quick, mbs_error *error)
{
    const double bytes = quick->bytes - low->bytes;
    const double time_s = low->time_s - quick->time_s;
    *point = (tradeoff_point){0};
    if (!(bytes > 0 && time_s > NO_GAIN * low->time_s))
        return MBS_OK;
    const double weight = round_weight(bytes / time_s);
    mbs_status status = tradeoff_plan(point, of, MBS_WEIGHTED, weight, error);
    if (status != MBS_OK)
        return pass_over_none(status, error);
    const double worth =
        fmin(low->bytes + weight * low->time_s, quick->bytes + weight * quick->time_s);
    if (point->bytes + weight * point->time_s < (1 - NO_GAIN) * worth &&
        point->bytes < quick->bytes && point->time_s < low->time_s)
        return MBS_OK;
    mbs_plan_free(point->plan);
    *point = (tradeoff_point){0};
    return MBS_OK;
}

/* The time of baseline's plan. */
static mbs_status baseline_time(double *time_s, const tradeoff *of, mbs_error *error)
{
    tradeoff baseline = *of;
    tradeoff_point point = {0};
    baseline.options.planner = MBS_PLANNER_BASELINE;
    baseline.options.max_dram_bytes = 0; /* it recomputes nothing, whatever there is room for */
    mbs_status status = tradeoff_plan(&point, &baseline, MBS_TRAFFIC, 0, error);
    *time_s = point.time_s;
    mbs_plan_free(point.plan);
    return status;
}

/* The ends of the search; quick->time_s is within the limit. */
typedef struct slowdown_search {
    tradeoff_point low;
    tradeoff_point quick;
    double limit_s;
} slowdown_search;

static mbs_status close_in(slowdown_search *s, const tradeoff *of, mbs_error *error)
{
    mbs_status status = MBS_OK;
    for (int i = 0; i < MOST_STEPS && status == MBS_OK; i++) {
        tradeoff_point point;
        status = tradeoff_between(&point, of, &s->low, &s->quick, error);
        if (status != MBS_OK || point.plan == NULL)
            return status;
        tradeoff_point *end = point.time_s <= s->limit_s ? &s->quick : &s->low;
        mbs_plan_free(end->plan);
        *end = point;
    }
    return status;
}

static mbs_status no_plan(const slowdown_search *s, double baseline_s, double percent,
                          mbs_error *error)
{
    return error_set(error, MBS_ERR_NO_PLAN,
                     "no plan is at most %g %% slower than baseline, which takes %.6g ms: the "
                     "quickest takes %.6g ms",
                     percent, 1e3 * baseline_s, 1e3 * s->quick.time_s);
}

/* A plan within the limit from which to go on: that of the given order where one in another is too
 * slow, for with it more may be spared than with those for a weight; or the quickest. */
static mbs_status find_quick(slowdown_search *s, const tradeoff *of, mbs_error *error)
{
    mbs_status status = MBS_OK;
    if (mbs_plan_given_bytes(s->low.plan) > 0) {
        tradeoff given = *of;
        given.options.order = MBS_ORDER_GIVEN;
        status = pass_over_none(tradeoff_plan(&s->quick, &given, MBS_TRAFFIC, 0, error), error);
        if (status == MBS_OK && s->quick.plan != NULL && s->quick.time_s <= s->limit_s)
            return MBS_OK;
        mbs_plan_free(s->quick.plan);
        s->quick = (tradeoff_point){0};
    }
    return status == MBS_OK ? tradeoff_plan(&s->quick, of, MBS_TIME, 0, error) : status;
}

mbs_status tradeoff_limit(mbs_plan **plan, const tradeoff *of, double percent, mbs_error *error)
{
    slowdown_search s = {.low = {.plan = *plan}};
    double baseline_s;
    *plan = NULL;
    mbs_status status = measure(&s.low, of, error);
    if (status == MBS_OK)
        status = baseline_time(&baseline_s, of, error);
    if (status == MBS_OK) {
        s.limit_s = baseline_s * (1 + percent / 100);
        if (s.low.time_s <= s.limit_s) {
            *plan = s.low.plan;
            return MBS_OK;
        }
        status = find_quick(&s, of, error);
    }
    if (status == MBS_OK && s.quick.time_s > s.limit_s)
        status = no_plan(&s, baseline_s, percent, error);
    if (status == MBS_OK)
        status = close_in(&s, of, error);
    mbs_plan_free(s.low.plan);
    if (status == MBS_OK)
        *plan = s.quick.plan;
    else
        mbs_plan_free(s.quick.plan);
    return status;
}

/* ---- The front ------------------------------------------------------------------------------- */

/* Points by traffic; between which of them a plan was looked for in vain. */
typedef struct front {
    tradeoff_point *points;
    bool *closed; /* after each point */
    size_t count;
    size_t most;
} front;

static void insert(front *f, size_t at, const tradeoff_point *point)
{
    for (size_t i = f->count; i > at; i--) {
        f->points[i] = f->points[i - 1];
        f->closed[i] = f->closed[i - 1];
    }
    f->points[at] = *point;
    f->closed[at] = false;
    f->count++;
}

/* The pair that is furthest apart in traffic and time, as parts of the whole front's, among those
 * that are not closed; the count if all are. */
static size_t widest(const front *f)
{
    const tradeoff_point *low = &f->points[0];
    const tradeoff_point *quick = &f->points[f->count - 1];
    size_t found = f->count;
    double most = 0;
    for (size_t i = 0; i + 1 < f->count; i++) {
        const double bytes = f->points[i + 1].bytes - f->points[i].bytes;
        const double time_s = f->points[i].time_s - f->points[i + 1].time_s;
        const double wide =
            bytes / (quick->bytes - low->bytes) + time_s / (low->time_s - quick->time_s);
        if (!f->closed[i] && wide > most) {
            most = wide;
            found = i;
        }
    }
    return found;
}

static bool is_no_worse(const tradeoff_point *point, const tradeoff_point *than)
{
    return point->time_s <= than->time_s && point->bytes <= than->bytes;
}

static void replace(front *f, size_t at, const tradeoff_point *point)
{
    mbs_plan_free(f->points[at].plan);
    f->points[at] = *point;
    f->closed[at] = false;
    if (at > 0)
        f->closed[at - 1] = false;
}

static mbs_status fill(front *f, const tradeoff *of, mbs_error *error)
{
    for (size_t i; f->count < f->most && (i = widest(f)) < f->count;) {
        tradeoff_point point;
        mbs_status status = tradeoff_between(&point, of, &f->points[i], &f->points[i + 1], error);
        if (status != MBS_OK)
            return status;
        if (point.plan == NULL)
            f->closed[i] = true;
        else if (is_no_worse(&point, &f->points[i + 1]))
            replace(f, i + 1, &point);
        else if (is_no_worse(&point, &f->points[i]))
            replace(f, i, &point);
        else
            insert(f, i + 1, &point);
    }
    return MBS_OK;
}

/* Adds the point at the quick end, unless it is no quicker or moves no more than what is there. */
static void append(front *f, tradeoff_point *point)
{
    const tradeoff_point *last = f->count > 0 ? &f->points[f->count - 1] : NULL;
    if (last == NULL ||
        (point->time_s < (1 - NO_GAIN) * last->time_s && point->bytes > last->bytes)) {
        insert(f, f->count, point);
        return;
    }
    if (is_no_worse(point, last)) {
        replace(f, f->count - 1, point);
        return;
    }
    mbs_plan_free(point->plan);
}

/* Both ends: the plan that the options make, that of least traffic as dp weighs it, and the
 * quickest. */
static mbs_status open_front(front *f, const tradeoff *of, mbs_error *error)
{
    const mbs_objective ends[] = {MBS_TRAFFIC, MBS_WEIGHTED, MBS_TIME};
    mbs_status status = MBS_OK;
    for (size_t i = 0; i < 3 && status == MBS_OK; i++) {
        tradeoff_point point = {0};
        status = tradeoff_plan(&point, of, ends[i], 0, error);
        if (status == MBS_OK)
            append(f, &point);
        else if (i > 0)
            status = pass_over_none(status, error);
    }
    return status;
}

mbs_status mbs_plan_tradeoff(mbs_plan **plans, size_t most, size_t *count,
                             const mbs_network *network, const mbs_hardware *hardware,
                             const mbs_options *options, mbs_error *error)
{
    const tradeoff of = {network, hardware, *options};
    const size_t room = most > 3 ? most : 3;
    front f = {.points = mem_calloc(room, sizeof *f.points),
               .closed = mem_calloc(room, sizeof *f.closed),
               .most = most};
    *count = 0;
    mbs_status status = f.points == NULL || f.closed == NULL ? error_memory(error) : MBS_OK;
    if (status == MBS_OK && options->planner != MBS_PLANNER_DP &&
        options->planner != MBS_PLANNER_BEST)
        status =
            error_set(error, MBS_ERR_ARGUMENT, "plans for time are of the planners dp and best");
    if (status == MBS_OK && most < 3)
        status =
            error_set(error, MBS_ERR_ARGUMENT, "room for %zu plans: expected at least 3", most);
    if (status == MBS_OK)
        status = open_front(&f, &of, error);
    if (status == MBS_OK)
        status = fill(&f, &of, error);
    for (size_t i = 0; i < f.count; i++) {
        if (status == MBS_OK)
            plans[i] = f.points[i].plan;
        else
            mbs_plan_free(f.points[i].plan);
    }
    *count = status == MBS_OK ? f.count : 0;
    mem_free(f.points);
    mem_free(f.closed);
    return status;
}
