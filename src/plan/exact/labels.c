#include "plan/exact/labels.h"

#include <assert.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "plan/exact/column.h"
#include "plan/exact/label_pool.h"

/* Labels between two questions whether to stop: some milliseconds. */
#define STOP_EVERY 4096

/* What a label takes from one touch to the next, in ticks. */
#define LABEL_WORK 16

/* An interval open after the step at hand. */
typedef struct open_interval {
    int32_t slot;
    int32_t next;  /* the step it ends at */
    int64_t bytes; /* per sample */
    int64_t held;
    int64_t need; /* the largest of steps where it and those before it in the list are open */
} open_interval;

typedef struct search {
    const group_costs *g;
    const label_limits *limits;
    int64_t threshold; /* scaled: labels bounded above it are of no use */
    int64_t given_up;  /* scaled: the least bound of what was left out for want of room */
    label_pool pools[2];
    label_pool *now;
    label_pool *next;
    label_trail trail;
    open_interval *open; /* the latest end first */
    int32_t open_count;
    bool memory;
    bool stopped;
} search;

/*
 * The least that the label can come to (scaled), with the group's touches before t chosen and its
 * steps before k checked. The tensors held are charged from step k on; those that step k opens,
 * from the next.
 */
static int64_t label_bound(const group_costs *g, const label *at, int32_t k, int32_t t)
{
    const int64_t opened = at->opened == 0 ? 0 : at->opened * group_price_before(g, k + 1);
    return ((g->base + at->moved) << g->l->shift) + at->to_go + at->operands - opened -
           at->held * group_price_before(g, k) + g->slack[k - g->first] +
           g->unopened[t - g->touch_begin] + group_parameters(g, k, at->peak);
}

static void keep(search *s, label *made, const uint64_t *key, int32_t k, int32_t t)
{
    made->bound = label_bound(s->g, made, k, t);
    if (made->bound <= s->threshold && !label_pool_insert(s->next, made, key))
        s->memory = false;
}

/* The interval that ends at touch t leaves the list of open ones, the one that begins there enters.
 */
static void update_open(search *s, int32_t k, int32_t t)
{
    const group_costs *g = s->g;
    const mbs_program *p = g->l->task->program;
    const int64_t *need = g->l->need + (int64_t)g->candidate * p->step_count;
    const touch_costs *at = &g->touch[t - g->touch_begin];
    int32_t kept = 0;
    for (int32_t i = 0; i < s->open_count; i++)
        if (s->open[i].slot != at->slot)
            s->open[kept++] = s->open[i];
    s->open_count = kept;
    if (at->may_stay) {
        const int32_t next = p->touches[p->touches[t].next].step;
        int32_t place = s->open_count++;
        for (; place > 0 && s->open[place - 1].next < next; place--)
            s->open[place] = s->open[place - 1];
        s->open[place] =
            (open_interval){.slot = at->slot, .next = next, .bytes = at->bytes, .held = at->held};
    }
    int32_t from = k + 1;
    for (int32_t i = s->open_count; i-- > 0;) {
        s->open[i].need = 0;
        for (; from < s->open[i].next; from++)
            s->open[i].need = max_i64(s->open[i].need, need[from]);
    }
}

/*
 * Whether the steps from k on can fit if of all that is still to be chosen nothing stays: so that
 * every label can be brought to the end.
 */
static bool leaves_room(const search *s, const label *at, const uint64_t *key, int32_t k)
{
    const group_costs *g = s->g;
    const int64_t capacity = g->l->task->capacity;
    const int64_t b = g->l->list.sub_batch[g->candidate];
    int64_t held = 0;
    int64_t arriving = 0; /* of it, at the next end in the list; per sample */
    for (int32_t i = 0; i < s->open_count; i++) {
        const open_interval *open = &s->open[i];
        if (label_key_get(key, open->slot) != PLACE_OUT) {
            held += open->held;
            arriving += open->bytes;
        }
        if (open->next == k || held == 0 ||
            (i + 1 < s->open_count && s->open[i + 1].next == open->next))
            continue;
        const int64_t crossing = held - b * arriving;
        if (held + open->need > capacity ||
            crossing + lagrange_footprint(g->l, g->candidate, open->next, arriving,
                                          lagrange_over(g->l, open->next)) >
                capacity)
            return false;
        arriving = 0;
    }
    /* at step k itself what has not arrived yet counts among what is held */
    return at->held - b * arriving +
               lagrange_footprint(g->l, g->candidate, k, at->resident + arriving, at->over) <=
           capacity;
}

