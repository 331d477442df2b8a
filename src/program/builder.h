/* The workshop in which a program is put together from a network; gone once it is done. */
#ifndef PROGRAM_BUILDER_H
#define PROGRAM_BUILDER_H

#include "base/name_pool.h"
#include "network/network.h"
#include "program/program.h"

/* More touches than this (or members of views) are refused: a program must fit in memory. */
#define PROGRAM_MAX_TOUCHES 100000000

/* Some ids, not owned. */
typedef struct id_list {
    const int32_t *ids;
    int32_t count;
} id_list;

/* A growing array of ids. */
typedef struct id_array {
    int32_t *ids;
    int32_t count;
    int32_t capacity;
} id_array;

/* The tensors that the reader of a value reads: the value's own, or the members of a view. */
typedef struct value_members {
    int32_t begin; /* in builder.member_pool */
    int32_t count;
} value_members;

/*
 * Tensor ids are provisional while building: outputs of layers and network inputs have their value
 * as id; masks, indices and gradients follow in the order they are made. The end renumbers them.
 */
typedef struct builder {
    const mbs_network *network;
    mbs_program_options options;
    mbs_program *program; /* grows */
    mbs_error *error;
    mbs_status status; /* of the first failure; later work is skipped */

    int32_t value_count;
    value_members *members; /* per value */
    id_array member_pool;
    int32_t *seen;        /* per value: the last stamp it was collected under */
    int32_t stamp;        /* see collect_begin */
    bool *needs_gradient; /* per value */
    bool *is_sink;        /* per value */
    int32_t *gradient;    /* per value: the running gradient's tensor, or -1 */
    int32_t *sum_count;   /* per value: gsum steps so far */
    int32_t *side;        /* per layer: its mask or index tensor, or -1 */
    int32_t step_capacity;
    int32_t tensor_capacity;
    int32_t touch_capacity;
    id_array reads;                     /* distinct input tensors of the layer at hand */
    id_array wants;                     /* those of them that need a gradient */
    const char *kinds[OP_COUNT + 1][4]; /* by op (OP_COUNT: a kept batch norm) and pass */
} builder;

/* The passes in `kinds`. */
enum { KIND_FORWARD, KIND_WGRAD, KIND_DGRAD, KIND_BWD };

/* All return false once the builder has failed; its status and error then say why. */
bool builder_fail(builder *b, mbs_status status);
bool id_array_push(builder *b, id_array *array, int32_t id);

/* Views: fills in `members` of every value. */
bool members_resolve(builder *b);
id_list members_of(const builder *b, int32_t value);
/* The distinct tensors that layer `layer` reads, in input order, into b->reads. */
bool members_collect(builder *b, int32_t layer);

/* Appends a step of `layer` (-1: loss) without touches; returns it, or null. */
mbs_step *builder_step(builder *b, int32_t layer, mbs_phase phase, const char *kind,
                       const char *name);
/* Adds a touch of another tensor to the last step; all reads must come before the writes. */
bool builder_read(builder *b, int32_t tensor);
bool builder_write(builder *b, int32_t tensor);
/* Appends a tensor of `elements` words of `bits`; returns its id, or -1. */
int32_t builder_tensor(builder *b, int64_t elements, int64_t bits, const char *name);
/* Sets the step's matrix product if the layer has one. */
void builder_gemm(const builder *b, int32_t layer, int pass, mbs_step *step);
const char *builder_kind(builder *b, const mbs_layer *layer, int pass);
/* ceil(count · bits / 8) into *bytes. */
bool builder_bytes(builder *b, int64_t count, int64_t bits, int64_t *bytes);

bool forward_build(builder *b);
bool backward_build(builder *b);

/* Drops writes that no step reads, numbers tensors by first touch, links the touches. */
bool builder_finish(builder *b);

#endif
