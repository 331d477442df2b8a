/* Good prices for the bound on all programs that recompute: the subgradient method. */
#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "plan/joint/joint.h"
#include "plan/recompute/recompute.h"
#include "plan/recompute/state.h"

/* Beyond this the tables over steps are too large to be worth it. */
#define MAX_STEPS 5000

#define ITERATIONS 300
#define PATIENCE   8
/* How far above the best bound the level starts, and when it is low enough, in parts of the goal.
 */
#define FIRST_GAP 0.2
#define LAST_GAP  2e-4
/* Of services, shares and multiply-accumulates: what one is worth beside a byte of buffer. */
#define SCALE 0.3
/* Groups so much worse than others, in parts of the goal, are seldom looked at. */
#define FIRST_MARGIN 0.05
/* A bound that all groups lower by more than this part of the goal had too narrow a margin. */
#define MARGIN_ERROR 1e-3
/* Scaled sums stay below this. */
#define SCALED_LIMIT 0x1p59

typedef struct search {
    joint *j;
    size_t buffer_count; /* of the prices, by kind */
    size_t count;
    double *price; /* buffer, shares, services, multiply-accumulates; in bytes */
    double *best;
    double *slope;
    double *direction; /* of the last step, in scales */
    double *scale;
    double unit; /* scaled costs per byte */
    double goal; /* what a known plan moves: no bound is higher */
    double highest_mac_price;
    double margin;
    int64_t proven; /* bytes: the best bound with all groups looked at */
} search;

static double *shares(const search *s, double *of)
{
    return of + s->buffer_count;
}

static double *services(const search *s, double *of)
{
    return shares(s, of) + s->j->share_count;
}

static double clamp(double x, double most)
{
    return x < 0 ? 0 : fmin(x, most);
}

/* A tensor's shares are no more than its write. */
static void project_shares(const search *s, const joint_tensor *t)
{
    double *share = shares(s, s->price);
    const double most = (double)t->moved / s->unit;
    double sum = 0;
    for (int32_t k = t->share_begin; k < t->share_end; k++) {
        share[k] = clamp(share[k], most);
        sum += share[k];
    }
    for (int32_t k = t->share_begin; k < t->share_end && sum > most; k++)
        share[k] *= most / sum;
}

/* Into the ranges that keep the bound a bound, and sums from overflowing. */
static void project(search *s)
{
    const joint *j = s->j;
    double *service = services(s, s->price);
    double sum = 0;
    for (size_t i = 0; i < s->buffer_count; i++) {
        const size_t c = i / (size_t)j->program->step_count;
        s->price[i] = clamp(s->price[i], (double)j->l.highest_price[c]);
    }
    for (int32_t i = 0; i < j->program->tensor_count; i++)
        project_shares(s, &j->tensors[i]);
    for (int32_t u = 0; u < j->use_count; u++) {
        const joint_use *use = &j->uses[u];
        const double most = 2 * (double)j->tensors[use->input].moved / s->unit;
        for (int32_t i = use->link_begin; i < use->link_begin + use->link_count; i++) {
            service[i] = clamp(service[i], most);
            sum += service[i];
        }
    }
    for (int32_t i = 0; i < j->link_count && sum * s->unit > SCALED_LIMIT; i++)
        service[i] *= SCALED_LIMIT / (sum * s->unit);
    s->price[s->count - 1] = clamp(s->price[s->count - 1], s->highest_mac_price);
}

static void set_prices(search *s)
{
    joint *j = s->j;
    const double *share = shares(s, s->price);
    const double *service = services(s, s->price);
    for (size_t i = 0; i < s->buffer_count; i++)
        j->l.price[i] = (int64_t)(s->price[i] * s->unit);
    for (int32_t i = 0; i < j->program->tensor_count; i++) {
        const joint_tensor *t = &j->tensors[i];
        int64_t left = t->moved;
        for (int32_t k = t->share_begin; k < t->share_end; k++) {
            j->share[k] = min_i64((int64_t)(share[k] * s->unit), left);
            left -= j->share[k];
        }
    }
    for (int32_t i = 0; i < j->link_count; i++)
        j->service[i] = (int64_t)(service[i] * s->unit);
    j->mac_price = (int64_t)(s->price[s->count - 1] * s->unit);
    joint_update(j);
}

