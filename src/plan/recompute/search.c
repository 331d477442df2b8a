#include "plan/recompute/search.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "plan/recompute/moves.h"

/* Gains below this part of the objective are none: sums of doubles are that exact. */
#define NO_GAIN 1e-9

/* What building a step takes, in growths of a group for traffic; and a growth for time or energy.
 */
#define BUILDING 2
#define COSTING  32

/* What a move that costs nothing is taken to cost, as a share. */
#define LEAST_COST 1e-3

/* The part of the work that is allowed once more for recomputing anew. */
#define ANEW_PART 0.25

typedef struct search {
    const recompute_model *model;
    recompute_state *state;
    recompute_layer *layers;
    recompute_move *moves;
    recompute_counts counts; /* of moves, */
    int32_t move_count;      /* and of those that are made */
    unsigned char *set;      /* room for a set */
    bool *again;             /* room for a flag per layer */
    recompute_effort effort; /* of trials */
    double work;             /* left */
    bool fits_enough;        /* it ends where no more than this must be in DRAM: */
    int64_t enough;
    recompute_least *least; /* if not null, of the states that it comes through */
    mbs_status status;      /* of the first failure */
    mbs_error *error;
} search;

static bool fail(search *s, mbs_status status)
{
    s->status = status;
    return false;
}

static bool goes_on(const search *s)
{
    if (s->fits_enough && s->state->dram.peak <= s->enough)
        return false;
    return s->status == MBS_OK && s->work > 0 && !plan_watch_is_over(s->model->task.watch);
}

/* Whether the move from the present state changes anything and was tried; *trial is then open. */
static bool try_move(search *s, recompute_move *move, recompute_trial *trial)
{
    const double growth = s->model->task.objective == MBS_TRAFFIC ? 1 : COSTING;
    memcpy(s->set, s->state->set, (size_t)s->model->layer_count);
    move->known = true;
    move->stale = false;
    move->change = INFINITY;
    move->relief = 0;
    move->near_first = move->first;
    move->near_last = move->end - 1;
    *trial = (recompute_trial){0};
    if (!recompute_make_move(s->set, s->layers, move))
        return false;
    const double macs = recompute_least_macs(s->set, s->layers, s->model->plain, s->again);
    move->macs = macs - s->state->macs;
    if (macs > s->model->max_macs)
        return false;
    mbs_status status = recompute_try(trial, s->model, s->state, s->set, s->effort, s->error);
    if (status != MBS_OK)
        return fail(s, status);
    move->change = trial->objective - s->state->objective;
    if (isfinite(trial->objective))
        move->relief = s->state->dram.over - trial->dram.over;
    move->macs = trial->macs - s->state->macs;
    if (trial->first_layer < move->near_first)
        move->near_first = trial->first_layer;
    if (trial->last_layer > move->near_last)
        move->near_last = trial->last_layer;
    s->work -= BUILDING * trial->program->step_count;
    for (int32_t i = 0; i < trial->window_count; i++)
        s->work -= growth * (double)trial->window[i].range.grown;
    return true;
}

static void look_at(search *s, recompute_move *move)
{
    recompute_trial trial;
    try_move(s, move, &trial);
    recompute_trial_close(&trial);
}

static void forget_near(search *s, const recompute_move *made)
{
    for (int32_t i = 0; i < s->counts.all; i++) {
        recompute_move *move = &s->moves[i];
        if (move->near_first <= made->near_last && move->near_last >= made->near_first)
            move->stale = true;
    }
}

static void forget_all(search *s)
{
    for (int32_t i = 0; i < s->counts.all; i++)
        s->moves[i].stale = true;
}

void recompute_least_free(recompute_least *least)
{
    mem_free(least->set);
    mem_free(least->starts);
    *least = (recompute_least){0};
}

/* Keeps the state if none before needs as little DRAM. */
static void keep_least(search *s)
{
    recompute_least *least = s->least;
    const recompute_state *state = s->state;
    if (least == NULL || (least->set != NULL && state->dram.peak >= least->peak))
        return;
    const size_t layers = (size_t)s->model->layer_count;
    bool *starts = recompute_starts(state);
    unsigned char *set = mem_alloc(layers);
    if (starts == NULL || set == NULL) {
        mem_free(starts);
        mem_free(set);
        s->status = error_memory(s->error);
        return;
    }
    memcpy(set, state->set, layers);
    recompute_least_free(least);
    *least = (recompute_least){state->dram.peak, set, starts};
}

/* Makes the move; its figures are then those of this very state. */
static bool make_move(search *s, recompute_move *move)
{
    recompute_trial trial;
    const bool gains = try_move(s, move, &trial) && isfinite(trial.objective);
    if (gains) {
        recompute_apply(s->state, &trial, s->model, s->set);
        keep_least(s);
    }
    recompute_trial_close(&trial);
    forget_near(s, move);
    return gains && s->status == MBS_OK;
}

static bool fits(const search *s, double macs)
{
    return s->state->macs + macs <= s->model->max_macs;
}

