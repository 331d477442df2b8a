/* What the tasks start from, and a folder of their own for what they write. */
#ifndef TESTS_MEMORY_INPUTS_H
#define TESTS_MEMORY_INPUTS_H

#include <mbsopt/mbsopt.h>
#include <stdbool.h>
#include <stddef.h>

#define EXPORTS   9 /* formats, each a task */
#define SOLUTIONS 3 /* forms of them */

typedef struct text {
    char data[65536];
    size_t length;
} text;

/* Texts as they are loaded, and what was made of them: a task under test makes its own and frees
 * it. */
typedef struct inputs {
    text network_text;
    text hardware_text;
    text plan_text;
    text strips_text;
    mbs_hardware hardware;
    mbs_network *network;
    mbs_program *program;
    mbs_plan *planned;    /* of the program, with dp */
    mbs_plan *loaded;     /* of the plan's text */
    mbs_plan *strips;     /* one with strip groups */
    mbs_program *tiny;    /* what the solutions are of */
    mbs_program *decoder; /* on which ilp moves less than dp, which it must search for */
    mbs_plan *unplaced;   /* of the decoder: as it stands it has no place in the buffer */
    char solution_path[SOLUTIONS][1024];
} inputs;

extern inputs given;

/* How the decoder is planned for `planner`, and the machine that has no place for its plan. */
mbs_plan_options decoder_options(mbs_planner planner);
mbs_hardware coarse_hardware(void);

/* Makes it, of the source folder; false if that fails or is not what the tasks are written for. */
bool inputs_prepare(const char *root);

/* A path in the folder for a file of that name, in static storage. */
const char *inputs_scratch(const char *name);

/* Frees it all, and removes the folder; false if temporary files were in it. */
bool inputs_tidy_up(void);

#endif
