/* The whole schedule as one integer program (model, section 6; docs/exact.md names its parts). */
#ifndef PLAN_MODEL_MODEL_H
#define PLAN_MODEL_MODEL_H

#include "plan/planner.h"
#include "plan/solver/problem.h"

/* No other solver could use a larger program, and it would not fit in memory. */
#define MODEL_MAX_ELEMENTS INT64_C(20000000)

/* What a column decides; a plan is read off all but the last kind. */
typedef enum model_part {
    MODEL_RUN,    /* z: step `item` runs with the candidate */
    MODEL_PASSES, /* p: step `item` runs in passes */
    MODEL_JOIN,   /* j: step `item` and the one before it are in one group */
    MODEL_KEEP,   /* r: the interval from touch `item` to the next stays in the buffer */
    MODEL_OTHER   /* follows from those */
} model_part;

typedef struct model_column {
    model_part part;
    int32_t item;
    int32_t candidate;
    bool binary;
} model_column;

typedef struct model {
    const plan_task *task;
    candidates list;
    solver_problem *problem;
    model_column *columns; /* per column of the problem, from 1 on */
    int32_t column_room;
    int64_t elements;
    int64_t work;
    bool failed;    /* memory is out */
    bool too_large; /* to be of use, or for exact figures */

    int64_t pinnable; /* the parameters of all steps, in bytes; 0 if nothing may be pinned */
    int *choose_row;  /* per step: it runs with one candidate or in passes */
    int *written_row; /* per touch: its interval stays or its tensor is written; 0: no matter */

    /* of the candidate at hand: columns or rows, 0 where there is none */
    int *run;       /* per step: z */
    int *join;      /* per step: j */
    int *keep;      /* per touch: r */
    int *room_row;  /* per step: its capacity */
    int64_t *most;  /* per step and one more: bytes per sample that may cross it */
    int64_t *least; /* per step: its smallest footprint */
} model;

/*
 * Builds the program of a task; model_free either way. Errors: MBS_ERR_INPUT (too large),
 * MBS_ERR_MEMORY.
 */
mbs_status model_build(model *m, const plan_task *task, mbs_error *error);
void model_free(model *m);

/* Adds the columns and rows of one candidate. */
void model_add_candidate(model *m, int32_t candidate);

/* The footprint of step k with nothing resident or pinned, in its better mode. */
int64_t model_least_footprint(const model *m, int32_t k, int32_t candidate);

/* Whether building may go on. */
bool model_is_sound(const model *m);

/* Each adds to the problem, or does nothing and returns 0 once it has failed. */
int model_add_column(model *m, model_column column, double upper, double cost, const char *name);
int model_add_row(model *m, double lower, double upper, const char *name);
void model_add_element(model *m, int row, int column, double value);

/*
 * Reads a solution file into `value`, by column number; columns that the file leaves out are 0.
 * Errors: MBS_ERR_INPUT, MBS_ERR_IO, MBS_ERR_MEMORY.
 */
mbs_status solution_read(double *value, const model *m, const char *path, mbs_error *error);

/* mbs_plan_import_solution without the verification. */
mbs_status plan_import(mbs_plan **plan, const mbs_program *program, const mbs_hardware *hardware,
                       const mbs_plan_options *options, const char *path, mbs_error *error);

#endif
