/* The search for an order of steps: moves, as long as any gains (model, section 14). */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "plan/order/moves.h"
#include "plan/order/order.h"
#include "plan/order/state.h"

/* Which moves are tried. */
typedef struct reach {
    int32_t lengths;  /* so many of those below are tried of a block */
    int32_t distance; /* steps that it is moved past, at most */
    bool crossing;    /* only past where groups begin: within one, footprints alone change */
} reach;

/* Steps of a block that moves. */
static const int32_t lengths[] = {1, 2, 3, 4, 6, 8, 12, 16, 24, 32};

/* One after the other, as far as the work goes: first what is quick and finds most. */
static const reach reaches[] = {{6, 32, true}, {6, 32, false}, {10, 128, true}};
#define REACH_COUNT (sizeof reaches / sizeof reaches[0])

/* Moves at random are of so many lengths and so far; what follows is of this reach. */
#define KICK_LENGTHS  6
#define KICK_DISTANCE 16
#define KICKED        1

typedef struct search {
    order_state state;
    reach reach;
    double work;    /* the most there may be, in growths of a group */
    int32_t *stamp; /* per step: how many moves had been made when its groups changed last, */
    int32_t *tried; /* and when the moves of blocks that begin there were tried; -1: never */
    int32_t *saved_stamp;
    int32_t *saved_tried;
    int32_t made; /* moves so far */
    uint64_t random;
    mbs_error *error;
    mbs_status status; /* of the first failure */
} search;

static bool goes_on(const search *s)
{
    return s->status == MBS_OK && s->state.work < s->work &&
           !plan_watch_is_over(s->state.task.watch);
}

/* Steps of the groups that were cut anew have moves to be tried again. */
static void note_change(search *s)
{
    s->made++;
    for (int32_t k = s->state.changed_first; k < s->state.changed_end; k++)
        s->stamp[k] = s->made;
}

/* Whether the move is one that gains, and so was made. */
static bool attempt(search *s, int32_t first, int32_t middle, int32_t end)
{
    const order_move move = {first, middle, end};
    const order_state *state = &s->state;
    bool made = false;
    if (s->reach.crossing && order_group_of(state, first) == order_group_of(state, end - 1))
        return false;
    s->status = order_try(&made, &s->state, &move, s->error);
    if (!made || s->status != MBS_OK)
        return false;
    note_change(s);
    return true;
}

/* Whether steps [first, end) may move together. */
static bool is_block(const mbs_program *p, int32_t first, int32_t end)
{
    return end <= p->step_count && p->steps[first].phase == p->steps[end - 1].phase &&
           move_may_cut(p, first) && move_may_cut(p, end);
}

/* The block that begins at `first`, past those behind it. */
static bool move_right(search *s, int32_t first, int32_t length)
{
    const mbs_program *p = s->state.program;
    const int32_t middle = first + length;
    if (!is_block(p, first, middle))
        return false;
    for (int32_t end = middle + 1; end <= middle + s->reach.distance && end <= p->step_count;
         end++) {
        if (!goes_on(s) || move_depends(p, end - 1, first, middle))
            return false;
        if (move_may_cut(p, end) && attempt(s, first, middle, end))
            return true;
    }
    return false;
}

/* And past those before it, more than it has: others are moved past it when they are the block. */
static bool move_left(search *s, int32_t middle, int32_t length)
{
    const mbs_program *p = s->state.program;
    const int32_t end = middle + length;
    if (!is_block(p, middle, end))
        return false;
    for (int32_t first = middle - 1; first >= 0 && first >= middle - s->reach.distance; first--) {
        if (!goes_on(s) || move_is_needed(p, first, middle, end))
            return false;
        if (middle - first > length && move_may_cut(p, first) && attempt(s, first, middle, end))
            return true;
    }
    return false;
}

/* Whether groups near step k have changed since its moves were tried. */
static bool is_stale(const search *s, int32_t k)
{
    const order_state *state = &s->state;
    const int32_t steps = state->program->step_count;
    const int32_t most = s->reach.distance + lengths[s->reach.lengths - 1];
    const int32_t first = order_group_of(state, k > most ? k - most : 0);
    const int32_t last = order_group_of(state, k + most < steps ? k + most : steps - 1);
    for (int32_t i = state->cuts[first]; i < state->cuts[last + 1]; i++)
        if (s->stamp[i] > s->tried[k])
            return true;
    return false;
}

