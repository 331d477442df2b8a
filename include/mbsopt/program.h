/* Training programs: the steps of one training (or inference) step and their tensors (section 3).
 */
#ifndef MBSOPT_PROGRAM_H
#define MBSOPT_PROGRAM_H

#include "mbsopt/network.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A program; immutable, so threads may share one. Steps and tensors are numbered from 0. */
typedef struct mbs_program mbs_program;

/* Sizes of the stored words in bits; from the hardware file. */
typedef struct mbs_word_bits {
    int64_t activation; /* also gradients of activations */
    int64_t weight;
    int64_t accumulator; /* of weight gradients */
    int64_t mask;
} mbs_word_bits;

/* Sizes of the words that only optimizers have, in bits; likewise. */
typedef struct mbs_optimizer_bits {
    int64_t master; /* of a copy of the weights, which is updated besides them; 0: there is none,
                       weights are updated themselves */
    int64_t state;
} mbs_optimizer_bits;

typedef enum mbs_phase { MBS_FORWARD = 0, MBS_BACKWARD = 1 } mbs_phase;

/* What the backward phase computes again instead of reading it back (section 10). */
typedef enum mbs_recompute {
    MBS_RECOMPUTE_NONE = 0,
    MBS_RECOMPUTE_ACTIVATIONS, /* norm outputs and the rectified ones of them */
    MBS_RECOMPUTE_EXPAND,      /* these and the outputs of expanding 1x1 convolutions */
    MBS_RECOMPUTE_AUTO,        /* what pays best: mbs_plan_create_recompute (plan.h) finds it */
    MBS_RECOMPUTE_COUNT
} mbs_recompute;

/* What may be said of a layer in recompute_layers: the sum of any of these. */
typedef enum mbs_recompute_layer {
    MBS_RECOMPUTE_OUTPUT = 1, /* its output is not stored, but computed again */
    MBS_RECOMPUTE_ANEW = 2    /* what its backward steps read was computed again for them alone: no
                                 earlier copy is read */
} mbs_recompute_layer;

/* How weights are updated at the end of a training step (section 3). */
typedef enum mbs_optimizer {
    MBS_OPTIMIZER_NONE = 0, /* not at all: gradients are summed up and left in DRAM */
    MBS_OPTIMIZER_SGD,      /* without state */
    MBS_OPTIMIZER_MOMENTUM, /* one word of state for each parameter */
    MBS_OPTIMIZER_ADAM,     /* two */
    MBS_OPTIMIZER_COUNT
} mbs_optimizer;

typedef struct mbs_program_options {
    int inference;       /* 1: the forward steps alone */
    int keep_batch_norm; /* 1: batch norms couple the samples of a mini-batch; 0: as group norm */
    mbs_word_bits bits;
    mbs_recompute recompute; /* ignored with inference; not MBS_RECOMPUTE_AUTO */
    /*
     * Or exactly these: for each layer in program order 0, or of mbs_recompute_layer what holds.
     * Null: what `recompute` says. Borrowed for the call.
     */
    const unsigned char *recompute_layers;
    int split_norms;         /* 1: a norm's statistics are a step of their own (section 11) */
    mbs_optimizer optimizer; /* ignored with inference; else with its */
    mbs_optimizer_bits optimizer_bits;
    /*
     * The steps in another order (section 14): for each place the number that its step has without
     * this, updates not counted, which then come as soon as their gradient is complete. No step may
     * come before one that writes what it reads, nor a forward step behind a backward one. Null:
     * the network's own order. Borrowed for the call.
     */
    const int32_t *order;
    size_t order_count;
} mbs_program_options;

#define MBS_PROGRAM_OPTIONS_INIT                                                                   \
    {                                                                                              \
        0, 0, {16, 16, 32, 1}, MBS_RECOMPUTE_NONE, NULL, 0, MBS_OPTIMIZER_NONE, {32, 32}, NULL, 0  \
    }

