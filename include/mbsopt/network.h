/* Networks: layers, shapes and parameters (model, section 2). */
#ifndef MBSOPT_NETWORK_H
#define MBSOPT_NETWORK_H

#include "mbsopt/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MBS_MAX_RANK 8

/* A checked network; immutable once loaded, so threads may share one. */
typedef struct mbs_network mbs_network;

/* A shape per sample: [C,H,W], [features], or any rank up to MBS_MAX_RANK. */
typedef struct mbs_shape {
    int rank;
    int64_t dim[MBS_MAX_RANK];
} mbs_shape;

/* One layer as seen from outside; the pointers live as long as the network. */
typedef struct mbs_layer_info {
    const char *name;
    const char *op;     /* as in the file: "conv", "max_pool", ... */
    mbs_shape shape;    /* of the output, per sample */
    int64_t elements;   /* of the output, per sample */
    int64_t parameters; /* its own weights and biases, in elements */
    size_t input_count;
    int is_view;        /* concat, flatten, identity, slice, reshape: no step, no bytes */
    const char *shares; /* the layer whose parameters it uses; null: it has its own, or none */
    size_t fused_count; /* layers behind it that its step does, too; see mbs_network_fuse */
} mbs_layer_info;

/*
 * Loads and checks an `mbsopt-network/1` file. On success *network is owned by the caller
 * (mbs_network_free). All faults of the file are collected in `error`. O(size · log layers).
 * Errors: MBS_ERR_INPUT, MBS_ERR_IO, MBS_ERR_MEMORY; *network is then null.
 */
MBS_API mbs_status mbs_network_load_file(mbs_network **network, const char *path, mbs_error *error);

/* The same from `length` bytes of text; `label` stands for the file's name in messages. */
MBS_API mbs_status mbs_network_load_text(mbs_network **network, const char *text, size_t length,
                                         const char *label, mbs_error *error);

/* The same from a stream that is read to its end. Errors: also MBS_ERR_IO if `read_some` fails. */
MBS_API mbs_status mbs_network_load_stream(mbs_network **network, mbs_read_function *read_some,
                                           void *context, const char *label, mbs_error *error);

/* ---- Without a file: layer by layer ---- */

/* A network that is being put together. */
typedef struct mbs_network_builder mbs_network_builder;

/*
 * A member of a layer that mbs_layer_spec has no place for, under its name in files: "axis",
 * "shape", "affine", ... It is given even if it is zero.
 */
typedef struct mbs_layer_member {
    const char *name;
    int64_t number;      /* the value, unless there is a list */
    int is_flag;         /* the number stands for false (0) or true */
    const int64_t *list; /* or null */
    int count;           /* of the list */
} mbs_layer_member;

/*
 * A layer to add, as a file would say it (section 2). Members that are zero or null are left out
 * and have their defaults; those that the op does not have must be.
 */
typedef struct mbs_layer_spec {
    const char *name;
    const char *op; /* "conv", "max_pool", ... */
    const char *const *inputs;
    size_t input_count;
    int64_t out_channels; /* conv */
    int64_t out_features; /* fc */
    /* height, width; equal numbers are for a volume's depth too, others of it go into `members` */
    int64_t kernel[2];
    int64_t stride[2];
    int64_t dilation[2];
    int64_t pad[4]; /* top, left, bottom, right */
    int64_t groups;
    const char *kind; /* norm: "group", "batch", "layer", "instance" */
    int bias;
    int ceil_mode;
    const mbs_layer_member *members; /* all others; may be null */
    size_t member_count;
    const char *shares; /* the layer whose parameters it uses, added before it; null: its own */
} mbs_layer_spec;

/*
 * Begins a network; *builder is owned by the caller (mbs_network_builder_free, also after finish).
 * Errors: MBS_ERR_MEMORY, MBS_ERR_INPUT (a name that is no UTF-8 text).
 */
MBS_API mbs_status mbs_network_builder_create(mbs_network_builder **builder, const char *name,
                                              mbs_error *error);
MBS_API void mbs_network_builder_free(mbs_network_builder *builder);

