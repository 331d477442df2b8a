/* The footprints of a strip group that grows to the left, by the extents of a table. */
#ifndef PLAN_DP_STRIP_WALK_H
#define PLAN_DP_STRIP_WALK_H

#include "plan/dp/strip_table.h"
#include "plan/planner.h"

/* Steps are summed up in blocks, so that tensors held over many of them are added quickly. */
#define WALK_BLOCK 32

typedef struct walk_lone walk_lone;
typedef struct walk_pair walk_pair;

typedef struct strip_walk {
    const mbs_program *program;
    const strip_extent *extent;
    bool stream;
    bool in_place;
    int32_t first; /* steps [first, end) */
    int32_t end;
    int32_t *from;       /* per tensor that the group touches: its first touch there, */
    int32_t *last;       /* and its last one before `end` */
    int64_t rings;       /* what takes room in all steps */
    int64_t *rest;       /* per step: what takes room besides, less the following of its block */
    int64_t *block_rest; /* per block: what takes room in all its steps */
    int64_t *block_most; /* the most of `rest` in it */
    walk_lone *lone;     /* per step: its lone operands, */
    walk_pair *pair;     /* and what it writes over; null if no step does */
    int64_t largest;     /* the most that takes room besides the rings, */
    bool is_stale;       /* unless that has fallen */
} strip_walk;

/* False if memory is out; close in any case. Borrows the task. */
bool strip_walk_open(strip_walk *walk, const plan_task *task);
void strip_walk_close(strip_walk *walk);

/* Lets the groups have the step after their end; steps come in order. */
void strip_walk_add_step(strip_walk *walk);

/* Makes it the empty group at its end; extents are per touch, as of strip_table. */
void strip_walk_start(strip_walk *walk, const strip_extent *extent);

/* Adds the step before the first. O(its touches · steps that their tensors are held over). */
void strip_walk_grow(strip_walk *walk);

/* The largest footprint, no pinned bytes in it. */
int64_t strip_walk_peak(strip_walk *walk);

#endif
