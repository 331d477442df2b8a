/* 64-bit arithmetic that reports overflow instead of wrapping. */
#ifndef BASE_CHECKED_H
#define BASE_CHECKED_H

#include <stdbool.h>
#include <stdint.h>

/* Each returns false on overflow; *result is then unspecified. */
static inline bool checked_add(int64_t a, int64_t b, int64_t *result)
{
    return !__builtin_add_overflow(a, b, result);
}

static inline bool checked_mul(int64_t a, int64_t b, int64_t *result)
{
    return !__builtin_mul_overflow(a, b, result);
}

/* *sum += a * b */
static inline bool checked_add_product(int64_t *sum, int64_t a, int64_t b)
{
    int64_t product;
    return checked_mul(a, b, &product) && checked_add(*sum, product, sum);
}

/* For a >= 0 and b > 0. */
static inline int64_t ceil_div(int64_t a, int64_t b)
{
    return a / b + (a % b != 0);
}

static inline int64_t min_i64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t max_i64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

#endif
