/* A program's data (model, section 3). Read by every later stage; written by its builders only. */
#ifndef PROGRAM_PROGRAM_H
#define PROGRAM_PROGRAM_H

#include <stdbool.h>

#include "mbsopt/program.h"

/*
 * A step touches a tensor by reading or writing it, once however often it reads it. The touches of
 * a tensor form a chain in step order; a pair of consecutive touches is an *interval*, identified
 * by the touch it begins with.
 */
typedef struct mbs_touch {
    int32_t tensor;
    int32_t step;
    int32_t previous; /* the same tensor's touch before, -1 at the first */
    int32_t next;     /* and after, -1 at the last */
    int32_t map; /* of a read: which rows of the tensor the step's rows need; in program.maps */
    bool elementwise; /* of a read: element i is needed for element i of what the step writes first,
                         and for no other but by statistics that are taken before (section 12) */
} mbs_touch;

/* How the rows of an operand go with the rows of the step that reads it (section 11). */
typedef enum row_map_kind {
    ROWS_SAME,              /* row j needs row j */
    ROWS_WINDOW,            /* row j needs rows j·stride - pad to j·stride - pad + window */
    ROWS_TRANSPOSED,        /* the other way round: of a window's gradient */
    ROWS_SHIFTED,           /* `pad` rows were put before the tensor's (or cut off: below 0) */
    ROWS_SCALED,            /* of an upsampling */
    ROWS_TRANSPOSED_SCALED, /* of its gradient */
    ROWS_WHOLE,             /* any row needs the whole tensor */
    ROW_MAP_KIND_COUNT
} row_map_kind;

typedef struct mbs_row_map {
    row_map_kind kind;
    int64_t window; /* rows from a window's first to its last, dilation included */
    int64_t stride;
    int64_t pad;
} mbs_row_map;

/* The first of every program's maps; a touch that writes has ROW_MAP_SAME. */
enum { ROW_MAP_SAME = 0, ROW_MAP_WHOLE = 1 };

/*
 * The matrix product of a convolution, fc or matmul step (section 7): `groups` products of M x K by
 * K x N. For one sample; more samples lengthen M, or K in a weight gradient.
 */
typedef struct mbs_gemm {
    int64_t m; /* 0: no matrix product, or its sizes are not known (see has_shapes) */
    int64_t k;
    int64_t n;
    int64_t groups;
    bool samples_in_k;
    bool samples_in_groups; /* a product of activations: each sample has products of its own */
} mbs_gemm;

/* What a step does for its layer. */
typedef enum step_pass {
    STEP_FORWARD,
    STEP_WGRAD,
    STEP_DGRAD,
    STEP_BWD,
    STEP_AGRAD,    /* matmul: of the left operand, */
    STEP_BGRAD,    /* and of the right */
    STEP_REMAT,    /* the forward step again, in the backward phase (section 10) */
    STEP_STAT,     /* a split norm's statistics, before the forward step */
    STEP_BWD_STAT, /* and those of its gradient, before the backward step */
    STEP_GSUM,
    STEP_LOSS,
    STEP_UPDATE, /* of the weights, by an optimizer */
    STEP_PASS_COUNT
} step_pass;

/* The geometry of the convolution that a step's matrix product belongs to, of all its groups. */
typedef struct mbs_conv {
    int64_t channels;  /* of the input; 0: no convolution */
    int64_t filters;   /* channels of the output */
    int64_t output[2]; /* height, width; likewise the following */
    int64_t kernel[2];
    int64_t stride[2];
    int64_t dilation[2];
} mbs_conv;

/* How a step's weights or accumulators go with those of others: layers may share parameters. */
typedef struct parameter_use {
    int32_t previous; /* the latest step before that uses the same, -1: none */
    int32_t next;     /* and the first one after */
    int64_t common;   /* bytes that all these steps use: as much may be pinned */
} parameter_use;

/*
 * An update of weights by the gradient that the step before it completes. It has no operands and
 * runs once in a training step, with the last iteration of its group, whatever their number.
 */
typedef struct weight_update {
    bool is_update;      /* if not, all of this is 0 */
    int64_t state_bytes; /* masters and what the optimizer keeps: read and written in its place */
    int64_t old_bytes;   /* weights that it reads, where there are no masters */
    int64_t new_bytes;   /* weights that it writes beside the old ones, which later steps read */
    int64_t elements;    /* all that it reads and writes, its gradient too; 0: not known */
} weight_update;

