/* GLPK, guarded: the one file that includes its header. */
#ifndef PLAN_SOLVER_SOLVER_H
#define PLAN_SOLVER_SOLVER_H

#include <stdbool.h>
#include <stdint.h>

#include "mbsopt/status.h"

/* A minimisation over integer and real variables. Rows and columns are numbered from 1. */
typedef struct solver_problem solver_problem;

typedef enum solver_kind { SOLVER_REAL, SOLVER_BINARY } solver_kind;

/* Null if memory is out. */
solver_problem *solver_create(void);
void solver_free(solver_problem *problem);

/* Each returns the new number, or 0 if memory is out. Names may be null. */
int solver_column(solver_problem *problem, solver_kind kind, double lower, double upper,
                  double cost, const char *name);
/* lower <= row <= upper; infinite bounds are left out. */
int solver_row(solver_problem *problem, double lower, double upper, const char *name);
int solver_column_count(const solver_problem *problem);
int solver_row_count(const solver_problem *problem);
/* As it was given; lives until another column is added. */
const char *solver_column_name(const solver_problem *problem, int column);
/* Adds an element of the matrix; each place at most once. False if memory is out. */
bool solver_element(solver_problem *problem, int row, int column, double value);

typedef struct solver_limits {
    int nodes;                   /* of the search tree */
    double cutoff;               /* stop once the bound is at least this */
    bool (*stop)(void *context); /* asked now and then; true ends the search. May be null */
    void *context;
} solver_limits;

typedef struct solver_result {
    bool found;    /* value holds a solution */
    double *value; /* per column number, the caller's array */
    bool relaxed;  /* dual holds the rows' prices in the relaxation without cuts */
    double *dual;  /* per row number, the caller's array */
} solver_result;

/* Branch and cut, in floating-point numbers. Errors: MBS_ERR_SOLVER, MBS_ERR_MEMORY. */
mbs_status solver_minimise(solver_problem *problem, const solver_limits *limits,
                           solver_result *result, mbs_error *error);

/*
 * GLPK keeps its state per thread. A planning task runs its body in a thread of its own, so that
 * a caller who uses GLPK too is not disturbed, and the state is freed at the end.
 * Errors: what the body returns; MBS_ERR_MEMORY if no thread could be had.
 */
typedef mbs_status solver_body(void *context, mbs_error *error);
mbs_status solver_isolate(solver_body *body, void *context, mbs_error *error);

typedef enum solver_format { SOLVER_LP, SOLVER_MPS } solver_format;

/*
 * Writes the problem, by way of a temporary file, in LP or free MPS format; `title` (one line of
 * printable text) becomes a comment. All columns must have names, lower bounds of 0 or equal to the
 * upper bound, and rows one bound or two equal ones. Both formats list the columns in order.
 * Errors: MBS_ERR_IO, MBS_ERR_MEMORY.
 */
mbs_status solver_write(const solver_problem *problem, solver_format format, const char *title,
                        const char *path, mbs_error *error);

#endif
