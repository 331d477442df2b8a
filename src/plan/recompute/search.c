#include "plan/recompute/search.h"

#include <math.h>

#include "plan/recompute/searching.h"

/* The part of the work that is allowed once more for recomputing anew. */
#define ANEW_PART 0.25

/* On the way up a sweep turns back at this part of what it may add, */
#define TURNING_PART 0.9
/* or below this price. */
#define LEAST_PRICE 0.05

/* Cuts the whole program anew; what is known of moves is then of other groups. */
static bool cut_anew(searching *s)
{
    if (s->status == MBS_OK && !plan_watch_is_over(s->model->task.watch))
        s->status = recompute_cut_anew(s->state, s->model, s->error);
    searching_forget(s);
    return s->status == MBS_OK;
}

/* Looks beyond groups, which takes long: with toggles alone. */
static void look_further(searching *s)
{
    const recompute_effort effort = s->effort;
    const int32_t count = s->move_count;
    if (!cut_anew(s))
        return;
    s->effort = EFFORT_MORE;
    s->move_count = s->counts.toggles;
    searching_settle(s);
    s->effort = effort;
    s->move_count = count;
    searching_forget(s);
}

mbs_status recompute_search(recompute_state *state, const recompute_model *model,
                            recompute_effort effort, double work, recompute_front *front,
                            mbs_error *error)
{
    searching s = searching_of(model, state, effort, work, front, error);
    if (searching_open(&s)) {
        s.move_count = s.counts.once;
        searching_settle(&s);
        /* look closer, then further, with what work is left */
        if (s.effort == EFFORT_SAME_CUTS && cut_anew(&s)) {
            s.effort = EFFORT_GROUPS;
            searching_settle(&s);
        }
        look_further(&s);
        /* only now, and with work of its own, so that recomputing anew never makes it worse */
        s.work = ANEW_PART * work;
        s.move_count = s.counts.all;
        searching_refresh(&s, s.counts.once, s.counts.all);
        if (searching_climb(&s))
            searching_settle(&s);
    }
    return searching_close(&s);
}

/* Leaves the moves of single layers. */
static void keep_single(searching *s)
{
    int32_t kept = 0;
    for (int32_t i = 0; i < s->counts.with_both; i++) {
        const recompute_level level = s->moves[i].level;
        if (level == LEVEL_TOGGLE || level == LEVEL_ANEW || level == LEVEL_BOTH)
            s->moves[kept++] = s->moves[i];
    }
    s->counts.all = s->counts.with_both = kept;
}

mbs_status recompute_finish(recompute_state *state, const recompute_model *model, double work,
                            recompute_front *front, mbs_error *error)
{
    searching s = searching_of(model, state, EFFORT_GROUPS, work, front, error);
    if (searching_open(&s)) {
        double before = INFINITY;
        bool whole = true;
        keep_single(&s);
        while (whole && state->objective < before && searching_goes_on(&s)) {
            before = state->objective;
            s.move_count = s.counts.all;
            searching_settle(&s);
            look_further(&s);
            whole = cut_anew(&s);
            if (whole)
                searching_keep(&s);
        }
    }
    return searching_close(&s);
}

mbs_status recompute_fit(recompute_state *state, const recompute_model *model, int64_t enough,
                         double work, recompute_least *least, mbs_error *error)
{
    searching s = searching_of(model, state, EFFORT_GROUPS, work, NULL, error);
    s.least = least;
    s.fits_enough = true;
    s.enough = enough;
    if (searching_open(&s))
        searching_settle(&s);
    return searching_close(&s);
}

/* Down with the price until enough is added. */
static void go_up(searching *s, recompute_sweep *sweep)
{
    const double enough = TURNING_PART * s->max_macs;
    for (;;) {
        s->price = sweep->price * sweep->unit;
        searching_refresh(s, 0, s->move_count);
        searching_climb(s);
        if (s->state->macs >= enough || sweep->price < LEAST_PRICE || !searching_goes_on(s))
            return;
        sweep->price /= sweep->step;
    }
}

/* Up with it until no more than `limit` is, then the best within that. */
static double come_back(searching *s, const recompute_sweep *sweep, double price, double limit)
{
    while (s->state->macs > limit && searching_goes_on(s)) {
        price *= sweep->step;
        s->price = price * sweep->unit;
        searching_refresh(s, 0, s->move_count);
        searching_climb(s);
    }
    s->price = 0;
    s->max_macs = limit;
    if (s->state->macs <= limit)
        searching_settle(s);
    return price;
}

mbs_status recompute_sweep_prices(recompute_state *state, const recompute_model *model,
                                  recompute_sweep *sweep, double work, recompute_front *front,
                                  mbs_error *error)
{
    searching s = searching_of(model, state, EFFORT_GROUPS, work / 2, front, error);
    s.slack = sweep->slack;
    if (searching_open(&s)) {
        go_up(&s, sweep);
        double price = sweep->price;
        s.work += work / 2;
        for (int32_t i = sweep->limit_count - 1; i >= 0; i--) {
            s.max_macs = model->max_macs;
            price = come_back(&s, sweep, price, sweep->limits[i]);
        }
    }
    return searching_close(&s);
}
