#include "cost/array.h"

#include <math.h>

/* Cycles of one wave of m rows through a tile of k rows of weights. */
static double wave(double m, double k, bool double_buffered)
{
    return double_buffered ? fmax(m, k) : m + k;
}

/* All waves of one tile of k rows: M cut into tiles of at most `height`. */
static double waves(double m, double height, double k, bool double_buffered)
{
    double full = floor(m / height);
    double rest = m - full * height;
    return full * wave(height, k, double_buffered) +
           (rest > 0 ? wave(rest, k, double_buffered) : 0);
}

double array_cycles(const mbs_gemm *gemm, int64_t samples, const mbs_hardware *hardware,
                    bool double_buffered)
{
    const double rows = (double)hardware->array_rows;
    const double columns = (double)hardware->array_cols;
    const double height = (double)hardware->accumulator_rows;
    const bool in_m = !gemm->samples_in_k && !gemm->samples_in_groups;
    const double m = (double)gemm->m * (in_m ? (double)samples : 1);
    const double k = (double)gemm->k * (gemm->samples_in_k ? (double)samples : 1);
    const double groups = (double)gemm->groups * (gemm->samples_in_groups ? (double)samples : 1);
    if (gemm->m == 0)
        return 0;
    if (hardware->cycle_model == MBS_CYCLES_SCALESIM)
        return groups *
               (ceil(k / rows) * ceil((double)gemm->n / columns) * (2 * rows + columns + m - 2) -
                1);
    double full = floor(k / rows);
    double rest = k - full * rows;
    double cycles = full * waves(m, height, rows, double_buffered) +
                    (rest > 0 ? waves(m, height, rest, double_buffered) : 0);
    return groups * (ceil((double)gemm->n / columns) * cycles + rows + columns);
}

double array_macs(const mbs_gemm *gemm, int64_t samples)
{
    return (double)gemm->groups * (double)gemm->m * (double)gemm->k * (double)gemm->n *
           (double)samples;
}
