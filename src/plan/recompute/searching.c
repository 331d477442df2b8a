#include "plan/recompute/searching.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

/* Gains below this part of the objective are none: sums of doubles are that exact. */
#define NO_GAIN 1e-9

/* What building a step takes, in growths of a group for traffic; and a growth for time or energy.
 */
#define BUILDING 2
#define COSTING  32

/* What a move that costs nothing is taken to cost, as a share. */
#define LEAST_COST 1e-3

static bool fail(searching *s, mbs_status status)
{
    s->status = status;
    return false;
}

bool searching_goes_on(const searching *s)
{
    if (s->fits_enough && s->state->dram.peak <= s->enough)
        return false;
    return s->status == MBS_OK && s->work > 0 && !plan_watch_is_over(s->model->task.watch);
}

static bool fits(const searching *s, double macs)
{
    return s->state->macs + macs <= s->max_macs;
}

/* What the objective may change by, for so many more multiply-accumulates. */
static double allowance(const searching *s, double macs)
{
    return s->price > 0 ? -s->price * macs : 0;
}

/* Whether it did not take much more for the move to gain when it was last looked at. */
static bool near_gain(const searching *s, const recompute_move *move)
{
    const double change = isfinite(move->change) ? move->change : move->least;
    return change - allowance(s, move->macs) < s->slack * s->state->objective;
}

/* Whether too little is known of the move to say whether it gains. */
static bool is_open(const searching *s, const recompute_move *move)
{
    if (!move->known)
        return true;
    if (move->stale)
        return s->slack == 0 || near_gain(s, move);
    return !isfinite(move->change) && fits(s, move->macs) && move->least < allowance(s, move->macs);
}

/* ---- Looking at moves ------------------------------------------------------------------------ */

bool searching_set_of(searching *s, const recompute_move *move)
{
    memcpy(s->set, s->state->set, (size_t)s->model->layer_count);
    return recompute_make_move(s->set, s->layers, move);
}

void searching_count(searching *s, const recompute_trial *trial)
{
    const double growth = s->model->task.objective == MBS_TRAFFIC ? 1 : COSTING;
    s->work -= BUILDING * trial->program->step_count;
    for (int32_t i = 0; i < trial->window_count; i++)
        s->work -= growth * (double)trial->window[i].range.grown;
}

/* Whether s->set was tried with success, which is then in *trial. */
static bool try_set(searching *s, recompute_move *move, recompute_trial *trial)
{
    const double macs = recompute_least_macs(s->set, s->layers, s->model->plain, s->again);
    move->macs = macs - s->state->macs;
    move->least = -INFINITY;
    if (macs > s->max_macs)
        return false;
    mbs_status status = recompute_try(trial, s->model, s->state, s->set, allowance(s, move->macs),
                                      s->effort, s->error);
    if (status != MBS_OK)
        return fail(s, status);
    move->change = trial->objective - s->state->objective;
    move->least = trial->least;
    if (isfinite(trial->objective))
        move->relief = s->state->dram.over - trial->dram.over;
    move->macs = trial->macs - s->state->macs;
    if (trial->first_layer < move->near_first)
        move->near_first = trial->first_layer;
    if (trial->last_layer > move->near_last)
        move->near_last = trial->last_layer;
    searching_count(s, trial);
    return true;
}

/* Nothing is known of the move but that it will be looked at now. */
static void begin_look(recompute_move *move)
{
    move->known = true;
    move->stale = false;
    move->change = move->least = INFINITY;
    move->relief = 0;
    move->near_first = move->first;
    move->near_last = move->end - 1;
}

static uint64_t hash_set(const unsigned char *set, int32_t layers)
{
    uint64_t hash = 0;
    for (int32_t l = 0; l < layers; l++) {
        const uint64_t key = ((uint64_t)l << 8 | set[l]) * UINT64_C(0x9e3779b97f4a7c15);
        hash += set[l] != 0 ? (key ^ key >> 29) * UINT64_C(0xbf58476d1ce4e5b9) : 0;
    }
    return hash ^ hash >> 31;
}

/* Where a move that leads to s->set is, or belongs. Two sets are taken for one if their hashes are
 * the same: nothing is made without a trial of its own. */
static searching_seen *find_seen(const searching *s, uint64_t set)
{
    uint64_t at = set & s->seen_mask;
    while (s->seen[at].epoch == s->epoch && s->seen[at].set != set)
        at = (at + 1) & s->seen_mask;
    return &s->seen[at];
}

static void copy_known(recompute_move *move, const recompute_move *from)
{
    move->change = from->change;
    move->least = from->least;
    move->relief = from->relief;
    move->macs = from->macs;
    if (from->near_first < move->near_first)
        move->near_first = from->near_first;
    if (from->near_last > move->near_last)
        move->near_last = from->near_last;
}

