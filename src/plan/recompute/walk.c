#include "plan/recompute/walk.h"

#include <math.h>

#include "base/random.h"
#include "plan/recompute/searching.h"

/* Drawing a move takes this much of the work, whether it changes anything or not. */
#define DRAWN 16

/* So often in a walk all groups are cut anew. */
#define CUTS_ANEW 16

/* The price begins at this part of what it ends at. */
#define FIRST_PRICE 0.03

typedef struct walking {
    searching s;
    const recompute_walk *walk;
    uint64_t random;
    double work;  /* of all */
    double price; /* of the present move */
} walking;

/* What a state pays for what it adds above the limit. */
static double fine(const walking *w, double macs)
{
    return macs > w->walk->limit ? w->price * (macs - w->walk->limit) : 0;
}

/* A third each: layers that change sides, moves that recompute anew or no longer, and all. */
static const recompute_move *draw_move(walking *w)
{
    const recompute_counts *counts = &w->s.counts;
    int32_t first = 0;
    int32_t end = counts->all;
    switch (random_below(&w->random, 3)) {
    case 0:
        end = counts->toggles;
        break;
    case 1:
        first = counts->once;
        break;
    default:
        break;
    }
    return end > first ? &w->s.moves[first + random_below(&w->random, end - first)] : NULL;
}

/* Makes the move, if that loses at most `slack` of the objective and what is paid together. */
static void try_move(walking *w, const recompute_move *move, double slack)
{
    searching *s = &w->s;
    recompute_state *state = s->state;
    if (move == NULL || !searching_set_of(s, move))
        return;
    const double macs = recompute_least_macs(s->set, s->layers, s->model->plain, s->again);
    const double now = fine(w, state->macs);
    if (macs > s->max_macs)
        return;
    recompute_trial trial;
    s->status = recompute_try(&trial, s->model, state, s->set, slack + now - fine(w, macs),
                              s->effort, s->error);
    if (s->status == MBS_OK)
        searching_count(s, &trial);
    if (s->status == MBS_OK && isfinite(trial.objective) &&
        trial.objective + fine(w, trial.macs) <= state->objective + now + slack) {
        recompute_apply(state, &trial, s->model, s->set);
        searching_keep(s);
    }
    recompute_trial_close(&trial);
}

static void walk_on(walking *w)
{
    searching *s = &w->s;
    double anew = w->work * (CUTS_ANEW - 1) / CUTS_ANEW;
    while (searching_goes_on(s)) {
        const double left = s->work / w->work;
        const double part = left * left * random_below(&w->random, 1024) / 1024;
        const double risen = FIRST_PRICE + (1 - FIRST_PRICE) * (1 - left) * (1 - left);
        w->price = risen * w->walk->price;
        s->work -= DRAWN;
        try_move(w, draw_move(w), part * w->walk->slack * s->state->objective);
        if (s->status == MBS_OK && s->work < anew && !plan_watch_is_over(s->model->task.watch)) {
            s->status = recompute_cut_anew(s->state, s->model, s->error);
            if (s->status == MBS_OK)
                searching_keep(s);
            anew -= w->work / CUTS_ANEW;
        }
    }
}

mbs_status recompute_walk_from(recompute_state *state, const recompute_model *model,
                               const recompute_walk *walk, double work, recompute_front *front,
                               mbs_error *error)
{
    walking w = {.s = searching_of(model, state, EFFORT_GROUPS, work, front, error),
                 .walk = walk,
                 .random = walk->seed,
                 .work = work};
    if (searching_open(&w.s))
        walk_on(&w);
    return searching_close(&w.s);
}
