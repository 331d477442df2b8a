/* Numbers that look random and are the same in every run. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdint.h>

/* From 0 up to below `below`, which is at least 1; *state, the seed at first, is never 0.
 * (xorshift64*) */
static inline int32_t random_below(uint64_t *state, int32_t below)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    const uint32_t drawn = (uint32_t)((*state * UINT64_C(2685821657736338717)) >> 32);
    return (int32_t)(drawn % (uint32_t)below);
}

#endif
