/* GLPK, guarded: the one file that includes its header. */
#ifndef PLAN_SOLVER_SOLVER_H
#define PLAN_SOLVER_SOLVER_H

#include "mbsopt/status.h"
#include "plan/solver/problem.h"

typedef struct solver_limits {
    int nodes;                   /* of the search tree */
    int64_t work;                /* in ticks (plan/watch.h): stop after so many */
    double cutoff;               /* stop once the bound is at least this */
    bool (*stop)(void *context); /* asked now and then; true ends the search. May be null */
    void *context;
} solver_limits;

typedef struct solver_result {
    bool found;    /* value holds a solution */
    double *value; /* per column number, the caller's array */
    bool relaxed;  /* dual holds the rows' prices in the relaxation without cuts */
    double *dual;  /* per row number, the caller's array */
    int64_t work;  /* done, in ticks of work (plan/watch.h); set also without a solution */
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

#endif