/* Tries the moves of each step in turn; whether any was made. */
static bool sweep(search *s)
{
    const int32_t before = s->made;
    for (int32_t k = 0; k < s->state.program->step_count && goes_on(s); k++) {
        if (!is_stale(s, k))
            continue;
        bool moved = false;
        for (int32_t i = 0; i < s->reach.lengths && !moved && goes_on(s); i++)
            moved = move_right(s, k, lengths[i]) || move_left(s, k, lengths[i]);
        if (moved)
            k--; /* another step is there now */
        else
            s->tried[k] = s->made;
    }
    return s->made > before;
}

/* xorshift64* */
static uint32_t draw(search *s, uint32_t below)
{
    s->random ^= s->random >> 12;
    s->random ^= s->random << 25;
    s->random ^= s->random >> 27;
    return (uint32_t)((s->random * UINT64_C(2685821657736338717)) >> 32) % below;
}

/* A move at random, if it is one that may be made. */
static bool draw_move(search *s, order_move *move)
{
    const mbs_program *p = s->state.program;
    move->first = (int32_t)draw(s, (uint32_t)p->step_count);
    move->middle = move->first + lengths[draw(s, KICK_LENGTHS)];
    move->end = move->middle + 1 + (int32_t)draw(s, KICK_DISTANCE);
    if (move->end > p->step_count || !is_block(p, move->first, move->middle) ||
        !move_may_cut(p, move->end))
        return false;
    for (int32_t k = move->middle; k < move->end; k++)
        if (move_depends(p, k, move->first, move->middle))
            return false;
    return true;
}

/* Until no move gains. */
static void settle(search *s)
{
    while (goes_on(s) && sweep(s))
        if (s->status == MBS_OK)
            s->status = order_cut_anew(&s->state, s->error);
}

/* Where no move gains: one at random, and those that then do; back, if they do not make it good. */
static void kick(search *s)
{
    order_move move;
    order_state saved;
    const size_t bytes = (size_t)s->state.program->step_count * sizeof *s->stamp;
    s->state.work += 1;
    if (!draw_move(s, &move))
        return;
    s->status = order_save(&saved, &s->state, s->error);
    if (s->status == MBS_OK) {
        memcpy(s->saved_stamp, s->stamp, bytes);
        memcpy(s->saved_tried, s->tried, bytes);
        s->status = order_force(&s->state, &move, s->error);
    }
    if (s->status == MBS_OK) {
        note_change(s);
        settle(s);
    }
    if (s->status == MBS_OK && s->state.objective > saved.objective) {
        order_restore(&s->state, &saved);
        memcpy(s->stamp, s->saved_stamp, bytes);
        memcpy(s->tried, s->saved_tried, bytes);
    }
    order_close(&saved);
}

static void improve(search *s)
{
    for (size_t i = 0; i < REACH_COUNT && goes_on(s); i++) {
        s->reach = reaches[i];
        for (int32_t k = 0; k < s->state.program->step_count; k++)
            s->tried[k] = -1;
        settle(s);
    }
    s->reach = reaches[KICKED];
    while (goes_on(s))
        kick(s);
}

mbs_status order_find(mbs_program **found, const plan_task *task, double work, mbs_error *error)
{
    const size_t steps = (size_t)task->program->step_count;
    search s = {.work = work * (double)steps, .random = 1, .error = error};
    *found = NULL;
    s.status = order_open(&s.state, task, error);
    s.stamp = mem_calloc(steps, sizeof *s.stamp);
    s.tried = mem_alloc(steps * sizeof *s.tried);
    s.saved_stamp = mem_alloc(steps * sizeof *s.saved_stamp);
    s.saved_tried = mem_alloc(steps * sizeof *s.saved_tried);
    if (s.status == MBS_OK &&
        (s.stamp == NULL || s.tried == NULL || s.saved_stamp == NULL || s.saved_tried == NULL))
        s.status = error_memory(error);
    const double given = s.state.objective;
    if (s.status == MBS_OK && isfinite(given))
        improve(&s);
    const bool gains = s.status == MBS_OK && s.state.objective < given;
    if (gains && !program_renumber(s.state.program))
        s.status = error_memory(error);
    if (gains && s.status == MBS_OK) {
        *found = s.state.program;
        s.state.program = NULL;
    }
    order_close(&s.state);
    mem_free(s.stamp);
    mem_free(s.tried);
    mem_free(s.saved_stamp);
    mem_free(s.saved_tried);
    return s.status;
}