typedef struct mbs_step {
    const char *name;
    const char *kind;
    const char *layer; /* the layer it belongs to; a gsum belongs to the one whose output's gradient
                          it sums */
    int32_t layer_id;  /* equal for the steps of one layer; -1 where it belongs to none */
    mbs_phase phase;
    step_pass pass;     /* not known in a loaded plan */
    int32_t copy;       /* remat: 1 for the layer's first, and so on */
    int32_t given;      /* its number in the network's own order of steps, in which updates do not
                           count (section 14); -1: an update */
    bool whole_sample;  /* norm, softmax, matmul and their backward: needs a whole sample */
    bool coupled;       /* a kept batch norm: needs the whole mini-batch, I = 1 */
    int32_t coupled_to; /* in a split program: the step that makes the mini-batch's statistics which
                           this one reads; both in one group need I = 1. Else -1 */
    int64_t rows;       /* R, the rows it works on (section 11); 0: not known, see has_rows */
    int32_t touch_begin; /* touches [touch_begin, write_begin) are reads, */
    int32_t write_begin; /* [write_begin, touch_end) writes */
    int32_t touch_end;
    int32_t replaceable; /* the first touch of what it may write over (section 12); -1: none */
    bool has_choice;     /* there are more, see program_may_replace */
    int32_t fused_begin; /* names of the layers behind its own whose work it does (section 13): */
    int32_t fused_count; /* program.fused[fused_begin …] */
    int64_t weight_bytes;
    int64_t accumulator_bytes;
    parameter_use weight_use;
    parameter_use accumulator_use;
    weight_update update;
    mbs_gemm gemm;
    mbs_conv conv; /* of all three passes of a convolution */
} mbs_step;

typedef struct mbs_tensor {
    const char *name;
    int64_t bytes;       /* per sample */
    int64_t elements;    /* per sample; 0 if not known */
    int64_t rows;        /* H, the size of its row axis (section 11); 0: not known */
    int32_t producer;    /* step, -1 for a network input */
    int32_t running;     /* of a sum: the gradient that the producer adds its own to, which it reads
                            for nothing else (section 13); -1: it is none, or a gsum's */
    int32_t first_touch; /* -1 if no step touches it */
    int32_t last_touch;
    bool kept; /* must be in DRAM at the end: a sink of an inference program */
} mbs_tensor;

/* Tensors are numbered in the order of their first touch. */
struct mbs_program {
    char *network_name;
    bool inference;
    bool folded;        /* its network's products are fused with what is behind (section 13), */
    bool fused_norms;   /* its norms, or, in training, */
    bool fused_sums;    /* its backward steps with sums of gradients; of a loaded plan not known */
    const char **fused; /* the names of the layers that others do, too; null: there are none */
    bool keeps_batch_norms; /* as its options say; likewise the following */
    mbs_recompute recompute;
    bool has_shapes;    /* gemm, conv and elements are known; plan files may lack them */
    bool split;         /* norms are two steps, statistics and application (section 11) */
    bool has_rows;      /* rows and maps are known; loaded plans of version 1 lack them */
    mbs_word_bits bits; /* all 0: not known, of a loaded plan */
    size_t replaced_batch_norms;
    mbs_row_map *maps; /* distinct; ROW_MAP_SAME and ROW_MAP_WHOLE first */
    int32_t map_count;
    mbs_step *steps;
    mbs_tensor *tensors;
    mbs_touch *touches;
    int32_t step_count;
    int32_t tensor_count;
    int32_t touch_count;
    bool shares;             /* some steps use the same weights or accumulators as others */
    mbs_optimizer optimizer; /* as its options say, with its bits; of a loaded plan not known */
    mbs_optimizer_bits optimizer_bits;
    struct name_pool *names; /* owns all the names above but network_name */
};

/* Whether what the step of touch t, a read, writes first may go over the operand (section 12), if
 * that leaves the buffer: it is taken element by element, and as large. */
bool program_may_replace(const mbs_program *program, int32_t t);

/*
 * Fills in the touches' chains and the tensors' first_touch and last_touch from steps and touches
 * (tensor, step and elementwise set), what steps may write over, and of parameters' uses all but
 * `previous`. O(touches + steps).
 */
void program_link(mbs_program *program);

/* A program of its own, but that its names are the other's, which must live as long; null if memory
 * is out. */
mbs_program *program_copy(const mbs_program *program);

/*
 * Puts steps [first, end) in another order: the one that has the number order[i] comes first + i.
 * Every step must still come behind those that write what it reads, and an update behind the last
 * step that adds to its gradient; tensors keep their numbers. Links anew what moves. False if
 * memory is out: then nothing has changed. O(steps and touches that move, steps behind them); where
 * layers share parameters O(touches + steps).
 */
