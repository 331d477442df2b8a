#include "plan/dp/strip_walk.h"

#include "base/checked.h"
#include "base/memory.h"
#include "cost/footprint.h"

struct walk_step {
    int64_t blocks; /* shared ones that cross it or are its operands */
    int64_t own;    /* what its lone operands take in it alone, */
    int64_t rings;  /* and in all steps */
    lone_bytes lone;
};

bool strip_walk_open(strip_walk *walk, const mbs_program *p, bool stream)
{
    *walk = (strip_walk){.program = p, .stream = stream};
    walk->last = mem_alloc(((size_t)p->tensor_count + 1) * sizeof *walk->last);
    walk->steps = mem_alloc(((size_t)p->step_count + 1) * sizeof *walk->steps);
    return walk->last != NULL && walk->steps != NULL;
}

void strip_walk_close(strip_walk *walk)
{
    mem_free(walk->last);
    mem_free(walk->steps);
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

void strip_walk_start(strip_walk *walk, const strip_extent *extent)
{
    walk->extent = extent;
    walk->first = walk->end;
    walk->rings = walk->largest = 0;
    walk->is_stale = false;
}

/* Changes what steps [first, end) need by `bytes`. */
static void add_blocks(strip_walk *walk, int32_t first, int32_t end, int64_t bytes)
{
    walk_step *steps = walk->steps;
    int64_t largest = walk->largest;
    walk->is_stale = walk->is_stale || bytes < 0;
    for (int32_t k = first; k < end; k++) {
        steps[k].blocks += bytes;
        largest = max_i64(largest, steps[k].blocks + steps[k].own);
    }
    walk->largest = largest;
}

/* Adds what step k's lone operands take. */
static void settle(strip_walk *walk, int32_t k)
{
    walk_step *s = &walk->steps[k];
    const mbs_step *step = &walk->program->steps[k];
    const bool streamed = walk->stream && lone_streams(&s->lone, step);
    const lone_room room = lone_take(&s->lone, step, streamed);
    s->own = room.own;
    s->rings = room.rings;
    walk->rings += room.rings;
}

/* Takes the tensor of touch `next` out of its step's lone operands. */
static void share(strip_walk *walk, int32_t next)
{
    const int32_t k = walk->program->touches[next].step;
    walk->rings -= walk->steps[k].rings;
    lone_remove(&walk->steps[k].lone, walk->extent[next]);
    settle(walk, k);
}

/* The tensor of touch t, which later steps of the group touch, is held from step k on. */
static void hold(strip_walk *walk, int32_t k, int32_t t)
{
    const mbs_touch *touches = walk->program->touches;
    const int32_t next = touches[t].next;
    const int32_t to = touches[next].step;
    const int32_t last = walk->last[touches[t].tensor];
    const walk_step *s = &walk->steps[to];
    const int64_t need = s->blocks + s->own;
    const bool was_largest = need >= walk->largest;
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
    add_blocks(walk, k, to, now);
    if (now != before)
        add_blocks(walk, to, last + 1, now - before);
    walk->largest = max_i64(walk->largest, s->blocks + s->own);
    if (was_largest && s->blocks + s->own < need)
        walk->is_stale = true;
}

void strip_walk_grow(strip_walk *walk)
{
    const int32_t k = --walk->first;
    const mbs_program *p = walk->program;
    const mbs_step *step = &p->steps[k];
    walk_step *s = &walk->steps[k];
    *s = (walk_step){0};
    for (int32_t t = step->touch_begin; t < step->touch_end; t++) {
        if (walk->last[p->touches[t].tensor] == k)
            lone_add(&s->lone, walk->extent[t]);
        else
            hold(walk, k, t);
    }
    settle(walk, k);
    walk->largest = max_i64(walk->largest, s->blocks + s->own);
}

int64_t strip_walk_peak(strip_walk *walk)
{
    if (walk->is_stale) {
        walk->largest = 0;
        for (int32_t k = walk->first; k < walk->end; k++)
            walk->largest = max_i64(walk->largest, walk->steps[k].blocks + walk->steps[k].own);
        walk->is_stale = false;
    }
    return walk->rings + walk->largest;
}
