#include "plan/pins.h"

#include "base/checked.h"
#include "base/memory.h"

static const parameter_use *use_of(const mbs_step *step, int kind)
{
    return kind == PINS_WEIGHTS ? &step->weight_use : &step->accumulator_use;
}

static bool is_shared(const parameter_use *use)
{
    return use->previous >= 0 || use->next >= 0;
}

/* ---- A range --------------------------------------------------------------------------------- */

static bool open_shared(pin_pool *pool, const mbs_program *program, int kind)
{
    const size_t steps = (size_t)program->step_count + 1;
    pool->first = mem_alloc(steps * sizeof *pool->first);
    pool->uses = mem_calloc(steps, sizeof *pool->uses);
    if (pool->first == NULL || pool->uses == NULL)
        return false;
    for (int32_t k = 0; k < program->step_count; k++) {
        const parameter_use *use = use_of(&program->steps[k], kind);
        pool->first[k] = use->previous >= 0 ? pool->first[use->previous] : is_shared(use) ? k : -1;
        if (pool->first[k] < 0)
            continue;
        const int32_t uses = ++pool->uses[pool->first[k]];
        pool->most = uses > pool->most ? uses : pool->most;
    }
    for (int32_t k = 0; k < program->step_count; k++)
        pool->uses[k] = 0;
    pool->shared = mem_calloc((size_t)pool->most + 1, sizeof *pool->shared);
    return pool->shared != NULL;
}

static bool open_pool(pin_pool *pool, const mbs_program *program, int kind)
{
    pool->most = 1;
    pool->alone = mem_alloc(((size_t)program->step_count + 1) * sizeof *pool->alone);
    if (pool->alone == NULL)
        return false;
    pool->alone[0] = 0;
    for (int32_t k = 0; k < program->step_count; k++) {
        const parameter_use *use = use_of(&program->steps[k], kind);
        pool->alone[k + 1] = pool->alone[k] + (is_shared(use) ? 0 : use->common);
    }
    return !program->shares || open_shared(pool, program, kind);
}

bool pins_open(pins *p, const mbs_program *program)
{
    *p = (pins){.program = program};
    return open_pool(&p->pools[PINS_WEIGHTS], program, PINS_WEIGHTS) &&
           open_pool(&p->pools[PINS_ACCUMULATORS], program, PINS_ACCUMULATORS);
}

void pins_close(pins *p)
{
    for (int kind = 0; kind < PINS_KINDS; kind++) {
        mem_free(p->pools[kind].alone);
        mem_free(p->pools[kind].first);
        mem_free(p->pools[kind].uses);
        mem_free(p->pools[kind].shared);
    }
    *p = (pins){0};
}

/* Step k comes into the range or goes out of it. */
static void change(pins *p, int32_t k, int32_t by)
{
    for (int kind = 0; kind < PINS_KINDS; kind++) {
        pin_pool *pool = &p->pools[kind];
        const int32_t first = pool->first[k];
        if (first < 0)
            continue;
        const int64_t bytes = use_of(&p->program->steps[k], kind)->common;
        pool->shared[pool->uses[first]] -= bytes;
        pool->uses[first] += by;
        pool->shared[pool->uses[first]] += bytes;
    }
}

void pins_move_shared(pins *p, int32_t first, int32_t end)
{
    const bool apart = first >= p->end || end <= p->first;
    while (p->end > p->first && (apart || p->end > end))
        change(p, --p->end, -1);
    while (p->first < p->end && p->first < first)
        change(p, p->first++, -1);
    if (p->first == p->end)
        p->first = p->end = first;
    while (p->first > first)
        change(p, --p->first, 1);
    while (p->end < end)
        change(p, p->end++, 1);
}

/* ---- Shares ---------------------------------------------------------------------------------- */

static int64_t saved_by(int kind, int64_t uses, int64_t iterations)
{
    const int64_t moves = uses * iterations - 1;
    return kind == PINS_ACCUMULATORS ? 2 * moves : moves;
}