/* One step as seen from outside; the pointers live as long as the program. */
typedef struct mbs_step_info {
    const char *name;  /* "conv1", "conv1.wgrad", "conv1.dgrad", "gn1.bwd", "loss", "relu1.gsum#1",
                          "conv1.update" */
    const char *kind;  /* "conv", "conv.wgrad", "conv.dgrad", "norm", "norm.bwd", "loss", "gsum",
                          "adam.update", … */
    const char *layer; /* the layer the step belongs to; for loss its name */
    mbs_phase phase;
    size_t read_count;
    size_t write_count;
    int64_t operand_bytes;     /* per sample, every tensor read or written once */
    int64_t weight_bytes;      /* parameters read, per iteration */
    int64_t accumulator_bytes; /* weight-gradient accumulators */
    int64_t gradient_bytes;    /* of an update: what the step before it completes; else 0 */
    int64_t state_read_bytes;  /* of an update: state and masters, or weights that have none */
    int64_t state_write_bytes; /* the same, and weights besides masters */
    size_t fused_count;        /* layers behind its own whose work it does (section 13) */
    int64_t given;             /* its number in the network's own order of steps; -1 of an update */
} mbs_step_info;

/* One tensor as seen from outside; the pointer lives as long as the program. */
typedef struct mbs_tensor_info {
    const char *name;
    int64_t bytes;    /* per sample */
    int64_t producer; /* the step that writes it, or -1 for a network input */
    int64_t running;  /* the tensor to which that step adds its gradient (section 13), or -1 */
} mbs_tensor_info;

/*
 * Builds the program of `network`, which may be freed afterwards. On success *program is owned by
 * the caller (mbs_program_free). O(steps · log steps). Errors: MBS_ERR_INPUT (a size overflows, or
 * the network has only views), MBS_ERR_ARGUMENT (recompute_layers names a layer whose output cannot
 * be recomputed, recompute is MBS_RECOMPUTE_AUTO, the network is folded and the program is not for
 * inference, or the order is none), MBS_ERR_MEMORY.
 */
MBS_API mbs_status mbs_program_create(mbs_program **program, const mbs_network *network,
                                      const mbs_program_options *options, mbs_error *error);

/* "none", "activations", "expand", "auto", or null. */
MBS_API const char *mbs_recompute_name(mbs_recompute recompute);

/* "none", "sgd", "momentum", "adam", or null. */
MBS_API const char *mbs_optimizer_name(mbs_optimizer optimizer);

/* Frees a program; null is allowed. No plan of it may be used afterwards. */
MBS_API void mbs_program_free(mbs_program *program);

MBS_API const char *mbs_program_network_name(const mbs_program *program);
MBS_API size_t mbs_program_step_count(const mbs_program *program);
MBS_API size_t mbs_program_tensor_count(const mbs_program *program);
MBS_API int mbs_program_is_inference(const mbs_program *program);

/* How many batch norms are planned as group norms because batch norms are not kept. */
MBS_API size_t mbs_program_replaced_batch_norms(const mbs_program *program);

/* Errors: MBS_ERR_ARGUMENT if `index` is out of range. */
MBS_API mbs_status mbs_program_step(const mbs_program *program, size_t index, mbs_step_info *info);
MBS_API mbs_status mbs_program_tensor(const mbs_program *program, size_t index,
                                      mbs_tensor_info *info);

/* The tensor read (or written) at `position` of step `index`, or -1 if out of range. */
MBS_API int64_t mbs_program_step_read(const mbs_program *program, size_t index, size_t position);
MBS_API int64_t mbs_program_step_write(const mbs_program *program, size_t index, size_t position);

/* The name of the `position`-th of the layers whose work the step does besides its own; null if
 * either is out of range. */
MBS_API const char *mbs_program_step_fused(const mbs_program *program, size_t index,
                                           size_t position);

#ifdef __cplusplus
}
#endif
#endif