/*
 * The bound at the present prices, in bytes, and its slope; or, unless all groups are looked at,
 * about the bound. -INFINITY if it was stopped.
 */
static double evaluate(search *s, bool all)
{
    joint *j = s->j;
    memset(s->slope, 0, s->count * sizeof *s->slope);
    set_prices(s);
    j->margin = all ? JOINT_EXACT : (int64_t)(s->margin * s->goal * s->unit);
    const int64_t bound = joint_shortest(j);
    if (bound == INT64_MIN)
        return -INFINITY;
    if (all)
        s->proven = max_i64(s->proven, lagrange_bytes(&j->l, bound));
    joint_slope slope = {
        .buffer = s->slope, .share = shares(s, s->slope), .service = services(s, s->slope)};
    for (int32_t end = j->program->step_count; end > 0; end = j->from[end])
        joint_walk(j, j->from_candidate[end], j->from[end], end, &slope);
    s->slope[s->count - 1] = slope.macs - (double)j->max_macs;
    return (double)bound / s->unit;
}

/* The direction becomes the slope and `part` of what it was, as far as prices may go there; returns
 * its length, squared. */
static double turn(search *s, double part)
{
    double length = 0;
    for (size_t i = 0; i < s->count; i++) {
        double d = s->slope[i] * s->scale[i] + part * s->direction[i];
        if (s->price[i] <= 0 && d < 0)
            d = 0;
        s->direction[i] = d;
        length += d * d;
    }
    return length;
}

/*
 * One step towards `level`, half-way between the slope and where the step before went (the average
 * direction of Sherali and Ulular), for slopes alone go to and fro; false where there is nowhere to
 * go.
 */
static bool move(search *s, double level, double bound)
{
    double length = 0;
    double before = 0;
    for (size_t i = 0; i < s->count; i++) {
        if (s->price[i] <= 0 && s->slope[i] < 0)
            s->slope[i] = 0;
        const double d = s->slope[i] * s->scale[i];
        length += d * d;
        before += s->direction[i] * s->direction[i];
    }
    if (length <= 0)
        return false;
    const double along = turn(s, before > 0 ? sqrt(length / before) : 0);
    const double step = (level - bound) / (along > 0 ? along : turn(s, 0));
    for (size_t i = 0; i < s->count; i++)
        s->price[i] += step * s->scale[i] * s->direction[i];
    project(s);
    return true;
}

/* Goes back to the best prices and finds out what they prove. */
static double prove(search *s, double *best)
{
    memcpy(s->price, s->best, s->count * sizeof *s->best);
    memset(s->direction, 0, s->count * sizeof *s->direction);
    const double bound = evaluate(s, true);
    if (bound < *best - MARGIN_ERROR * s->goal)
        s->margin *= 2;
    *best = bound;
    return bound;
}

static bool is_over(const search *s)
{
    plan_watch *watch = s->j->task.watch;
    if (watch != NULL)
        watch->known.bound_bytes = min_i64(s->proven, (int64_t)s->goal);
    return (double)s->proven >= s->goal || plan_watch_is_over(watch);
}

static void climb(search *s)
{
    double gap = FIRST_GAP * s->goal;
    double best = -INFINITY;
    int without_gain = 0;
    for (int i = 0; i < ITERATIONS && gap >= LAST_GAP * s->goal && !is_over(s); i++) {
        double bound = evaluate(s, false);
        if (bound > best) {
            if (!(bound <= best + 0.05 * gap))
                without_gain = 0;
            best = bound;
            memcpy(s->best, s->price, s->count * sizeof *s->best);
        }
        if (++without_gain > PATIENCE || best >= s->goal) {
            /* the level is out of reach: lower it and start again from the best prices */
            gap *= 0.6;
            without_gain = 0;
            bound = prove(s, &best);
        }
        if (!move(s, fmin(best + gap, 1.05 * s->goal), bound))
            break;
    }
    if (best > -INFINITY)
        prove(s, &best);
}

