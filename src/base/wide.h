/* Products of 128 bits where the compiler has no such integers, as for 32-bit machines. */
#ifndef BASE_WIDE_H
#define BASE_WIDE_H

#include <stdint.h>

#include "base/checked.h"

/* high · 2^64 + low */
typedef struct wide {
    uint64_t high;
    uint64_t low;
} wide;

static inline wide wide_multiply(uint64_t a, uint64_t b)
{
    const uint64_t half = UINT64_C(0xffffffff);
    const uint64_t low = (a & half) * (b & half);
    const uint64_t left = (a >> 32) * (b & half) + (low >> 32);
    const uint64_t right = (a & half) * (b >> 32) + (left & half);
    return (wide){(a >> 32) * (b >> 32) + (left >> 32) + (right >> 32), right << 32 | (low & half)};
}

/*
 * floor(of / by) for by < 2^63, UINT64_MAX if it is 2^64 or more; *rest is what remains of a
 * quotient that is not.
 */
static inline uint64_t wide_divide(wide of, uint64_t by, uint64_t *rest)
{
    uint64_t quotient = 0;
    *rest = of.high;
    if (of.high >= by)
        return UINT64_MAX;
    for (int bit = 63; bit >= 0; bit--) {
        *rest = *rest << 1 | (of.low >> bit & 1);
        quotient <<= 1;
        if (*rest >= by) {
            *rest -= by;
            quotient |= 1;
        }
    }
    return quotient;
}

/* floor(a · b / c) and what remains, for a, b >= 0 and c > 0; INT64_MAX if it is as much or more.
 */
static inline int64_t mul_div(int64_t a, int64_t b, int64_t c, int64_t *rest)
{
    int64_t product;
    uint64_t remains;
    if (checked_mul(a, b, &product)) {
        *rest = product % c;
        return product / c;
    }
    const uint64_t quotient =
        wide_divide(wide_multiply((uint64_t)a, (uint64_t)b), (uint64_t)c, &remains);
    *rest = (int64_t)(remains & INT64_MAX);
    return quotient > INT64_MAX ? INT64_MAX : (int64_t)quotient;
}

#endif
