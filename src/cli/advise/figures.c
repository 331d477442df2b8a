/* The knee, which memories are enough, and what is advised. */
#include <math.h>
#include <stdlib.h>

#include "advise/advise.h"

/* The index of a point counts machines fastest, then planners, batches, buffers and networks. */
static size_t row_index(const advise_run *of, size_t network, size_t batch, size_t buffer,
                        size_t machine, size_t planner)
{
    const sweep *all = &of->sweep;
    size_t index = network * all->buffers.count + buffer;
    index = index * all->batches.count + batch;
    index = index * all->planners.count + planner;
    return index * all->machine_count + machine;
}

const compare_row *advise_row(const advise_run *of, size_t network, size_t batch, size_t buffer,
                              size_t machine, size_t planner)
{
    return &of->rows[row_index(of, network, batch, buffer, machine, planner)];
}

void advise_relate(advise_run *of)
{
    const size_t machines = of->sweep.machine_count;
    for (size_t first = 0; first < of->sweep.point_count; first += 2 * machines)
        for (size_t i = 0; i < 2 * machines; i++)
            compare_relate(&of->rows[first + i], &of->rows[first + i % machines]);
}

size_t advise_knee(const int64_t *buffers, const double *values, size_t count)
{
    size_t knee = ADVISE_NONE;
    double deepest = 0;
    if (count < 3)
        return knee;
    const double whole = log((double)buffers[count - 1] / (double)buffers[0]);
    for (size_t i = 1; i + 1 < count; i++) {
        const double part = log((double)buffers[i] / (double)buffers[0]) / whole;
        const double depth = values[0] + part * (values[count - 1] - values[0]) - values[i];
        /* rounding makes no knee of a straight line */
        if (depth > deepest + 1e-9 * values[0]) {
            deepest = depth;
            knee = i;
        }
    }
    return knee;
}

double advise_saving(const advise_run *of, size_t network, size_t batch, size_t from, size_t to)
{
    const double before = (double)advise_row(of, network, batch, from, 0, 1)->traffic.total;
    const double after = (double)advise_row(of, network, batch, to, 0, 1)->traffic.total;
    return before > 0 ? (before - after) / before : 0;
}

static double time_of(const advise_run *of, size_t network, size_t batch, size_t buffer,
                      size_t machine)
{
    return advise_row(of, network, batch, buffer, machine, 1)->cost.time_s;
}

size_t advise_fastest(const advise_run *of, size_t network, size_t batch, size_t buffer)
{
    size_t fastest = 0;
    for (size_t m = 1; m < of->sweep.machine_count; m++)
        if (time_of(of, network, batch, buffer, m) < time_of(of, network, batch, buffer, fastest))
            fastest = m;
    return fastest;
}

static bool is_enough(const advise_run *of, size_t network, size_t batch, size_t buffer,
                      size_t machine)
{
    const size_t fastest = advise_fastest(of, network, batch, buffer);
    return time_of(of, network, batch, buffer, machine) <=
           (1 + ADVISE_WITHIN_PERCENT / 100.0) * time_of(of, network, batch, buffer, fastest);
}

static size_t find_enough(const advise_run *of, size_t network, size_t batch, size_t machine)
{
    size_t from = ADVISE_NONE;
    for (size_t b = of->sweep.buffers.count; b-- > 0 && is_enough(of, network, batch, b, machine);)
        from = b;
    return from;
}

static size_t smallest_near_least(const double *values, size_t count)
{
    double least = values[0];
    size_t buffer = 0;
    for (size_t b = 1; b < count; b++)
        least = fmin(least, values[b]);
    while (buffer + 1 < count && values[buffer] > (1 + ADVISE_WITHIN_PERCENT / 100.0) * least)
        buffer++;
    return buffer;
}

/* The least bandwidth that is enough from the buffer on; the fastest there if none is. */
static size_t slowest_enough(const advise_run *of, const advice *found, size_t network,
                             size_t batch, size_t buffer)
{
    const sweep *all = &of->sweep;
    size_t chosen = ADVISE_NONE;
    for (size_t m = 0; m < all->machine_count; m++) {
        const int64_t bandwidth = all->machines[m].hardware.bandwidth_bytes_per_s;
        if (found->enough_from[m] <= buffer &&
            (chosen == ADVISE_NONE ||
             bandwidth < all->machines[chosen].hardware.bandwidth_bytes_per_s))
            chosen = m;
    }
    return chosen != ADVISE_NONE ? chosen : advise_fastest(of, network, batch, buffer);
}

/* Of the buffers, each with the memory that is advised with it; `times` has room for all. */
static size_t advised_buffer(const advise_run *of, const advice *found, size_t network,
                             size_t batch, double *times)
{
    const size_t count = of->sweep.buffers.count;
    const size_t sparing = found->sparing;
    const size_t machine = slowest_enough(of, found, network, batch, sparing);
    bool is_slow = advise_row(of, network, batch, sparing, machine, 1)->speedup < 1;
    for (size_t b = 0; b < count; b++)
        times[b] = time_of(of, network, batch, b, slowest_enough(of, found, network, batch, b));
    for (size_t b = 0; b < sparing; b++)
        is_slow |= times[sparing] > (1 + ADVISE_WITHIN_PERCENT / 100.0) * times[b];
    return is_slow ? smallest_near_least(times, count) : sparing;
}

bool advise_find(advice *found, const advise_run *of, size_t network, size_t batch)
{
    const sweep *all = &of->sweep;
    const size_t count = all->buffers.count;
    double *values = malloc(count * sizeof *values);
    *found = (advice){0};
    found->time_knee = malloc(all->machine_count * sizeof *found->time_knee);
    found->enough_from = malloc(all->machine_count * sizeof *found->enough_from);
    if (values == NULL || found->time_knee == NULL || found->enough_from == NULL) {
        free(values);
        return false;
    }
    for (size_t m = 0; m < all->machine_count; m++) {
        for (size_t b = 0; b < count; b++)
            values[b] = time_of(of, network, batch, b, m);
        found->time_knee[m] = advise_knee(all->buffers.values, values, count);
        found->enough_from[m] = find_enough(of, network, batch, m);
    }
    /* the same on all machines but for what they reserve; the first one's is taken */
    for (size_t b = 0; b < count; b++)
        values[b] = (double)advise_row(of, network, batch, b, 0, 1)->traffic.total;
    found->traffic_knee = advise_knee(all->buffers.values, values, count);
    found->sparing = found->traffic_knee != ADVISE_NONE ? found->traffic_knee
                                                        : smallest_near_least(values, count);
    found->buffer = advised_buffer(of, found, network, batch, values);
    found->machine = slowest_enough(of, found, network, batch, found->buffer);
    free(values);
    return true;
}

void advise_free(advice *found)
{
    free(found->time_knee);
    free(found->enough_from);
    *found = (advice){0};
}
