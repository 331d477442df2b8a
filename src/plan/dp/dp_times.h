/* Times of dp's groups, which are sums over their steps (model, section 7). */
#ifndef PLAN_DP_DP_TIMES_H
#define PLAN_DP_DP_TIMES_H

/* What a group, or a part of it, takes: all of it one execution after another, unless iterations
 * overlap; then only the first one is, and of the others the busiest unit counts. */
typedef struct group_times {
    double alone_s;
    double array_s; /* of the others, likewise below */
    double vector_s;
    double dram_s;
} group_times;

/* fmax of numbers; a call of it would take longer than all else where a step's time is found. */
static inline double longer(double a, double b)
{
    return a > b ? a : b;
}

/* What it takes. */
static inline double time_of(const group_times *times)
{
    return times->alone_s + longer(longer(times->array_s, times->vector_s), times->dram_s);
}

static inline void add_times(group_times *sum, group_times more)
{
    sum->alone_s += more.alone_s;
    sum->array_s += more.array_s;
    sum->vector_s += more.vector_s;
    sum->dram_s += more.dram_s;
}

static inline void take_times(group_times *sum, group_times less)
{
    sum->alone_s -= less.alone_s;
    sum->array_s -= less.array_s;
    sum->vector_s -= less.vector_s;
    sum->dram_s -= less.dram_s;
}

#endif