bool program_permute(mbs_program *program, int32_t first, int32_t end, const int32_t *order);

/* Numbers the tensors in the order of their first touch, and links anew. False if memory is out:
 * then nothing has changed. */
bool program_renumber(mbs_program *program);

/* Whether touch t is a read of a gradient to which its step adds another (section 13). */
bool program_is_running(const mbs_program *program, int32_t t);

/* Whether its steps are in another order than the network's own. */
bool program_is_reordered(const mbs_program *program);

/*
 * The programs of a network under some options, but for what they recompute, for a search that
 * builds them by the thousand: their forward steps are built once, and no names. The network is
 * borrowed. *family is owned by the caller (program_family_free). Errors: as mbs_program_create.
 */
typedef struct program_family program_family;
mbs_status program_family_create(program_family **family, const mbs_network *network,
                                 const mbs_program_options *options, mbs_error *error);
void program_family_free(program_family *family);

/*
 * The family's program that recomputes as `recompute` and `layers` (or null) say, as in
 * mbs_program_options; without names. Errors: as mbs_program_create.
 */
mbs_status program_family_build(mbs_program **program, const program_family *family,
                                mbs_recompute recompute, const unsigned char *layers,
                                mbs_error *error);

/* Whether no step from `first` to before this one uses the same parameters. */
static inline bool use_is_first(const parameter_use *use, int32_t first)
{
    return use->previous < first;
}

/* Whether none after it, and before `end`, does. */
static inline bool use_is_last(const parameter_use *use, int32_t end)
{
    return use->next < 0 || use->next >= end;
}

/* Bytes of accumulators that an earlier step has begun: the first iteration reads them, too. */
static inline int64_t step_begun_bytes(const mbs_step *step)
{
    return step->accumulator_use.previous < 0 ? 0 : step->accumulator_bytes;
}

/*
 * Bytes of the gradient that step k reads if it is an update, else 0: what the step before it
 * accumulates. In one group with that, it takes what is complete tile by tile, and none of it
 * moves, be it pinned or not.
 */
static inline int64_t program_gradient_bytes(const mbs_program *program, int32_t k)
{
    return program->steps[k].update.is_update ? program->steps[k - 1].accumulator_bytes : 0;
}

/* Whether step k, in a group that ends before `end`, hands its gradient to an update in it. */
static inline bool program_hands_on(const mbs_program *program, int32_t k, int32_t end)
{
    return k + 1 < end && program->steps[k + 1].update.is_update;
}

/* Bytes of its gradient that step k, an update, reads from DRAM in a group that begins with
 * `first`: none if the group has the step before it, too. 0 of any other step. */
static inline int64_t program_update_gradient(const mbs_program *program, int32_t first, int32_t k)
{
    return k > first ? 0 : program_gradient_bytes(program, k);
}

/* Adds all that step k, if it is an update, reads and writes; false: the sum exceeds 64 bits. */
bool program_add_update(const mbs_program *program, int32_t k, int64_t *bytes);

/* What an update reads and writes besides its gradient. */
static inline int64_t step_state_bytes(const mbs_step *step)
{
    return 2 * step->update.state_bytes + step->update.old_bytes + step->update.new_bytes;
}

/*
 * What step k moves with one iteration alone: accumulators that are begun; of an update state, less
 * what the step before it then need not write. In a group that begins with the update
 * program_head_bytes come on top. Below 0 where the state is small.
 */
static inline int64_t program_once_bytes(const mbs_program *program, int32_t k)
{
    const mbs_step *step = &program->steps[k];
    return step_begun_bytes(step) + step_state_bytes(step) - program_gradient_bytes(program, k);
}

/* What a group that begins with step k moves more than its steps say: the gradient, out and in. */
static inline int64_t program_head_bytes(const mbs_program *program, int32_t k)
{
    return 2 * program_gradient_bytes(program, k);
}

/*
 * Whether steps [first, end), in one group, must take the mini-batch at once: one of them couples
 * the samples, or reads what one before it makes of all of them.
 */
bool program_couples(const mbs_program *program, int32_t first, int32_t end);

/*
 * Whether steps of the kind compute what they write first element by element (section 12), as far
 * as a kind tells: what they read must be as many elements in the same order.
 */
bool program_is_elementwise(const char *kind);

/* The first step of the backward phase; step_count if there is none. O(log steps). */
int32_t program_forward_end(const mbs_program *program);

/* Per sample bytes of a step's operands. Sums of a checked program cannot overflow. */
int64_t program_operand_bytes(const mbs_program *program, int32_t step);

#endif
