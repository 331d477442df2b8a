/* The footprints of a strip group that grows to the left, by the extents of a table. */
#ifndef PLAN_DP_STRIP_WALK_H
#define PLAN_DP_STRIP_WALK_H

#include "plan/dp/strip_table.h"

typedef struct walk_step walk_step;

typedef struct strip_walk {
    const mbs_program *program;
    const strip_extent *extent;
    bool stream;
    int32_t first; /* steps [first, end) */
    int32_t end;
    int32_t *last;    /* per tensor: the last step before `end` that touches it */
    int64_t rings;    /* what takes room in all steps */
    walk_step *steps; /* per step: the rest */
    int64_t largest;  /* the most of the rest, */
    bool is_stale;    /* unless that has fallen */
} strip_walk;

/* False if memory is out; close in any case. Borrows the program. */
bool strip_walk_open(strip_walk *walk, const mbs_program *program, bool stream);
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