/* Whether something that step k may write over may still leave: what comes after touch t, or stays
 * in no case. */
static bool is_open_over(const group_costs *g, int32_t k, int32_t t)
{
    const mbs_program *p = g->l->task->program;
    const mbs_step *step = &p->steps[k];
    for (int32_t u = step->touch_begin; u < step->write_begin; u++)
        if ((u > t || !g->touch[u - g->touch_begin].begins) && program_may_replace(p, u))
            return true;
    return false;
}

/* Whether step k writes over an operand, as the choice at touch t has it. */
static void choose_over(const search *s, label *made, int32_t k, int32_t t, bool arrived,
                        bool stays)
{
    const group_costs *g = s->g;
    const mbs_step *step = &g->l->task->program->steps[k];
    const mbs_program *p = g->l->task->program;
    const bool may_stay = g->touch[step->write_begin - g->touch_begin].begins;
    if (t == step->write_begin && made->over == OVER_ARRIVED) {
        made->over = stays ? OVER_BOTH : OVER_LEAVES;
    } else if (t < step->write_begin && program_may_replace(p, t)) {
        if (!stays && arrived && may_stay)
            made->over = OVER_ARRIVED;
        else if (!stays && made->over != OVER_ARRIVED)
            made->over = OVER_LEAVES;
        else if (made->over == OVER_MAY && !is_open_over(g, k, t))
            made->over = OVER_NONE;
    }
}

/* The label `from` with touch t's interval chosen, if it has one. */
static void choose(search *s, int32_t from, int32_t k, int32_t t, bool stays)
{
    const group_costs *g = s->g;
    const touch_costs *at = &g->touch[t - g->touch_begin];
    label made = s->now->labels[from];
    uint64_t *key = label_pool_copy_key(s->now, from);
    tensor_place place = PLACE_OUT;
    if (at->ends) {
        place = label_key_get(key, at->slot);
        made.to_go -=
            g->touch[g->l->task->program->touches[t].previous - g->touch_begin].to_go[place];
        if (place != PLACE_OUT)
            made.held -= at->held;
    }
    const bool arrived = place != PLACE_OUT;
    if (arrived || stays) {
        made.resident += at->bytes;
        made.operands += at->end_cost + (stays ? at->beside : 0);
    }
    if (at->begins) {
        if (!stays)
            made.moved += drop_bytes(at, place);
        place = place_after(at, place, stays);
        made.to_go += at->to_go[place];
        if (stays)
            made.opened += at->held;
    } else {
        place = PLACE_OUT;
    }
    if (made.over != OVER_NONE)
        choose_over(s, &made, k, t, arrived, stays);
    if (at->slot >= 0)
        label_key_set(key, at->slot, place);
    if (stays && !leaves_room(s, &made, key, k))
        return;
    if (at->begins)
        made.trail = label_trail_add(&s->trail, made.trail, stays);
    s->memory = s->memory && made.trail >= 0;
    keep(s, &made, key, k, t + 1);
}

static void finish_step(search *s, int32_t from, int32_t k)
{
    const group_costs *g = s->g;
    label made = s->now->labels[from];
    const int64_t bytes =
        made.held + lagrange_footprint(g->l, g->candidate, k, made.resident, made.over);
    assert(bytes <= g->l->task->capacity);
    /* without pins footprints only have to fit */
    if (g->pinnable > 0)
        made.peak = max_i64(made.peak, bytes);
    made.held += made.opened;
    made.opened = 0;
    made.resident = 0;
    made.operands = 0;
    made.over = k + 1 < g->end ? lagrange_over(g->l, k + 1) : OVER_NONE;
    keep(s, &made, label_pool_copy_key(s->now, from), k + 1,
         g->l->task->program->steps[k].touch_end);
}

