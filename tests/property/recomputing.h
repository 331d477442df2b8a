/* Random networks whose programs recompute layers (model, section 10). */
#ifndef TESTS_RECOMPUTING_H
#define TESTS_RECOMPUTING_H

#include <stdbool.h>

#include "brute_force.h"
#include "mbsopt/mbsopt.h"
#include "random_network.h"

/* A network, and how its programs are built and planned. */
typedef struct recomputing {
    mbs_network *network;
    mbs_program_options program_options;
    mbs_hardware hardware;
    mbs_plan_options options;
    char label[RANDOM_LABEL_BYTES];
} recomputing;

/* A random network of about `layers` layers, and the defaults but for a second of time. */
void recomputing_open(recomputing *r, uint64_t *state, int layers);
/* The same with random options, which make buffers tight. */
void recomputing_open_varied(recomputing *r, uint64_t *state, int layers);
/* As recomputing_open, of models/networks/`name`.json. */
void recomputing_open_zoo(recomputing *r, const char *name);
void recomputing_close(recomputing *r);

/* Whether the layer's output may be recomputed, found by asking for it alone. */
bool recomputing_allows(const recomputing *r, size_t layer);

/* MBS_RECOMPUTE_* for each layer, at random. The caller's (free). */
unsigned char *recomputing_random_set(const recomputing *r, uint64_t *state);

/*
 * The program that recomputes `set`, MBS_RECOMPUTE_* of each layer; null: nothing. The caller's
 * (mbs_program_free).
 */
mbs_program *recomputing_program(const recomputing *r, const unsigned char *set);

/* What `planner` plans of such a program moves. */
int64_t recomputing_traffic(const recomputing *r, const mbs_program *program, mbs_planner planner);

/* Such a program for brute force. */
oracle_task recomputing_oracle(const recomputing *r, const mbs_program *program);

#endif
