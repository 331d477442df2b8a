/* Small random networks for property tests, as `mbsopt-network/1` text. */
#ifndef TESTS_RANDOM_NETWORK_H
#define TESTS_RANDOM_NETWORK_H

#include <stdint.h>

typedef enum network_shape {
    SHAPE_CHAIN,
    SHAPE_RESIDUAL,
    SHAPE_INCEPTION,
    SHAPE_DENSE,
    SHAPE_FAN_OUT,
    SHAPE_VIEWS,
    SHAPE_SPLIT,
    SHAPE_COUNT
} network_shape;

/* xorshift64*; the state must not be 0. */
uint64_t random_next(uint64_t *state);

/* Uniform within [low, high]. */
int64_t random_between(uint64_t *state, int64_t low, int64_t high);

/* About `layers` layers wired as `shape` says; the text is the caller's (free). */
char *random_network(uint64_t *state, network_shape shape, int layers);

#endif
