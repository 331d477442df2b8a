#include "plan/dp/strip_walk.h"

#include "base/checked.h"
#include "base/memory.h"

struct walk_lone {
    lone_bytes bytes;
    lone_room room; /* what they take */
};

bool strip_walk_open(strip_walk *walk, const mbs_program *p, bool stream)
{
    const size_t steps = (size_t)p->step_count + 1;
    const size_t blocks = steps / WALK_BLOCK + 1;
    *walk = (strip_walk){.program = p, .stream = stream};
    walk->last = mem_alloc(((size_t)p->tensor_count + 1) * sizeof *walk->last);
    walk->rest = mem_alloc(steps * sizeof *walk->rest);
    walk->block_rest = mem_alloc(blocks * sizeof *walk->block_rest);
    walk->block_most = mem_alloc(blocks * sizeof *walk->block_most);
    walk->lone = mem_alloc(steps * sizeof *walk->lone);
    return walk->last != NULL && walk->rest != NULL && walk->block_rest != NULL &&
           walk->block_most != NULL && walk->lone != NULL;
}

void strip_walk_close(strip_walk *walk)
{
    mem_free(walk->last);
    mem_free(walk->rest);
    mem_free(walk->block_rest);
    mem_free(walk->block_most);
    mem_free(walk->lone);
    *walk = (strip_walk){0};
}

void strip_walk_add_step(strip_walk *walk)
{
    const mbs_program *p = walk->program;
    const mbs_step *step = &p->steps[walk->end];
    for (int32_t t = step->touch_begin; t < step->touch_end; t++)
        walk->last[p->touches[t].tensor] = walk->end;
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
    const int32_t last = walk->last[touches[t].tensor];
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

void strip_walk_grow(strip_walk *walk)
{
    const int32_t k = --walk->first;
    const mbs_program *p = walk->program;
    const mbs_step *step = &p->steps[k];
    if ((k + 1) % WALK_BLOCK == 0)
        start_block(walk, k / WALK_BLOCK);
    walk->lone[k] = (walk_lone){0};
    walk->rest[k] = 0; /* nothing was added to all of its block yet */
    for (int32_t t = step->touch_begin; t < step->touch_end; t++) {
        if (walk->last[p->touches[t].tensor] == k)
            lone_add(&walk->lone[k].bytes, walk->extent[t]);
        else
            hold(walk, k, t);
    }
    settle(walk, k);
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
