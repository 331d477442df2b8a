/* Random networks whose heights change from layer to layer. */
#ifndef TESTS_RANDOM_CHAIN_H
#define TESTS_RANDOM_CHAIN_H

#include "random_network.h"

/* A chain, some of its outputs read again by a sum later on. Null if its shapes do not work. */
mbs_network *random_chain(uint64_t *state, int layers, int scale, char label[RANDOM_LABEL_BYTES]);

/* Likewise of ops on volumes, which have a depth too. */
mbs_network *random_volume(uint64_t *state, int layers, char label[RANDOM_LABEL_BYTES]);

#endif