/* Where the state needs too much DRAM: what the move relieves it of for what it costs, a share of
 * the objective and one of the multiply-accumulates being worth the same. */
static double relief_merit(const search *s, const recompute_move *move)
{
    const double objective = fmax(move->change, 0) / s->state->objective;
    const double macs = s->model->plain_macs > 0 ? fmax(move->macs, 0) / s->model->plain_macs : 0;
    return fmax(move->relief, 0) / (LEAST_COST + objective + macs);
}

/* How good a move is by what is known of it: 0 not at all, above 1e300 if it costs nothing. */
static double merit(const search *s, const recompute_move *move)
{
    const double gain = -move->change;
    if (s->state->dram.over > 0)
        return fits(s, move->macs) ? relief_merit(s, move) : 0;
    if (!(gain > NO_GAIN * s->state->objective) || !fits(s, move->macs))
        return 0;
    return move->macs > 0 ? gain / move->macs : 1e300 * (1 + gain / s->state->objective);
}

/* The best move, and true if its figures are of the present state; a stale one is looked at. */
static recompute_move *best_move(search *s)
{
    while (goes_on(s)) {
        recompute_move *best = NULL;
        double most = 0;
        for (int32_t i = 0; i < s->move_count; i++) {
            const double m = merit(s, &s->moves[i]);
            if (m > most) {
                most = m;
                best = &s->moves[i];
            }
        }
        if (best == NULL || !best->stale)
            return best;
        look_at(s, best);
    }
    return NULL;
}

static void refresh(search *s, int32_t first, int32_t end)
{
    for (int32_t i = first; i < end && goes_on(s); i++)
        if (!s->moves[i].known || s->moves[i].stale)
            look_at(s, &s->moves[i]);
}

/* Makes moves as long as any gains. */
static bool climb(search *s)
{
    bool any = false;
    for (;;) {
        recompute_move *move = best_move(s);
        if (move == NULL) {
            return any;
        }
        any = make_move(s, move) || any;
    }
}

static void settle(search *s)
{
    do
        refresh(s, 0, s->move_count);
    while (climb(s));
}

/* Cuts the whole program anew; what is known of moves is then of other groups. */
static bool cut_anew(search *s)
{
    if (s->status == MBS_OK && !plan_watch_is_over(s->model->task.watch))
        s->status = recompute_cut_anew(s->state, s->model, s->error);
    forget_all(s);
    return s->status == MBS_OK;
}

/* Looks beyond groups, which takes long: with toggles alone. */
static void look_further(search *s)
{
    const recompute_effort effort = s->effort;
    const int32_t count = s->move_count;
    if (!cut_anew(s))
        return;
    s->effort = EFFORT_MORE;
    s->move_count = s->counts.toggles;
    settle(s);
    s->effort = effort;
    s->move_count = count;
    forget_all(s);
}

static bool open(search *s)
{
    const mbs_network *network = s->model->network;
    const size_t layers = (size_t)s->model->layer_count;
    s->layers = mem_alloc(layers * sizeof *s->layers);
    s->set = mem_alloc(layers);
    s->again = mem_alloc(layers);
    if (s->layers == NULL || s->set == NULL || s->again == NULL)
        return fail(s, error_memory(s->error));
    const bool done = recompute_layers(s->layers, network, s->model->plain);
    /* to start with all that is free leads elsewhere than the rest, and not always further */
    const recompute_level levels = s->effort == EFFORT_SAME_CUTS ? LEVEL_COUNT : LEVEL_FREE;
    if (done)
        s->moves = recompute_moves(&s->counts, network, s->layers, levels);
    return s->moves != NULL || fail(s, error_memory(s->error));
}

static mbs_status close(search *s)
{
    mem_free(s->layers);
    mem_free(s->moves);
    mem_free(s->set);
    mem_free(s->again);
    return s->status;
}

mbs_status recompute_search(recompute_state *state, const recompute_model *model,
                            recompute_effort effort, double work, mbs_error *error)
{
    search s = {.model = model, .state = state, .effort = effort, .work = work, .error = error};
    if (open(&s)) {
        s.move_count = s.counts.once;
        settle(&s);
        /* look closer, then further, with what work is left */
        if (s.effort == EFFORT_SAME_CUTS && cut_anew(&s)) {
            s.effort = EFFORT_GROUPS;
            settle(&s);
        }
        look_further(&s);
        /* only now, and with work of its own, so that recomputing anew never makes it worse */
        s.work = ANEW_PART * work;
        s.move_count = s.counts.all;
        refresh(&s, s.counts.once, s.counts.all);
        if (climb(&s))
            settle(&s);
    }
    return close(&s);
}

mbs_status recompute_fit(recompute_state *state, const recompute_model *model, int64_t enough,
                         double work, recompute_least *least, mbs_error *error)
{
    search s = {.model = model,
                .state = state,
                .effort = EFFORT_GROUPS,
                .work = work,
                .fits_enough = true,
                .enough = enough,
                .least = least,
                .error = error};
    if (open(&s)) {
        keep_least(&s);
        s.move_count = s.counts.all;
        settle(&s);
    }
    return close(&s);
}