/*
 * Add a network input of `rank` dimensions, or a layer; what is pointed at is copied. Layers may
 * come in any order. Errors: as of create, and MBS_ERR_INPUT for a member given twice; of what else
 * is wrong finish tells.
 */
MBS_API mbs_status mbs_network_builder_input(mbs_network_builder *builder, const char *name,
                                             const int64_t *dimensions, int rank, mbs_error *error);
MBS_API mbs_status mbs_network_builder_layer(mbs_network_builder *builder,
                                             const mbs_layer_spec *layer, mbs_error *error);

/*
 * Checks all that was added, as a file is checked and with the same messages (for "layers[2]"
 * counts the layers added), and makes the network; ownership and errors as of
 * mbs_network_load_file. More may be added afterwards and finish called again. `label` stands for a
 * file's name.
 */
MBS_API mbs_status mbs_network_builder_finish(mbs_network **network, mbs_network_builder *builder,
                                              const char *label, mbs_error *error);

/* Frees a network; null is allowed. */
MBS_API void mbs_network_free(mbs_network *network);

/* The network's name; lives as long as the network. */
MBS_API const char *mbs_network_name(const mbs_network *network);

/* How many layers, views included. */
MBS_API size_t mbs_network_layer_count(const mbs_network *network);

/* A network input; the name lives as long as the network. */
typedef struct mbs_input_info {
    const char *name;
    mbs_shape shape; /* per sample */
} mbs_input_info;

/* How many network inputs, and the `index`-th in file order. Errors: MBS_ERR_ARGUMENT. */
MBS_API size_t mbs_network_input_count(const mbs_network *network);
MBS_API mbs_status mbs_network_input(const mbs_network *network, size_t index,
                                     mbs_input_info *info);

/* All layers' parameters in elements, biases included; shared ones once. */
MBS_API int64_t mbs_network_parameters(const mbs_network *network);

/* The `index`-th layer in program order (stable topological order). Errors: MBS_ERR_ARGUMENT. */
MBS_API mbs_status mbs_network_layer(const mbs_network *network, size_t index,
                                     mbs_layer_info *info);

/*
 * What the `position`-th input of layer `index` is called: a layer's or a network input's name.
 * Null if either is out of range.
 */
MBS_API const char *mbs_network_layer_input(const mbs_network *network, size_t index,
                                            size_t position);

/* ---- Layers and sums done with the step before (section 13) ---- */

/* What becomes one layer: the sum of any of these. */
typedef enum mbs_fusion {
    /*
     * Inference: a product (conv, conv_transpose, fc, matmul) with a batch norm behind it, which
     * becomes part of the weights and the bias of all but matmul, an activation behind either, and
     * dropouts.
     */
    MBS_FUSE_PRODUCTS = 1,
    MBS_FUSE_NORMS = 2, /* a norm with the activation behind it */
    /*
     * In training a backward step that makes a gradient with the sum of that and the gradient of
     * the same tensor that other steps have made so far: it reads the latter, too, and writes the
     * sum. No layer goes; inference has none of these.
     */
    MBS_FUSE_SUMS = 4
} mbs_fusion;

/*
 * A copy of the network in which layers are one wherever the first one's output is read by the
 * second alone. It keeps the first one's name and makes the value of the last. Programs of a
 * network whose products were fused must be for inference; those of one whose sums were, in
 * training, have steps that do them. On success *fused is owned by the caller
 * (mbs_network_free). O(size). Errors: MBS_ERR_ARGUMENT (a null pointer; `fusion` is no such sum),
 * MBS_ERR_INPUT (more than 2^63 - 1 parameters), MBS_ERR_MEMORY.
 */
MBS_API mbs_status mbs_network_fuse(mbs_network **fused, const mbs_network *network, int fusion,
                                    mbs_error *error);

/* The name of the `position`-th of the layers that layer `index` does, too; null if either is out
 * of range. */
MBS_API const char *mbs_network_layer_fused(const mbs_network *network, size_t index,
                                            size_t position);

#ifdef __cplusplus
}
#endif
#endif
