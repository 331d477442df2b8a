/* Small random networks for property tests. */
#ifndef TESTS_RANDOM_NETWORK_H
#define TESTS_RANDOM_NETWORK_H

#include <stdint.h>

#include "mbsopt/hardware.h"
#include "mbsopt/program.h"

#define RANDOM_LABEL_BYTES 80

/* xorshift64*; the state must not be 0. */
uint64_t random_next(uint64_t *state);

/* Uniform within [low, high]. */
int64_t random_between(uint64_t *state, int64_t low, int64_t high);

/* Of half of all states none; draws nothing, so that the networks stay as they are. */
mbs_optimizer random_optimizer(const uint64_t *state);

/* WaveCore with a small array, and a memory that is now the bottleneck and now not. */
void random_machine(mbs_hardware *hardware, uint64_t *state);

/*
 * About `layers` layers, wired in one of several ways, and in `label` how messages call them. The
 * network is the caller's (mbs_network_free).
 */
mbs_network *random_network(uint64_t *state, int layers, char label[RANDOM_LABEL_BYTES]);

/* Likewise; often with strides, dilations, padding, upsampling and attention, and more rows. */
mbs_network *random_network_of_rows(uint64_t *state, int layers, char label[RANDOM_LABEL_BYTES]);

/*
 * A program of the network; of some states with its norms fused with what is behind them, and in
 * inference its products. Draws nothing. The caller's (mbs_program_free).
 */
mbs_program *random_program_of(const mbs_network *network, const mbs_program_options *options,
                               const uint64_t *state, const char *label);

#endif
