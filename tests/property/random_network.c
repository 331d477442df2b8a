#include "random_network.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "random_blocks.h"
#include "run.h"

typedef enum network_shape {
    SHAPE_CHAIN,
    SHAPE_RESIDUAL,
    SHAPE_INCEPTION,
    SHAPE_DENSE,
    SHAPE_FAN_OUT,
    SHAPE_VIEWS,
    SHAPE_SPLIT,
    SHAPE_TANGLED,
    SHAPE_ROWS, /* of random_network_of_rows alone */
    SHAPE_COUNT
} network_shape;

uint64_t random_next(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

int64_t random_between(uint64_t *state, int64_t low, int64_t high)
{
    return low + (int64_t)((random_next(state) >> 11) % (uint64_t)(high - low + 1));
}

mbs_optimizer random_optimizer(const uint64_t *state)
{
    const unsigned drawn = (unsigned)(*state >> 40) % (2 * MBS_OPTIMIZER_COUNT - 2);
    return drawn < MBS_OPTIMIZER_COUNT ? (mbs_optimizer)drawn : MBS_OPTIMIZER_NONE;
}

void random_machine(mbs_hardware *hardware, uint64_t *state)
{
    mbs_hardware_wavecore(hardware);
    hardware->array_rows = hardware->array_cols = random_between(state, 2, 8);
    hardware->vector_elements_per_cycle = random_between(state, 1, 16);
    hardware->bandwidth_bytes_per_s = INT64_C(1) << random_between(state, 28, 36);
}

mbs_program *random_program_of(const mbs_network *network, const mbs_program_options *options,
                               const uint64_t *state, const char *label)
{
    const int drawn = (int)(*state >> 32) & (MBS_FUSE_PRODUCTS | MBS_FUSE_NORMS | MBS_FUSE_SUMS);
    mbs_network *fused;
    mbs_program *program;
    mbs_error error;
    mbs_error_clear(&error);
    must_succeed(mbs_network_fuse(&fused, network,
                                  options->inference ? drawn : drawn & ~MBS_FUSE_PRODUCTS, &error),
                 &error, label);
    must_succeed(mbs_program_create(&program, fused, options, &error), &error, label);
    mbs_network_free(fused);
    return program;
}

/* As `mbsopt-network/1` text, the caller's (mbs_free). */
static char *write_network(uint64_t *state, network_shape shape, int layers)
{
    generator g = {.state = state, .out = TEXT_INIT, .count = 1};
    g.channels[0] = random_between(state, 1, 4);
    g.side[0] = random_between(state, 3, shape == SHAPE_ROWS ? 20 : 8);
    text_format(&g.out,
                "{\"format\":\"mbsopt-network/1\",\"name\":\"random\",\"inputs\":[{\"name\":\"v0\","
                "\"shape\":[%d,%d,%d]}],\"layers\":[\n",
                (int)g.channels[0], (int)g.side[0], (int)g.side[0]);
    int value = 0;
    while (g.count <= layers && g.count < MAX_VALUES - 20) {
        switch (shape) {
        case SHAPE_RESIDUAL:
            value = residual_block(&g, value);
            break;
        case SHAPE_INCEPTION:
            value = inception_block(&g, value);
            break;
        case SHAPE_DENSE:
            value = dense_block(&g, value);
            break;
        case SHAPE_FAN_OUT:
            value = fan_out_block(&g, value);
            break;
        case SHAPE_VIEWS:
            value = views_block(&g, value);
            break;
        case SHAPE_SPLIT:
            value = split_block(&g, value);
            break;
        case SHAPE_TANGLED:
            value = tangled_block(&g, value);
            break;
        case SHAPE_ROWS:
            value = rows_block(&g, value);
            break;
        case SHAPE_CHAIN:
        case SHAPE_COUNT:
            value = any_layer(&g, value);
            break;
        }
    }
    if (pick(&g, 4) == 0) /* a second sink */
        same_shape(&g, pick(&g, g.count));
    if (pick(&g, 2))
        add_layer(&g, "\"op\":\"fc\",\"out_features\":5", &value, 1, 5, 1);
    text_string(&g.out, "]}");
    char *result = NULL;
    text_finish(&g.out, &result, NULL);
    return result;
}

/* Of the shapes up to `last`; what is drawn beyond is the last. */
static mbs_network *make_network(uint64_t *state, int drawn, int last, int layers,
                                 char label[RANDOM_LABEL_BYTES])
{
    static mbs_error error;
    mbs_network *network;
    const uint64_t start = *state;
    const int64_t number = random_between(state, 0, drawn - 1);
    const network_shape shape = (network_shape)(number < last ? number : last);
    char *json = write_network(state, shape, layers);
    snprintf(label, RANDOM_LABEL_BYTES, "network of shape %d from state %" PRIu64, (int)shape,
             start);
    mbs_error_clear(&error);
    must_succeed(mbs_network_load_text(&network, json, strlen(json), "random", &error), &error,
                 label);
    mbs_free(json);
    return network;
}

mbs_network *random_network(uint64_t *state, int layers, char label[RANDOM_LABEL_BYTES])
{
    return make_network(state, SHAPE_ROWS, SHAPE_ROWS - 1, layers, label);
}

mbs_network *random_network_of_rows(uint64_t *state, int layers, char label[RANDOM_LABEL_BYTES])
{
    return make_network(state, SHAPE_COUNT + 4, SHAPE_ROWS, layers, label);
}
