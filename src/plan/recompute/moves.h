/*
 * Moves of the search for what to recompute: a layer changes sides, or some consecutive layers are
 * given a level (model, section 10).
 */
#ifndef PLAN_RECOMPUTE_MOVES_H
#define PLAN_RECOMPUTE_MOVES_H

#include "network/network.h"
#include "program/program.h"

typedef enum recompute_level {
    LEVEL_NONE,
    LEVEL_ACTIVATIONS,
    LEVEL_EXPAND,
    LEVEL_INNER, /* all outputs that no layer behind the last one reads */
    LEVEL_ALL,
    LEVEL_FREE, /* all outputs that take no multiply-accumulates */
    LEVEL_COUNT,
    LEVEL_TOGGLE = LEVEL_COUNT, /* the first layer alone changes sides, */
    LEVEL_DEEP,                 /* see recompute_moves, */
    LEVEL_ANEW,                 /* or changes whether its backward steps read earlier copies, */
    LEVEL_BOTH                  /* or both */
} recompute_level;

typedef struct recompute_move {
    int32_t first; /* layers [first, end) */
    int32_t end;
    recompute_level level;
    bool known;         /* the four below were found, */
    bool stale;         /* but something near has changed since */
    double change;      /* of the objective; infinite if it is not known, */
    double least;       /* but not below this */
    double relief;      /* how much less the state is above the limit of DRAM */
    double macs;        /* added, per sample; negative if fewer are */
    int32_t near_first; /* layers whose steps it may concern */
    int32_t near_last;
} recompute_move;

/* What moves need to know of each layer. */
typedef struct recompute_layer {
    bool allowed; /* its output may be recomputed */
    bool activation;
    bool expand;
    bool multiplies;     /* it takes multiply-accumulates, */
    bool widens;         /* and is no 1x1 convolution */
    int32_t last_reader; /* the last layer that reads its output in the forward phase */
    bool shares;         /* its backward steps may read what others before them read */
    bool read_backward;  /* its output, or its mask or index, is read in the backward phase */
    double macs;         /* of its forward step, per sample */
} recompute_layer;

/* Fills in `layers` from the program that recomputes nothing. False if memory is out. */
bool recompute_layers(recompute_layer *layers, const mbs_network *network,
                      const mbs_program *plain);

/*
 * The multiply-accumulates that a set adds at least, per sample: each layer that has to be computed
 * again is, once. `again` is room for a flag per layer.
 */
double recompute_least_macs(const unsigned char *set, const recompute_layer *layers,
                            const mbs_program *plain, bool *again);

/* How many moves there are: toggles, then stretches up to `once`, then ANEW ones up to `all`, then
 * those that do both, which a search does not make unless it is to finish. */
typedef struct recompute_counts {
    int32_t toggles;
    int32_t once;
    int32_t all;
    int32_t with_both;
} recompute_counts;

/*
 * All moves: each layer's toggle; then the first `levels` levels of 1 to 8 consecutive units, a
 * unit being a layer with parameters to multiply and what follows up to the next; then those that
 * recompute anew: likewise units that store only what widens, and whose backward steps all read
 * copies of their own (deep), and single layers, which at last change sides as well. Owned by the
 * caller; null if memory is out.
 */
recompute_move *recompute_moves(recompute_counts *counts, const mbs_network *network,
                                const recompute_layer *layers, recompute_level levels);

/* Makes the move in `set`; returns whether that changes it. */
bool recompute_make_move(unsigned char *set, const recompute_layer *layers,
                         const recompute_move *move);

#endif
