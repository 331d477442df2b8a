/* What random networks are put together from: layers and blocks of them, as text. */
#ifndef TESTS_PROPERTY_RANDOM_BLOCKS_H
#define TESTS_PROPERTY_RANDOM_BLOCKS_H

#include <stdint.h>

#include "base/text.h"

#define MAX_VALUES 200

/* Room for the members of a layer that has parameters. */
#define MEMBERS_BYTES 160

typedef struct generator {
    uint64_t *state;
    text out;
    int count; /* values so far; value 0 is the image */
    int64_t channels[MAX_VALUES];
    int64_t side[MAX_VALUES];
    char members[MAX_VALUES][MEMBERS_BYTES]; /* of the layer, if others may share its parameters */
    int64_t read_channels[MAX_VALUES];       /* of its first input */
} generator;

/* One of 0 to count - 1. */
int pick(generator *g, int count);

/* Appends a layer reading `inputs`; returns its value, as all of the following do. */
int add_layer(generator *g, const char *members, const int *inputs, int input_count,
              int64_t channels, int64_t side);
/* One of the ops that keep the shape, */
int same_shape(generator *g, int input);
/* or a convolution. */
int any_layer(generator *g, int input);

int residual_block(generator *g, int input);
int inception_block(generator *g, int input);
int dense_block(generator *g, int input);
int fan_out_block(generator *g, int input);
int views_block(generator *g, int input);
int split_block(generator *g, int input);
int tangled_block(generator *g, int input);
int rows_block(generator *g, int input);

#endif
