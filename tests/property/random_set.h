/* A random network with a random set of layers to recompute. */
#ifndef TESTS_RANDOM_SET_H
#define TESTS_RANDOM_SET_H

#include <stdint.h>
#include <stdlib.h>

#include "recomputing.h"

typedef struct setting {
    recomputing base;
    unsigned char *set;
} setting;

static inline void open_setting(setting *s, uint64_t *state, int layers)
{
    recomputing_open_varied(&s->base, state, layers);
    s->set = recomputing_random_set(&s->base, state);
}

static inline void close_setting(setting *s)
{
    free(s->set);
    recomputing_close(&s->base);
}

#endif
