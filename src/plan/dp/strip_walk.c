#include "plan/dp/strip_walk.h"

#include "base/checked.h"
#include "base/memory.h"

struct walk_lone {
    lone_bytes bytes;
    lone_room room; /* what they take */
};

/*
 * A step that writes over an operand (section 12). The walk counts both as if it did not, and takes
 * away what they need less.
 */
struct walk_pair {
    int32_t over;         /* the touch of the operand; -1: it writes over nothing */
    bool in_ring;         /* both are in a ring, that of what is written or of what is later */
    bool is_read_lone;    /* no other step of the group touches the operand, */
    bool is_written_lone; /* or what is written */
    strip_extent extent;  /* of the operand */
    int32_t from;         /* the step from which on it is there */
};

bool strip_walk_open(strip_walk *walk, const plan_task *task)
{
    const mbs_program *p = task->program;
    const size_t steps = (size_t)p->step_count + 1;
    const size_t tensors = (size_t)p->tensor_count + 1;
    const size_t blocks = steps / WALK_BLOCK + 1;
    *walk = (strip_walk){.program = p, .stream = task->stream, .in_place = task->in_place};
    walk->from = mem_alloc(tensors * sizeof *walk->from);
    walk->last = mem_alloc(tensors * sizeof *walk->last);
    walk->rest = mem_alloc(steps * sizeof *walk->rest);
    walk->block_rest = mem_alloc(blocks * sizeof *walk->block_rest);
    walk->block_most = mem_alloc(blocks * sizeof *walk->block_most);
    walk->lone = mem_alloc(steps * sizeof *walk->lone);
    walk->pair = walk->in_place ? mem_alloc(steps * sizeof *walk->pair) : NULL;
    return walk->from != NULL && walk->last != NULL && walk->rest != NULL &&
           walk->block_rest != NULL && walk->block_most != NULL && walk->lone != NULL &&
           (walk->pair != NULL || !walk->in_place);
}

void strip_walk_close(strip_walk *walk)
{
    mem_free(walk->from);
    mem_free(walk->last);
    mem_free(walk->rest);
    mem_free(walk->block_rest);
    mem_free(walk->block_most);
    mem_free(walk->lone);
    mem_free(walk->pair);
    *walk = (strip_walk){0};
}

void strip_walk_add_step(strip_walk *walk)
{
    const mbs_program *p = walk->program;
    const mbs_step *step = &p->steps[walk->end];
    for (int32_t t = step->touch_begin; t < step->touch_end; t++)
        walk->last[p->touches[t].tensor] = t;
    walk->end++;
}

static void start_block(strip_walk *walk, int32_t block)
{
    walk->block_rest[block] = walk->block_most[block] = 0;
}

void strip_walk_start(strip_walk *walk, const strip_extent *extent)
{
    walk->extent = extent;
    walk->first = walk->end;
    walk->rings = walk->largest = 0;
    walk->is_stale = false;
    start_block(walk, (walk->end - 1) / WALK_BLOCK);
}

/* What step k of the group needs besides rings. */
static int64_t need_of(const strip_walk *walk, int32_t k)
{
    return walk->rest[k] + walk->block_rest[k / WALK_BLOCK];
}

/* Looks for the most of a block again, after some of it has fallen. */
static void refresh_block(strip_walk *walk, int32_t block)
{
    const int32_t end = (block + 1) * WALK_BLOCK < walk->end ? (block + 1) * WALK_BLOCK : walk->end;
    int64_t most = INT64_MIN;
    for (int32_t k = block * WALK_BLOCK > walk->first ? block * WALK_BLOCK : walk->first; k < end;
         k++)
        most = max_i64(most, walk->rest[k]);
    walk->block_most[block] = most;
}

/* Changes what steps [first, end) of one block need. */
static void add_within(strip_walk *walk, int32_t first, int32_t end, int64_t bytes)
{
    const int32_t block = first / WALK_BLOCK;
    int64_t most = walk->block_most[block];
    for (int32_t k = first; k < end; k++) {
        walk->rest[k] += bytes;
        most = max_i64(most, walk->rest[k]);
    }
    walk->block_most[block] = most;
    if (bytes < 0)
        refresh_block(walk, block);
    walk->largest = max_i64(walk->largest, most + walk->block_rest[block]);
}

