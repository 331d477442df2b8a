/* The layers of a program, as formats list them and DRAM holds their parameters. */
#ifndef PROGRAM_LAYERS_H
#define PROGRAM_LAYERS_H

#include "program/program.h"

typedef struct layer_numbers {
    int32_t count;
    int32_t *of_step; /* per step: its layer, numbered in the order of their first steps */
    int32_t *first;   /* per layer: its first step, which is its forward step if it has one */
} layer_numbers;

/*
 * Numbers the layers; a step that belongs to none, such as loss, is one by itself. Free with
 * layer_numbers_free, also after a failure. O(steps). Errors: MBS_ERR_MEMORY.
 */
mbs_status layer_numbers_create(layer_numbers *numbers, const mbs_program *program,
                                mbs_error *error);
void layer_numbers_free(layer_numbers *numbers);

#endif
