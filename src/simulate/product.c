#include "simulate/product.h"

#include <math.h>

/* What one wave takes: m rows stream past k rows of weights. */
static double wave_cycles(double m, double k, bool double_buffered)
{
    return double_buffered && m < k ? k : double_buffered ? m : m + k;
}

/* The tiles of `whole` that are `size` long, and the rest. */
typedef struct tiling {
    double full;
    double size;
    double rest;
} tiling;

static tiling cut(double whole, int64_t size)
{
    const double full = floor(whole / (double)size);
    return (tiling){full, (double)size, whole - full * (double)size};
}

double product_cycles(const mbs_gemm *gemm, int64_t samples, const mbs_hardware *hardware,
                      bool double_buffered)
{
    const double times = (double)samples;
    const bool in_m = !gemm->samples_in_k && !gemm->samples_in_groups;
    const double m = in_m ? (double)gemm->m * times : (double)gemm->m;
    const double k = gemm->samples_in_k ? (double)gemm->k * times : (double)gemm->k;
    const double products = (double)gemm->groups * (gemm->samples_in_groups ? times : 1);
    const double columns = ceil((double)gemm->n / (double)hardware->array_cols);
    const double fill = (double)hardware->array_rows + (double)hardware->array_cols;
    if (hardware->cycle_model == MBS_CYCLES_SCALESIM)
        return products * (ceil(k / (double)hardware->array_rows) * columns *
                               ((double)hardware->array_rows + fill + m - 2) -
                           1);
    const tiling rows = cut(m, hardware->accumulator_rows);
    const tiling depth = cut(k, hardware->array_rows);
    double cycles = 0;
    for (int i = 0; i < 2; i++) {
        const double height = i == 0 ? rows.size : rows.rest;
        const double waves = i == 0 ? rows.full : rows.rest > 0;
        if (waves <= 0)
            continue;
        cycles += waves * depth.full * wave_cycles(height, depth.size, double_buffered);
        if (depth.rest > 0)
            cycles += waves * wave_cycles(height, depth.rest, double_buffered);
    }
    return products * (columns * cycles + fill);
}