/* Changes what steps [first, end) need by `bytes`. */
static void add_blocks(strip_walk *walk, int32_t first, int32_t end, int64_t bytes)
{
    walk->is_stale = walk->is_stale || bytes < 0;
    while (first < end) {
        const int32_t block = first / WALK_BLOCK;
        const int32_t block_end = (block + 1) * WALK_BLOCK;
        if (first % WALK_BLOCK == 0 && block_end <= end) {
            walk->block_rest[block] += bytes;
            walk->largest =
                max_i64(walk->largest, walk->block_most[block] + walk->block_rest[block]);
        } else {
            add_within(walk, first, block_end < end ? block_end : end, bytes);
        }
        first = block_end;
    }
}

/* Adds what step k's lone operands take; it may be less than before. */
static void settle(strip_walk *walk, int32_t k)
{
    walk_lone *lone = &walk->lone[k];
    const mbs_step *step = &walk->program->steps[k];
    lone->room = lone_take(&lone->bytes, step, walk->stream && lone_streams(&lone->bytes, step));
    walk->rings += lone->room.rings;
    add_within(walk, k, k + 1, lone->room.own);
}

/* Takes the tensor of touch `next` out of its step's lone operands. */
static void share(strip_walk *walk, int32_t next)
{
    const int32_t k = walk->program->touches[next].step;
    walk_lone *lone = &walk->lone[k];
    walk->rings -= lone->room.rings;
    walk->rest[k] -= lone->room.own;
    lone_remove(&lone->bytes, walk->extent[next]);
    settle(walk, k);
}

/* The tensor of touch t, which later steps of the group touch, is held from step k on. */
static void hold(strip_walk *walk, int32_t k, int32_t t)
{
    const mbs_touch *touches = walk->program->touches;
    const int32_t next = touches[t].next;
    const int32_t to = touches[next].step;
    const int32_t last = touches[walk->last[touches[t].tensor]].step;
    const int64_t need = need_of(walk, to);
    const bool is_most = need >= walk->largest;
    int64_t before = 0; /* its block from step `to` on, until now */
    int64_t now = 0;    /* and from now on */
    if (to == last)
        share(walk, next);
    else if (walk->extent[next].kept > 0)
        walk->rings -= walk->extent[next].size;
    else
        before = walk->extent[next].size;
    if (walk->extent[t].kept > 0)
        walk->rings += walk->extent[t].size;
    else
        now = walk->extent[t].size;
    if (now != 0)
        add_blocks(walk, k, to, now);
    if (now != before)
        add_blocks(walk, to, last + 1, now - before);
    if (need_of(walk, to) < need) {
        refresh_block(walk, to / WALK_BLOCK);
        walk->is_stale = walk->is_stale || is_most;
    }
}

/* ---- What is written over -------------------------------------------------------------------- */

static int32_t last_of(const strip_walk *walk, int32_t t)
{
    return walk->last[walk->program->touches[t].tensor];
}

static int32_t from_of(const strip_walk *walk, int32_t t)
{
    return walk->from[walk->program->touches[t].tensor];
}

/* Adds the operand's extent to the step's lone ones, or takes it away. */
static void count_lone(strip_walk *walk, int32_t k, strip_extent extent, bool counts)
{
    walk_lone *lone = &walk->lone[k];
    walk->rings -= lone->room.rings;
    walk->rest[k] -= lone->room.own;
    if (counts)
        lone_add(&lone->bytes, extent);
    else
        lone_remove(&lone->bytes, extent);
    settle(walk, k);
    refresh_block(walk, k / WALK_BLOCK);
}

/* Counts the two operands of step k's pair as two, or as one. */
static void count_pair(strip_walk *walk, int32_t k, bool as_two)
{
    const walk_pair *pair = &walk->pair[k];
    const int64_t bytes = as_two ? pair->extent.size : -pair->extent.size;
    if (pair->is_read_lone || pair->is_written_lone)
        count_lone(walk, k, pair->extent, as_two);
    else
        add_blocks(walk, pair->in_ring ? pair->from : k, k + 1, bytes);
    walk->is_stale = true;
}

/* The step of the group that writes the tensor of touch t, and writes it over something; or -1. */
static int32_t overwriting(const strip_walk *walk, int32_t t)
{
    const mbs_program *p = walk->program;
    const int32_t from = from_of(walk, t);
    const int32_t k = p->touches[from].step;
    return from == p->steps[k].write_begin && walk->pair[k].over >= 0 ? k : -1;
}

