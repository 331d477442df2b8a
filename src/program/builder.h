/* The workshop in which a program is put together from a network; gone once it is done. */
#ifndef PROGRAM_BUILDER_H
#define PROGRAM_BUILDER_H

#include "base/name_pool.h"
#include "network/network.h"
#include "program/program.h"

/* More touches than this (or members of views) are refused: a program must fit in memory. */
#define PROGRAM_MAX_TOUCHES 100000000

/*
 * Members of a value, not owned. A member is *aligned* if a row of the value holds nothing of it
 * but its row of the same number (section 11).
 */
typedef struct id_list {
    const int32_t *ids;
    const int32_t *aligned; /* null: none is */
    int32_t count;
} id_list;

/* A tensor that a layer reads, or one of its output's gradients. */
typedef struct operand {
    int32_t tensor;
    int32_t map;  /* of an input: how its rows go with the output's; in program.maps */
    bool aligned; /* that is said of its own rows, too, and not only of the value's it is of */
} operand;

/* A growing array of operands. */
typedef struct operand_array {
    operand *items;
    int32_t count;
    int32_t capacity;
} operand_array;

/* Kinds besides the ops. */
enum {
    KIND_BATCH_NORM = OP_COUNT, /* a kept batch norm */
    KIND_AFFINE,                /* a batch norm in inference */
    KIND_COUNT
};

/* A growing array of ids. */
typedef struct id_array {
    int32_t *ids;
    int32_t count;
    int32_t capacity;
} id_array;

/* Ids begin, begin + 1, … */
typedef struct id_range {
    int32_t begin;
    int32_t count;
} id_range;

/* The tensors that the reader of a value reads: the value's own, or the members of a view. */
typedef struct value_members {
    int32_t begin; /* in builder.member_pool */
    int32_t count;
} value_members;

/* A view that is the same range of all runs of elements of one value, or that value itself. */
typedef struct value_range {
    int32_t value;  /* -1: it is neither */
    int64_t blocks; /* of a value that has slices: how many runs it is cut in */
    int64_t unit;   /* and elements per index of the first slice */
    int64_t begin;  /* within the run, in elements */
    int64_t end;
} value_range;

/*
 * Tensor ids are provisional while building: outputs of layers and network inputs have their value
 * as id, then come the parts of those that are cut, then masks, indices and gradients in the order
 * they are made. The end renumbers them.
 */
typedef struct builder {
    const mbs_network *network;
    mbs_program_options options;
    mbs_program *program; /* grows */
    mbs_error *error;
    mbs_status status; /* of the first failure; later work is skipped */

    int32_t value_count;
    value_range *ranges;    /* per value */
    id_range *own;          /* per value: its tensor, or its parts */
    id_array part_owner;    /* per part: the value it belongs to */
    int64_t *part_begin;    /* per part: where it begins in a run */
    id_array part_aligned;  /* per part: whether its rows are its value's */
    int32_t base_count;     /* tensors of values and parts */
    value_members *members; /* per value */
    id_array member_pool;
    id_array member_aligned; /* per member in the pool */
    int *row_axis;           /* per value: the dimension that its rows count; -1: it is one row */
    bool *keeps_rows;        /* per value: its rows are those of what it is a view of */
    int32_t *map_slots;      /* maps by hash: their numbers plus one */
    int32_t map_slot_count;
    int32_t map_capacity;
    int32_t *seen;           /* per base tensor: the last stamp it was collected under, */
    int32_t *seen_at;        /* and where it stands in what was collected */
    int32_t stamp;           /* see members_collect */
    bool *needs_gradient;    /* per value */
    bool *is_sink;           /* per base tensor */
    int32_t *gradient;       /* per base tensor: the running gradient's tensor, or -1 */
    bool *gradient_aligned;  /* per base tensor: whether that one's rows are the tensor's */
    bool *gradient_shuffled; /* per base tensor: whether its elements may be in another order */
    int32_t *sum_count;      /* per base tensor: gsum steps so far */
    int32_t *side;           /* per layer: its mask or index tensor, or -1 */
    int32_t *fused_begin;    /* per layer: where its names begin in program.fused */
    bool *recompute;         /* per value: not stored, but computed again (section 10) */
    int32_t *again;          /* per value: the tensor recomputed last, or -1 */
    int32_t *again_for;      /* per value: the layer whose backward steps that was for */
    int32_t *copies;         /* per value: how often it was recomputed */
    int32_t reader;          /* the layer whose backward steps are made, */
    bool anew;               /* which read no copies made for others */
    id_array pending;        /* see remat_before */
    int32_t step_capacity;
    int32_t tensor_capacity;
    int32_t touch_capacity;
    operand_array reads; /* distinct input tensors of the layer at hand */
    operand_array wants; /* those of them that need a gradient */
    operand_array dy;    /* the gradient of the layer's output, in parts */
    id_array sums;       /* per one of `wants`: the running gradient that the step adds to, or -1 */
    const char *kinds[KIND_COUNT][STEP_PASS_COUNT]; /* by op or KIND_…, and pass */
} builder;

