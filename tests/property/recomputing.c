#include "recomputing.h"

#include <stdio.h>
#include <stdlib.h>

#include "planned.h"
#include "run.h"

static void set_defaults(recomputing *r)
{
    r->program_options = (mbs_program_options)MBS_PROGRAM_OPTIONS_INIT;
    r->options = (mbs_plan_options)MBS_PLAN_OPTIONS_INIT;
    r->options.time_limit_s = 1;
    mbs_hardware_wavecore(&r->hardware);
}

void recomputing_open(recomputing *r, uint64_t *state, int layers)
{
    r->network = random_network(state, layers, r->label);
    set_defaults(r);
}

/* Of half of all states norms do the activations behind them; draws nothing. */
static void fuse_some(recomputing *r, const uint64_t *state)
{
    mbs_network *fused;
    mbs_error error;
    mbs_error_clear(&error);
    must_succeed(mbs_network_fuse(&fused, r->network,
                                  (int)(*state >> 32) & (MBS_FUSE_NORMS | MBS_FUSE_SUMS), &error),
                 &error, r->label);
    mbs_network_free(r->network);
    r->network = fused;
}

void recomputing_open_varied(recomputing *r, uint64_t *state, int layers)
{
    recomputing_open(r, state, layers);
    fuse_some(r, state);
    r->program_options.optimizer = random_optimizer(state);
    r->program_options.keep_batch_norm = random_between(state, 0, 1) == 0;
    r->hardware.norm_passes = random_between(state, 1, 3);
    r->options.batch = random_between(state, 1, 20);
    r->options.buffer_bytes = 5096 + random_between(state, 0, 1 << random_between(state, 5, 16));
    r->options.no_pin = random_between(state, 0, 3) == 0;
    r->options.no_stream = random_between(state, 0, 3) == 0;
    r->options.in_place = random_between(state, 0, 1) == 0;
}

void recomputing_open_zoo(recomputing *r, const char *name)
{
    static mbs_error error;
    mbs_error_clear(&error);
    must_succeed(
        mbs_network_load_file(&r->network, source_path("models/networks/%s.json", name), &error),
        &error, name);
    snprintf(r->label, sizeof r->label, "%s", name);
    set_defaults(r);
}

void recomputing_close(recomputing *r)
{
    mbs_network_free(r->network);
}

static mbs_status create(mbs_program **program, const recomputing *r, const unsigned char *set,
                         mbs_error *error)
{
    mbs_program_options options = r->program_options;
    options.recompute_layers = set;
    mbs_error_clear(error);
    *program = NULL;
    return mbs_program_create(program, r->network, &options, error);
}

bool recomputing_allows(const recomputing *r, size_t layer)
{
    static mbs_error error;
    mbs_program *program;
    unsigned char *one = calloc(mbs_network_layer_count(r->network), 1);
    ck_assert_ptr_nonnull(one);
    one[layer] = MBS_RECOMPUTE_OUTPUT;
    const mbs_status status = create(&program, r, one, &error);
    ck_assert_msg(status == MBS_OK || status == MBS_ERR_ARGUMENT, "%s: %s", r->label,
                  error.message[0]);
    ck_assert((status == MBS_OK) == (program != NULL));
    mbs_program_free(program);
    free(one);
    return status == MBS_OK;
}

unsigned char *recomputing_random_set(const recomputing *r, uint64_t *state)
{
    const size_t count = mbs_network_layer_count(r->network);
    const int64_t every = random_between(state, 1, 3);
    unsigned char *set = calloc(count, 1);
    ck_assert_ptr_nonnull(set);
    for (size_t l = 0; l < count; l++)
        if (random_between(state, 1, every) == 1 && recomputing_allows(r, l))
            set[l] = MBS_RECOMPUTE_OUTPUT;
    for (size_t l = 0; l < count && random_between(state, 0, 1) == 0; l++)
        if (random_between(state, 0, 2) == 0)
            set[l] |= MBS_RECOMPUTE_ANEW;
    return set;
}

mbs_program *recomputing_program(const recomputing *r, const unsigned char *set)
{
    static mbs_error error;
    mbs_program *program;
    must_succeed(create(&program, r, set, &error), &error, r->label);
    return program;
}

int64_t recomputing_traffic(const recomputing *r, const mbs_program *program, mbs_planner planner)
{
    return replayed_traffic(program, &r->hardware, &r->options, planner, r->label);
}

oracle_task recomputing_oracle(const recomputing *r, const mbs_program *program)
{
    return oracle_of(program, &r->hardware, &r->options);
}
