/* Times of dp's groups, which are sums over their steps (model, section 7). */
#ifndef PLAN_DP_DP_TIMES_H
#define PLAN_DP_DP_TIMES_H

#include "cost/group_time.h"

/* What a group, or a part of it, takes: all of it one execution after another, unless iterations
 * overlap; then only the first one is (cost_overlapped_s). */
typedef struct group_times {
    double alone_s;
    double array_s; /* of the others, likewise below */
    double vector_s;
    double dram_s;
    double in_turn_s; /* all of theirs one after another */
} group_times;

/* fmax of numbers; a call of it would take longer than all else where a step's time is found. */
static inline double longer(double a, double b)
{
    return a > b ? a : b;
}

/* What it takes with so many iterations under way. */
static inline double time_of(const group_times *times, int64_t under_way)
{
    if (!(times->in_turn_s > 0))
        return times->alone_s;
    return times->alone_s + longer(times->dram_s, cost_in_places_s(times->array_s, times->vector_s,
                                                                   times->in_turn_s, under_way));
}

/* What it takes at least, however it is cut into groups. */
static inline double least_time_of(const group_times *times)
{
    return times->alone_s + longer(longer(times->array_s, times->vector_s), times->dram_s);
}

static inline void add_times(group_times *sum, group_times more)
{
    sum->alone_s += more.alone_s;
    sum->array_s += more.array_s;
    sum->vector_s += more.vector_s;
    sum->dram_s += more.dram_s;
    sum->in_turn_s += more.in_turn_s;
}

static inline void take_times(group_times *sum, group_times less)
{
    sum->alone_s -= less.alone_s;
    sum->array_s -= less.array_s;
    sum->vector_s -= less.vector_s;
    sum->dram_s -= less.dram_s;
    sum->in_turn_s -= less.in_turn_s;
}

#endif
