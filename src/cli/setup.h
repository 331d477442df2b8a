/* What plan and show have in common: a network on a machine, made into a program. */
#ifndef CLI_SETUP_H
#define CLI_SETUP_H

#include <mbsopt/mbsopt.h>
#include <stdbool.h>

#include "options.h"

/* Rows of both commands' option tables. */
#define OPTION_BUFFER                                                                              \
    {                                                                                              \
        "buffer", '\0', "SIZE", "on-chip buffer per core (default: the hardware's)"                \
    }
#define OPTION_HARDWARE                                                                            \
    {                                                                                              \
        "hardware", '\0', "FILE", "the machine, or its name in mbsopt list (default: wavecore)"    \
    }
#define OPTION_CYCLE_MODEL                                                                         \
    {                                                                                              \
        "cycle-model", '\0', "wavecore|scalesim",                                                  \
            "how the array's cycles are counted (default: the hardware's)"                         \
    }
#define OPTION_DRAM_EFFICIENCY                                                                     \
    {                                                                                              \
        "dram-efficiency", '\0', "X|measured",                                                     \
            "share of the DRAM's peak bandwidth that is sustained, 1 in the paper (default: the "  \
            "hardware's, which is as measured)"                                                    \
    }
#define OPTION_OVERLAP                                                                             \
    {                                                                                              \
        "overlap", '\0', "none|step|group",                                                        \
            "what of array, vector unit and DRAM works at once (default: the hardware's)"          \
    }
#define OPTION_BATCH                                                                               \
    {                                                                                              \
        "batch", '\0', "N", "samples of a mini-batch per core (default: 32)"                       \
    }
#define OPTION_INFERENCE                                                                           \
    {                                                                                              \
        "inference", '\0', NULL, "the forward phase alone"                                         \
    }
#define OPTION_BATCH_NORM                                                                          \
    {                                                                                              \
        "batch-norm", '\0', "replace|keep",                                                        \
            "plan batch norms as group norms (default) or as they are"                             \
    }
#define OPTION_OPTIMIZER                                                                           \
    {                                                                                              \
        "optimizer", '\0', "NAME",                                                                 \
            "none (default), sgd, momentum, adam: steps that update weights"                       \
    }
#define OPTION_NO_FOLD                                                                             \
    {                                                                                              \
        "no-fold", '\0', NULL, "inference: batch norms and activations as steps of their own"      \
    }
#define OPTION_FUSE                                                                                \
    {                                                                                              \
        "fuse", '\0', NULL,                                                                        \
            "a norm with the activation behind it, a gradient with its sum: one step"              \
    }
/* What is read of programs and of the machine together: rows that go together in every table. */
#define OPTIONS_PROGRAM                                                                            \
    OPTION_INFERENCE, OPTION_NO_FOLD, OPTION_FUSE, OPTION_BATCH_NORM, OPTION_OPTIMIZER
#define OPTIONS_MACHINE OPTION_CYCLE_MODEL, OPTION_DRAM_EFFICIENCY, OPTION_OVERLAP
#define OPTION_COLOR                                                                               \
    {                                                                                              \
        "color", '\0', "auto|always|never", "colours in tables (default: auto)"                    \
    }
#define OPTION_OUTPUT                                                                              \
    {                                                                                              \
        "output", 'o', "FILE", "write to FILE; - is standard output"                               \
    }

typedef struct setup {
    mbs_hardware hardware;        /* with --buffer's size, if given; see planning_finish */
    int64_t machine_buffer_bytes; /* of the hardware itself */
    int64_t batch;
    int keep_batch_norm; /* as the options say; changed, if at all, before setup_load */
    int inference;
    mbs_optimizer optimizer;
    bool color;
    const char *output; /* null: standard output */
    mbs_network *network;
    mbs_program *program;
} setup;

/*
 * Loads the machine `name`: a file, or one that is shipped (shipped.h). Says what is wrong; returns
 * the exit status.
 */
int load_hardware(mbs_hardware *hardware, const char *name);

/* --optimizer. Says what is wrong and returns false. */
bool setup_optimizer(mbs_optimizer *optimizer, const arguments *given);

/*
 * --cycle-model, --dram-efficiency and --overlap, if given, instead of the machine's own; what is
 * another ends the machine's name from then on, such as wavecore:scalesim:dram-0.86. Says what is
 * wrong; returns the exit status.
 */
int setup_machine(mbs_hardware *hardware, const arguments *given);

/* Reads the common options and the hardware file. Says what is wrong; returns the exit status. */
int setup_options(setup *result, const arguments *given);

/* Loads the network and builds its program. Likewise. */
int setup_load(setup *result, const arguments *given);

/* Programs for all that was read, but for batch norms. */
mbs_program_options setup_program_options(const setup *of, int keep_batch_norm);

/* Builds the program of a network that is loaded already. */
mbs_status setup_program(setup *result, mbs_error *error);

void setup_free(setup *result);

#endif