static bool allocate(search *s)
{
    const joint *j = s->j;
    s->buffer_count = (size_t)j->l.list.count * (size_t)j->program->step_count;
    s->count = s->buffer_count + (size_t)j->share_count + (size_t)j->link_count + 1;
    s->price = mem_calloc(s->count, sizeof *s->price);
    s->best = mem_calloc(s->count, sizeof *s->best);
    s->slope = mem_calloc(s->count, sizeof *s->slope);
    s->direction = mem_calloc(s->count, sizeof *s->direction);
    s->scale = mem_calloc(s->count, sizeof *s->scale);
    return s->price != NULL && s->best != NULL && s->slope != NULL && s->direction != NULL &&
           s->scale != NULL;
}

/* At first a tensor's first reader pays for its write, and nothing else costs anything. */
static void start(search *s)
{
    const joint *j = s->j;
    double largest = (double)j->max_macs;
    s->unit = ldexp(1, j->l.shift);
    for (size_t i = 0; i < s->count; i++)
        s->scale[i] = i < s->buffer_count ? 1 : SCALE;
    for (int32_t i = 0; i < j->program->tensor_count; i++) {
        const joint_tensor *t = &j->tensors[i];
        const double moved = (double)t->moved / s->unit;
        int32_t first = -1;
        largest = fmax(largest, (double)t->macs);
        for (int32_t k = t->share_begin; k < t->share_end; k++)
            shares(s, s->scale)[k] *= moved;
        for (int32_t e = t->event_begin; e < t->event_end && first < 0; e++)
            first = j->events[e].share;
        if (first >= 0)
            shares(s, s->price)[first] = moved;
    }
    for (int32_t u = 0; u < j->use_count; u++) {
        const joint_use *use = &j->uses[u];
        for (int32_t i = use->link_begin; i < use->link_begin + use->link_count; i++)
            services(s, s->scale)[i] *= (double)j->tensors[use->input].moved / s->unit;
    }
    s->highest_mac_price = SCALED_LIMIT / s->unit / (largest + 1);
}

mbs_status joint_bound(int64_t *bound, const mbs_network *network, const mbs_program *plain,
                       const plan_task *task, int64_t max_macs, int64_t incumbent, mbs_error *error)
{
    joint j;
    search s = {.j = &j, .goal = (double)incumbent, .margin = FIRST_MARGIN};
    *bound = 0;
    if (plain->step_count > MAX_STEPS)
        return MBS_OK;
    mbs_status status = joint_open(&j, network, plain, task, max_macs, error);
    if (status == MBS_OK && !allocate(&s))
        status = error_memory(error);
    if (status == MBS_OK) {
        start(&s);
        climb(&s);
        *bound = min_i64(s.proven, incumbent);
    }
    joint_close(&j);
    mem_free(s.price);
    mem_free(s.best);
    mem_free(s.slope);
    mem_free(s.direction);
    mem_free(s.scale);
    return status == MBS_ERR_INPUT ? MBS_OK : status;
}

mbs_status joint_network_bound(int64_t *bound, const mbs_network *network,
                               const mbs_program_options *program_options,
                               const mbs_hardware *hardware, const mbs_plan_options *options,
                               double max_percent, int64_t incumbent, plan_watch *watch,
                               mbs_error *error)
{
    mbs_program *plain = NULL;
    mbs_plan *plan = NULL;
    plan_task task;
    *bound = 0;
    mbs_status status = recompute_open_plain(&plain, &plan, &task, network, program_options,
                                             hardware, options, error);
    if (status == MBS_OK) {
        const double most = max_percent / 100 * recompute_macs(plain, false);
        const int64_t max_macs = most < 0x1p62 ? (int64_t)most : INT64_C(1) << 62;
        task.watch = watch;
        status = joint_bound(bound, network, plain, &task, max_macs, incumbent, error);
    }
    mbs_plan_free(plan);
    mbs_program_free(plain);
    return status;
}