/* All return false once the builder has failed; its status and error then say why. */
bool builder_fail(builder *b, mbs_status status);
bool id_array_push(builder *b, id_array *array, int32_t id);
bool operand_push(builder *b, operand_array *array, operand item);

/* The shape of a value, and its layer; null: it is a network input. */
const mbs_shape *builder_shape(const builder *b, int32_t value);
const mbs_layer *builder_layer(const builder *b, int32_t value);
/* The elements of dimensions [begin, end). */
int64_t elements_between(const mbs_shape *shape, int begin, int end);

/* Cuts the tensors that are read in slices: fills in `ranges`, and `own` of those that are cut. */
bool parts_make(builder *b);
/* The tensors of a slice. */
id_range parts_in(const builder *b, const value_range *slice);
/* The value that a base tensor is, or is part of. */
int32_t owner_of(const builder *b, int32_t tensor);
/* Whether its rows are that value's. */
bool is_aligned_part(const builder *b, int32_t tensor);

/* Views: fills in `members` of every value. */
bool members_resolve(builder *b);
id_list members_of(const builder *b, int32_t value);

/* A member of one of the layer's inputs; its map is -1 if memory is out. */
operand operand_of(builder *b, int32_t layer, int32_t input, int32_t member);
/* The tensors that a layer reads, each once, in input order, into b->reads. */
bool reads_collect(builder *b, int32_t layer);
/* The same for the layer's `input` alone. */
bool reads_collect_input(builder *b, int32_t layer, int32_t input);
/* And in steps: reads_start, then reads_add for each input. */
void reads_start(builder *b);
bool reads_add(builder *b, int32_t layer, int32_t input);

/* Fills in row_axis of every value (section 11). */
void row_axes_find(builder *b);
/* H, the rows of a value. */
int64_t rows_of(const builder *b, int32_t value);
/* R of the layer's forward step. */
int64_t forward_rows(const builder *b, int32_t layer);
/* A dimension of the reshaped value that counts the rows of dimension `axis`, or below -1. */
int reshaped_axis(const mbs_shape *from, int axis, const mbs_shape *to);
/* The rows that [begin, end) of a cut value's runs has; *aligned: whether they are the value's. */
int64_t rows_of_part(const builder *b, int32_t value, int64_t begin, int64_t end, bool *aligned);
/* Whether the rows of an input's value go with those of the layer's output. */
bool rows_correspond(const builder *b, int32_t layer, int32_t input);
/* Whether a layer is a batch norm in inference, whose statistics are constants. */
bool norm_is_affine(const builder *b, const mbs_layer *layer);
/* Whether a norm's statistics lie inside a row. */
bool norm_is_within_row(const builder *b, const mbs_layer *layer);
/* Whether a layer is a norm of two steps, statistics and application. */
bool norm_is_split(const builder *b, const mbs_layer *layer);

/* Makes program.maps with the first two. */
bool maps_open(builder *b);
/* The number of a map in program.maps, or -1; ROW_MAP_SAME if it says no more than that. */
int32_t map_number(builder *b, mbs_row_map map, int64_t step_rows, int64_t tensor_rows);
/* How a step of `rows` rows reads a tensor whose rows, if `aligned`, are the step's. */
int32_t map_plain(builder *b, bool aligned, int64_t rows, int32_t tensor);
/* How an input's rows go with those of the layer's forward step, if they correspond. */
int32_t map_of_input(builder *b, int32_t layer, int32_t input);
/*
 * How the rows of the layer's output, its gradient, mask or index go with those of the step that
 * makes the input's gradient.
 */
