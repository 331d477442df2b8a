#include "program/rows.h"

#include "base/checked.h"
#include "base/wide.h"

/* What no row's number comes near, and to which some can be added. */
#define FAR (INT64_MAX / 2)

static int64_t clamp(int64_t row, int64_t rows)
{
    return row < 0 ? 0 : row > rows ? rows : row;
}

/* a · b + c within 0 to rows, for a, b >= 0; the sum is rows too where it is not below 2^63. */
static int64_t clamped_product(int64_t a, int64_t b, int64_t c, int64_t rows)
{
    int64_t row;
    return checked_mul(a, b, &row) && checked_add(row, c, &row) ? clamp(row, rows) : rows;
}

/* floor(a · b / c), for a, b >= 0 and c > 0; FAR if it is more. */
static int64_t scale_down(int64_t a, int64_t b, int64_t c)
{
    int64_t rest;
    return min_i64(mul_div(a, b, c, &rest), FAR);
}

/* ceil(a · b / c), likewise. */
static int64_t scale_up(int64_t a, int64_t b, int64_t c)
{
    int64_t rest;
    const int64_t floor = min_i64(mul_div(a, b, c, &rest), FAR);
    return floor + (floor < FAR && rest != 0);
}

const char *row_map_name(row_map_kind kind)
{
    static const char *const names[ROW_MAP_KIND_COUNT] = {
        "same", "window", "transposed", "shifted", "scaled", "transposed_scaled", "whole"};
    return names[kind];
}

int64_t row_map_need(const mbs_row_map *map, int64_t n, int64_t step_rows, int64_t tensor_rows)
{
    if (n <= 0)
        return 0;
    switch (map->kind) {
    case ROWS_SAME:
        return n;
    case ROWS_WINDOW:
        return clamped_product(n - 1, map->stride, map->window - map->pad, tensor_rows);
    case ROWS_TRANSPOSED:
        return clamp((n - 1 + map->pad) / map->stride + 1, tensor_rows);
    case ROWS_SHIFTED:
        return clamp(n - map->pad, tensor_rows);
    case ROWS_SCALED:
        return clamp(scale_down(n, tensor_rows, step_rows) + 2, tensor_rows);
    case ROWS_TRANSPOSED_SCALED:
        return clamp(scale_up(n + 1, tensor_rows, step_rows), tensor_rows);
    case ROWS_WHOLE:
    case ROW_MAP_KIND_COUNT:
        break;
    }
    return tensor_rows;
}

int64_t row_map_first(const mbs_row_map *map, int64_t j, int64_t step_rows, int64_t tensor_rows)
{
    if (j >= step_rows)
        return tensor_rows;
    switch (map->kind) {
    case ROWS_SAME:
        return j;
    case ROWS_WINDOW:
        return clamped_product(j, map->stride, -map->pad, tensor_rows);
    case ROWS_TRANSPOSED: {
        const int64_t row = j + map->pad - map->window + 1;
        return row <= 0 ? 0 : clamp(ceil_div(row, map->stride), tensor_rows);
    }
    case ROWS_SHIFTED:
        return clamp(j - map->pad, tensor_rows);
    case ROWS_SCALED:
        return clamp(scale_down(j, tensor_rows, step_rows) - 1, tensor_rows);
    case ROWS_TRANSPOSED_SCALED:
        return j == 0 ? 0 : clamp(scale_up(j - 1, tensor_rows, step_rows) - 1, tensor_rows);
    case ROWS_WHOLE:
    case ROW_MAP_KIND_COUNT:
        break;
    }
    return 0;
}
