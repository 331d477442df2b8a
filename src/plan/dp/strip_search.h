/*
 * dp's strip groups (model, section 11): for each cut the groups that end there and push strips
 * through, for all starts and all T.
 *
 * A start is alive as long as all groups from it have fit at one row of the tallest tensor per
 * strip; once one has not, no later one counts. So for each cut a group grows to the left over all
 * starts alive, once for each height of tallest tensors, and finds out which start dies. Most often
 * it is known beforehand that none does: a strip group needs no more than its rings together with
 * what a group of whole samples, one at a time, needs. The other T, and what a group would cost,
 * are looked at only where activations and parameters moved once, and what could never be pinned
 * moved in two strips, come to less than the best known.
 *
 * Time, of residual chains of 714, 2889 and 11589 steps: 1, 5 and 50 ms in 64 KiB, where few steps
 * fit in a group; 5, 139 and 888 ms in 64 MiB, where thousands do: a start that is doubtful, or
 * promising, has the group grow over all steps from there to the cut, so it is quadratic in the
 * longest groups that fit. Memory is linear in the steps.
 */
#ifndef PLAN_DP_STRIP_SEARCH_H
#define PLAN_DP_STRIP_SEARCH_H

#include "plan/dp/dp_emit.h"
#include "plan/dp/dp_span.h"
#include "plan/dp/dp_starts.h"
#include "plan/dp/dp_ties.h"
#include "plan/dp/strip_walk.h"
#include "plan/pins.h"

/* Starts whose groups, up to the cut at hand, have tallest tensors of so many rows. */
typedef struct strip_class {
    int64_t rows;
    int32_t first; /* the lowest such start; up to the next class's */
} strip_class;

typedef struct strip_search {
    const plan_task *task;
    starts *starts;
    pins pins; /* of the group that was looked at last */
    strip_links links;
    strip_walk walk;
    strip_table *tables; /* those in use so far, each for another T */
    int32_t table_count;
    int32_t table_capacity;
    strip_class *classes; /* by start; rows descending */
    int32_t class_count;
    bool *alive;        /* per start */
    int32_t floor;      /* no start before this one is */
    candidates single;  /* the one with sub-batches of one sample */
    span sample;        /* the group [roomy, end) with it, */
    int32_t roomy;      /* from which on the groups fit: no start dies */
    int32_t *promising; /* starts whose groups may be better than the best known, descending */
    int32_t promising_count;
    int32_t end;   /* the cut at hand, */
    int64_t *best; /* its least traffic */
    dp_choice *choice;
    dp_ties *ties; /* for all groups that come to it; or null if they are offered */
    /* if not null, what fits and moves less than *best goes here, which then stays as it is; false
       ends the search */
    bool (*offer)(void *context, int32_t first, int32_t strips, int64_t traffic);
    void *context;
    bool refused;
} strip_search;

/* The starts must have all cuts up to `end` when it is searched. Borrows all. False if memory is
 * out; close in any case. */
bool strip_search_open(strip_search *search, const plan_task *task, starts *cuts,
                       const int64_t *operands);
void strip_search_close(strip_search *search);

/*
 * Takes for the last group before cut `end` the best strip group, if it is better than *best, and
 * adds to `ties` those that are as good. Cuts come in order, from 1. False if memory is out. What
 * offers its groups needs neither choice nor ties.
 */
bool strip_search_cut(strip_search *search, int32_t end, int64_t *best, dp_choice *choice,
                      dp_ties *ties);

#endif