int32_t map_of_output(builder *b, int32_t layer, int64_t step_rows);
/*
 * How those of its gradient go with those of a conv_transpose's input where it learns. A bias's
 * gradient is the sum of all rows, also of those that lie between windows or behind them, so with
 * one the windows are as wide as it takes for each row to be in one.
 */
int32_t map_of_summed_output(builder *b, int32_t layer);

/*
 * Appends a step of `layer` (-1: loss) without touches; returns it, or null. It has the rows of the
 * layer's output unless the caller says otherwise.
 */
mbs_step *builder_step(builder *b, int32_t layer, step_pass pass, const char *name);
/*
 * Makes a tensor an operand of the last step; all reads must come before the writes. One that is
 * read already is one operand; read in two ways it is needed whole.
 */
bool builder_read(builder *b, int32_t tensor, int32_t map);
bool builder_write(builder *b, int32_t tensor);
/* Appends a tensor of `elements` words of `bits` in `rows` rows; returns its id, or -1. */
int32_t builder_tensor(builder *b, int64_t elements, int64_t bits, int64_t rows, const char *name);
/* Sets the step's matrix product if the layer has one. */
void builder_gemm(const builder *b, int32_t layer, mbs_step *step);
/* ceil(count · bits / 8) into *bytes. */
bool builder_bytes(builder *b, int64_t count, int64_t bits, int64_t *bytes);

/*
 * Builds all up to the forward steps; with `blank` all names are empty, which saves most of the
 * time. Free with builder_close in any case.
 */
bool builder_open(builder *b, const mbs_network *network, const mbs_program_options *options,
                  bool blank, mbs_error *error);
/* Builds the rest. The program, which is the caller's; null if the builder has failed. */
mbs_program *builder_end(builder *b);
void builder_close(builder *b);
/* Frees only what builder_end changes. */
void builder_close_own(builder *b);

/*
 * Which operands the last step takes element by element (section 12): of a layer's forward step or
 * remat step, of its `bwd`, which writes a gradient for each of b->wants, and of a gsum.
 */
void elementwise_forward(builder *b, int32_t layer);
void elementwise_backward(builder *b, int32_t layer);
void elementwise_sum(builder *b);
/* The base tensor whose elements, all of them in their order, are the value's; -1: it is not so. */
int32_t ordered_tensor(const builder *b, int32_t value);

bool forward_build(builder *b);
/* The last step, forward or again, reads the layer's inputs, or what was recomputed. */
bool read_inputs(builder *b, int32_t layer);
/* It writes a norm's statistics (section 11); returns their tensor, or -1. */
int32_t write_statistics(builder *b, const char *name);
/* It reads them; a kept batch norm's couple it to the step that wrote them. */
bool read_statistics(builder *b, int32_t statistics);
/* Which values need a gradient; the first of the backward phase, but the same whatever follows. */
void backward_find_needs(builder *b);
bool backward_build(builder *b);
/* The step that reads the sinks and writes their gradients. */
bool loss_build(builder *b);
/*
 * Another gradient of a base tensor, summed if there is one; `aligned`: its rows are the tensor's;
 * `ordered`: so are its elements, in their order.
 */
bool gradient_add(builder *b, int32_t tensor, int32_t contribution, bool aligned, bool ordered);
/*
 * The last step, of `reader`, writes a gradient for each of b->wants; sums follow at once, or are
 * done by the step itself if the network's are fused. `aligned`: its rows are those of b->wants
 * that have as many and are aligned.
 */
bool gradients_write(builder *b, const char *reader, bool aligned);

/* Chooses what is recomputed, as the options say; the forward steps are built. */
bool remat_choose(builder *b);
/* What follows is for the backward steps of the layer. */
void remat_reader(builder *b, int32_t layer);
/*
 * Appends what must be recomputed before a step may read the base tensor: its forward step again if
 * it is in the set and was not recomputed yet, or not for the present layer if that reads no other
 * copies, and before that, in input order, those of its inputs.
 */
bool remat_before(builder *b, int32_t tensor);
/* What a backward step reads for the base tensor: that itself, or what was recomputed. */
int32_t remat_tensor(const builder *b, int32_t tensor);

/* Puts an update behind the step that adds last to each gradient, if the options ask for one. */
bool updates_insert(builder *b);

/* Numbers the steps, then puts them in the order that the options give; touches are linked. */
bool order_apply(builder *b);

/* Drops writes that no step reads, numbers tensors by first touch, links the touches. */
bool builder_finish(builder *b);

#endif