static int64_t bytes_of(const pins *p, int kind, int32_t uses)
{
    const pin_pool *pool = &p->pools[kind];
    const int64_t shared = pool->shared != NULL ? pool->shared[uses] : 0;
    return uses > 1 ? shared : shared + pool->alone[p->end] - pool->alone[p->first];
}

pin_share pins_next_shared(pin_walk *walk)
{
    pin_share share = {0};
    int taken = -1;
    for (int kind = PINS_KINDS; kind-- > 0;) {
        int32_t *uses = &walk->uses[kind];
        while (*uses > 1 && bytes_of(walk->pins, kind, *uses) == 0)
            (*uses)--;
        const int64_t saves = *uses > 0 ? saved_by(kind, *uses, walk->iterations) : 0;
        if (saves > share.saves) {
            share = (pin_share){saves, bytes_of(walk->pins, kind, *uses)};
            taken = kind;
        }
    }
    if (taken >= 0)
        walk->uses[taken]--;
    return share;
}

int64_t pins_save_shared(const pins *p, int64_t iterations, int64_t room)
{
    pin_walk walk = pins_begin(p, iterations);
    int64_t saved = 0;
    for (pin_share share; room > 0 && (share = pins_next(&walk)).saves > 0;) {
        const int64_t bytes = min_i64(room, share.bytes);
        saved += bytes * share.saves;
        room -= bytes;
    }
    return saved;
}

int64_t pins_worthwhile(const pins *p, int64_t iterations)
{
    pin_walk walk = pins_begin(p, iterations);
    int64_t bytes = 0;
    for (pin_share share; (share = pins_next(&walk)).saves > 0;)
        bytes += share.bytes;
    return bytes;
}

/* ---- A group --------------------------------------------------------------------------------- */

/* What a byte saves that step k of the group [first, end) is the first to use; else 0. */
static int64_t saved_at(const mbs_program *program, int32_t first, int32_t end, int kind, int32_t k,
                        int64_t iterations)
{
    const parameter_use *use = use_of(&program->steps[k], kind);
    int64_t uses = 1;
    if (!use_is_first(use, first))
        return 0;
    for (; !use_is_last(use, end); uses++)
        use = use_of(&program->steps[use->next], kind);
    return saved_by(kind, uses, iterations);
}

static void pin_kind(const mbs_program *program, int32_t first, int32_t end, int kind,
                     int64_t iterations, int64_t saves, int64_t *room, int64_t *pinned)
{
    for (int32_t k = first; *room > 0 && k < end; k++) {
        if (saved_at(program, first, end, kind, k, iterations) != saves)
            continue;
        const int64_t bytes = min_i64(*room, use_of(&program->steps[k], kind)->common);
        *room -= bytes;
        for (int32_t user = k; user >= 0 && user < end;
             user = use_of(&program->steps[user], kind)->next)
            pinned[user] = bytes;
    }
}

void pins_fill(const mbs_program *program, int32_t first, int32_t end, int64_t iterations,
               int64_t room, int64_t *weight, int64_t *accumulator)
{
    int64_t saves = INT64_MAX;
    for (int32_t k = first; k < end; k++)
        weight[k] = accumulator[k] = 0;
    while (room > 0 && saves > 0) {
        int64_t next = 0;
        for (int32_t k = first; k < end; k++)
            for (int kind = 0; kind < PINS_KINDS; kind++) {
                const int64_t here = saved_at(program, first, end, kind, k, iterations);
                if (here < saves)
                    next = max_i64(next, here);
            }
        saves = next;
        if (saves == 0)
            break;
        pin_kind(program, first, end, PINS_ACCUMULATORS, iterations, saves, &room, accumulator);
        pin_kind(program, first, end, PINS_WEIGHTS, iterations, saves, &room, weight);
    }
}
