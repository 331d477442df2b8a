/* Time and energy of groups, of which iterations may overlap (model, section 7). */
#ifndef COST_GROUP_TIME_H
#define COST_GROUP_TIME_H

#include "cost/time.h"

/* One for each of array, vector unit and DRAM; more under way at once would gain little. */
#define COST_MOST_UNDER_WAY 3

/* How many iterations of which one takes `bytes` may be under way at once in so much room: 1 to
 * COST_MOST_UNDER_WAY. */
static inline int64_t cost_iterations_in(int64_t room, int64_t bytes)
{
    if (room / COST_MOST_UNDER_WAY >= bytes)
        return COST_MOST_UNDER_WAY;
    return room / 2 >= bytes ? 2 : 1;
}

/*
 * The same of a plan's group, beside what it pins. Of strips, which go on with rows of those before
 * them, one. O(touches of the group).
 */
int64_t cost_under_way(const mbs_plan *plan, const mbs_group *group);

/*
 * What iterations take of which `under_way` are in the group at any time, if one after another they
 * would take in_turn_s, array_s and vector_s of it on the array and in the vector unit. They meet
 * at these two and then one waits: the group is a closed queueing network, whose throughput mean
 * value analysis gives (Reiser and Lavenberg 1980) for executions of random length. What they wait
 * for DRAM is a third station. With one under way it is in_turn_s; never less than either of
 * the two nor than in_turn_s / under_way; the more, the more any of the three is.
 */
static inline double cost_in_places_s(double array_s, double vector_s, double in_turn_s,
                                      int64_t under_way)
{
    const double waits_s = in_turn_s - array_s - vector_s; /* below 0 by rounding alone */
    const double demand_s[] = {array_s, vector_s, waits_s > 0 ? waits_s : 0};
    double there[] = {0, 0, 0}; /* iterations at each station, on the average */
    double sum_s = 0;
    for (int64_t n = 1; n <= under_way; n++) {
        sum_s = 0;
        for (int i = 0; i < 3; i++)
            sum_s += demand_s[i] * (1 + there[i]);
        for (int i = 0; i < 3 && sum_s > 0; i++)
            there[i] = (double)n * demand_s[i] * (1 + there[i]) / sum_s;
    }
    return sum_s / (double)under_way;
}

/*
 * What a group takes of which `under_way` iterations may overlap (MBS_OVERLAP_GROUP): the first as
 * if it were alone, and for the others what they take in so many places, or what DRAM has to move,
 * if that is longer. `all` is the sum over its steps and iterations, `first` that over the first
 * iteration; either counts each execution's time as under MBS_OVERLAP_STEP.
 */
double cost_overlapped_s(const mbs_cost *all, const mbs_cost *first, const mbs_hardware *hardware,
                         int64_t under_way);

/*
 * Adds to costs[k - first], all 0, all that step k of the group does, whether it pushes whole
 * samples or strips. Where iterations overlap each step has the share of the group's time that it
 * would take of it if they did not; *scale, 1 else, is this against that. cost_finish is the
 * caller's. O(touches of the group), of strips O(touches · strips). False if memory is out.
 */
bool cost_add_group(mbs_cost *costs, double *scale, const mbs_plan *plan,
                    const mbs_hardware *hardware, const mbs_group *group);

/* Adds all sums of `more`, energy apart. */
void cost_add(mbs_cost *sum, const mbs_cost *more);

#endif