/* Makes the next labels those at hand, as many as there is room for. */
static void turn(search *s)
{
    label_pool *done = s->now;
    plan_watch_work(s->g->l->task->watch, LABEL_WORK * ((int64_t)done->count + 1));
    s->given_up = min_i64(s->given_up, label_pool_narrow(s->next, s->limits->width));
    s->now = s->next;
    s->next = done;
    label_pool_clear(s->next);
    s->memory = s->memory && label_trail_tidy(&s->trail, s->now);
}

/* Asked every few labels. What is at hand then is left out, with all that would come of it. */
static bool is_stopped(search *s, int32_t i)
{
    if (i % STOP_EVERY == 0 && s->limits->stop != NULL && !s->stopped &&
        s->limits->stop(s->limits->context)) {
        s->stopped = true;
        s->given_up = min_i64(s->given_up, label_pool_narrow(s->now, 0));
        label_pool_clear(s->next);
    }
    return s->stopped;
}

static void choose_each(search *s, int32_t k, int32_t t)
{
    const bool may_stay = s->g->touch[t - s->g->touch_begin].may_stay;
    update_open(s, k, t);
    for (int32_t i = 0; i < s->now->count && s->memory && !is_stopped(s, i); i++) {
        choose(s, i, k, t, false);
        if (may_stay)
            choose(s, i, k, t, true);
    }
    turn(s);
}

static void go_through(search *s)
{
    const group_costs *g = s->g;
    const mbs_step *steps = g->l->task->program->steps;
    for (int32_t k = g->first; k < g->end; k++) {
        for (int32_t t = steps[k].touch_begin; t < steps[k].touch_end; t++) {
            const touch_costs *at = &g->touch[t - g->touch_begin];
            if (at->begins || at->ends)
                choose_each(s, k, t);
        }
        for (int32_t i = 0; i < s->now->count && s->memory && !is_stopped(s, i); i++)
            finish_step(s, i, k);
        turn(s);
        if (s->now->count == 0 || !s->memory)
            return;
    }
}

/* Reads off the best label at the end; the trail tells its choices from the last to the first. */
static void read_result(const search *s, label_result *result, bool *resident)
{
    const group_costs *g = s->g;
    int64_t found = NO_VALUE;
    const label *best = NULL;
    for (int32_t i = 0; i < s->now->count; i++) {
        if (s->now->labels[i].bound < found) {
            best = &s->now->labels[i];
            found = best->bound;
        }
    }
    result->value = best == NULL ? NO_VALUE : lagrange_bytes(g->l, found);
    result->bound = min_i64(s->limits->target, result->value);
    if (s->given_up < NO_VALUE)
        result->bound = min_i64(result->bound, lagrange_bytes(g->l, s->given_up));
    if (best == NULL)
        return;
    int32_t trail = best->trail;
    for (int32_t i = g->touch_end - g->touch_begin; i-- > 0;) {
        resident[i] = g->touch[i].begins && label_trail_stays(&s->trail, trail);
        if (g->touch[i].begins)
            trail = label_trail_before(&s->trail, trail);
    }
}

mbs_status labels_search(const group_costs *g, const label_limits *limits, label_result *result,
                         bool *resident, mbs_error *error)
{
    search s = {.g = g,
                .limits = limits,
                .threshold = (limits->target - 1) * (INT64_C(1) << g->l->shift),
                .given_up = NO_VALUE};
    s.now = &s.pools[0];
    s.next = &s.pools[1];
    s.open = mem_alloc(((size_t)g->slots + 1) * sizeof *s.open);
    s.memory =
        s.open != NULL && label_pool_open(s.now, g->slots) && label_pool_open(s.next, g->slots);
    label start = {.trail = LABEL_TRAIL_START, .peak = 0, .over = lagrange_over(g->l, g->first)};
    if (g->pinnable > 0) /* below this a footprint takes no room from the pins */
        start.peak = max_i64(g->largest_need, g->l->task->capacity - g->pinnable);
    if (s.memory) {
        keep(&s, &start, label_pool_copy_key(s.now, -1), g->first, g->touch_begin);
        turn(&s);
        go_through(&s);
    }
    if (s.memory)
        read_result(&s, result, resident);
    label_pool_close(&s.pools[0]);
    label_pool_close(&s.pools[1]);
    label_trail_close(&s.trail);
    mem_free(s.open);
    return s.memory ? MBS_OK : error_memory(error);
}