/*
 * What is written at touch t is now in a ring, or no longer, and so is all that it was written over
 * in its turn.
 */
static void set_ring(strip_walk *walk, int32_t t, bool in_ring)
{
    for (int32_t k; (k = overwriting(walk, t)) >= 0; t = walk->pair[k].over) {
        if (walk->extent[walk->program->steps[k].write_begin].kept > 0 ||
            walk->pair[k].in_ring == in_ring)
            return;
        count_pair(walk, k, true);
        walk->pair[k].in_ring = in_ring;
        count_pair(walk, k, false);
    }
}

/* Takes the pair of step k apart, if it has one. */
static void part(strip_walk *walk, int32_t k)
{
    const int32_t over = walk->pair[k].over;
    if (over < 0)
        return;
    count_pair(walk, k, true);
    walk->pair[k].over = -1;
    set_ring(walk, over, false);
}

/* strips_over: the touch of what step k writes over. */
static int32_t choose_over(const strip_walk *walk, int32_t k)
{
    const mbs_step *step = &walk->program->steps[k];
    int32_t over = -1;
    for (int32_t t = step->touch_begin; t < step->write_begin; t++)
        if (last_of(walk, t) == t && strips_may_replace(walk->program, t) &&
            walk->extent[from_of(walk, t)].kept == 0 &&
            (over < 0 || from_of(walk, t) < from_of(walk, over)))
            over = t;
    return over;
}

/* Gives step k its pair, if there is one. */
static void join(strip_walk *walk, int32_t k)
{
    const mbs_program *p = walk->program;
    const int32_t over = choose_over(walk, k);
    walk->pair[k].over = over;
    if (over < 0)
        return;
    const int32_t written = p->steps[k].write_begin;
    const int32_t last = last_of(walk, written);
    const int32_t next = p->touches[last].step; /* which may write over what is written */
    const bool goes_on = next > k && walk->pair[next].over == last;
    walk->pair[k] = (walk_pair){
        .over = over,
        .in_ring = walk->extent[written].kept > 0 || (goes_on && walk->pair[next].in_ring),
        .is_read_lone = from_of(walk, over) == over,
        .is_written_lone = last == written,
        .extent = walk->extent[from_of(walk, over)],
        .from = p->touches[from_of(walk, over)].step,
    };
    count_pair(walk, k, false);
    set_ring(walk, over, walk->pair[k].in_ring);
}

/* hold, where the last step that touches the tensor may write over it. */
static void hold_replaced(strip_walk *walk, int32_t k, int32_t t)
{
    const int32_t last = walk->program->touches[last_of(walk, t)].step;
    part(walk, last);
    hold(walk, k, t);
    walk->from[walk->program->touches[t].tensor] = t;
    join(walk, last);
}

/* ---- The group ------------------------------------------------------------------------------- */

void strip_walk_grow(strip_walk *walk)
{
    const int32_t k = --walk->first;
    const mbs_program *p = walk->program;
    const mbs_step *step = &p->steps[k];
    if ((k + 1) % WALK_BLOCK == 0)
        start_block(walk, k / WALK_BLOCK);
    walk->lone[k] = (walk_lone){0};
    walk->rest[k] = 0; /* nothing was added to all of its block yet */
    if (walk->in_place)
        walk->pair[k].over = -1;
    for (int32_t t = step->touch_begin; t < step->touch_end; t++) {
        const int32_t last = last_of(walk, t);
        if (last == t)
            lone_add(&walk->lone[k].bytes, walk->extent[t]);
        else if (walk->in_place && strips_may_replace(p, last))
            hold_replaced(walk, k, t);
        else
            hold(walk, k, t);
        walk->from[p->touches[t].tensor] = t;
    }
    settle(walk, k);
    if (walk->in_place)
        join(walk, k);
}

/* Looks for the most of all blocks again. */
static void refresh(strip_walk *walk)
{
    walk->largest = 0;
    for (int32_t block = walk->first / WALK_BLOCK; block * WALK_BLOCK < walk->end; block++)
        walk->largest = max_i64(walk->largest, walk->block_most[block] + walk->block_rest[block]);
    walk->is_stale = false;
}

int64_t strip_walk_peak(strip_walk *walk)
{
    if (walk->is_stale)
        refresh(walk);
    return walk->rings + walk->largest;
}