/* Many moves lead to the same set. */
static void look_at(searching *s, recompute_move *move)
{
    recompute_trial trial = {0};
    begin_look(move);
    if (!searching_set_of(s, move))
        return;
    const uint64_t set = hash_set(s->set, s->model->layer_count);
    searching_seen *seen = find_seen(s, set);
    const recompute_move *same = &s->moves[seen->move];
    if (seen->epoch == s->epoch && same != move && !is_open(s, same)) {
        copy_known(move, same);
        return;
    }
    *seen = (searching_seen){set, s->epoch, (int32_t)(move - s->moves)};
    try_set(s, move, &trial);
    recompute_trial_close(&trial);
}

static void forget_near(searching *s, const recompute_move *made)
{
    for (int32_t i = 0; i < s->counts.all; i++) {
        recompute_move *move = &s->moves[i];
        if (move->near_first <= made->near_last && move->near_last >= made->near_first)
            move->stale = true;
    }
}

void searching_forget(searching *s)
{
    for (int32_t i = 0; i < s->counts.all; i++)
        s->moves[i].stale = true;
    s->epoch++;
}

/* ---- States that it comes through ------------------------------------------------------------ */

/* Keeps the state if none before needs as little DRAM. */
static void keep_least(searching *s)
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

void searching_keep(searching *s)
{
    keep_least(s);
    if (s->front != NULL && s->status == MBS_OK)
        s->status = recompute_front_add(s->front, s->state, s->model->layer_count, s->error);
}

/* ---- Making moves ---------------------------------------------------------------------------- */

/* Where the state needs too much DRAM: what the move relieves it of for what it costs, a share of
 * the objective and one of the multiply-accumulates being worth the same. */
static double relief_merit(const searching *s, const recompute_move *move)
{
    const double objective = fmax(move->change, 0) / s->state->objective;
    const double macs = s->model->plain_macs > 0 ? fmax(move->macs, 0) / s->model->plain_macs : 0;
    return fmax(move->relief, 0) / (LEAST_COST + objective + macs);
}

/* How good a move is by what is known of it: 0 not at all, above 1e300 if it costs nothing. */
static double merit(const searching *s, const recompute_move *move)
{
    const double gain = allowance(s, move->macs) - move->change;
    if (s->state->dram.over > 0)
        return fits(s, move->macs) ? relief_merit(s, move) : 0;
    if (!(gain > NO_GAIN * s->state->objective) || !fits(s, move->macs))
        return 0;
    if (s->price > 0)
        return gain;
    return move->macs > 0 ? gain / move->macs : 1e300 * (1 + gain / s->state->objective);
}

/* Makes the move; its figures are then those of this very state. */
static bool make_move(searching *s, recompute_move *move)
{
    recompute_trial trial = {0};
    begin_look(move);
    const bool gains = searching_set_of(s, move) && try_set(s, move, &trial) &&
                       isfinite(trial.objective) && (s->state->dram.over > 0 || merit(s, move) > 0);
    if (gains) {
        recompute_apply(s->state, &trial, s->model, s->set);
        searching_keep(s);
        s->epoch++;
    }
    recompute_trial_close(&trial);
    forget_near(s, move);
    return gains && s->status == MBS_OK;
}

/* The best move, and true if its figures are of the present state; a stale one is looked at. */
static recompute_move *best_move(searching *s)
{
    while (searching_goes_on(s)) {
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

void searching_refresh(searching *s, int32_t first, int32_t end)
{
    for (int32_t i = first; i < end && searching_goes_on(s); i++)
        if (is_open(s, &s->moves[i]))
            look_at(s, &s->moves[i]);
}

bool searching_climb(searching *s)
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

void searching_settle(searching *s)
{
    do
        searching_refresh(s, 0, s->move_count);
    while (searching_climb(s));
}

/* ---- From beginning to end ------------------------------------------------------------------- */

/* Room for at least twice as many as there are moves. */
static bool open_seen(searching *s)
{
    uint64_t room = 64;
    while (room < 4 * (uint64_t)s->counts.all)
        room *= 2;
    s->seen_mask = room - 1;
    s->seen = mem_zeroed((int64_t)room, sizeof *s->seen);
    s->epoch = 1;
    return s->seen != NULL;
}

bool searching_open(searching *s)
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
    s->move_count = s->counts.all;
    if (s->moves == NULL || !open_seen(s))
        return fail(s, error_memory(s->error));
    searching_keep(s);
    return s->status == MBS_OK;
}

mbs_status searching_close(searching *s)
{
    mem_free(s->layers);
    mem_free(s->moves);
    mem_free(s->set);
    mem_free(s->again);
    mem_free(s->seen);
    return s->status;
}
