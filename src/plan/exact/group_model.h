/*
 * One group as an integer program for GLPK (docs/exact.md). What a solver of floating-point numbers
 * says proves nothing here: its solutions and prices are proposals, which exact arithmetic judges.
 */
#ifndef PLAN_EXACT_GROUP_MODEL_H
#define PLAN_EXACT_GROUP_MODEL_H

#include "plan/exact/column.h"

typedef struct group_proposal {
    bool found;     /* a solution */
    bool *resident; /* per touch of the group, the caller's: the interval from there stays */
    bool priced;    /* the relaxation was solved */
    double *price;  /* per step of the group, the caller's: traffic bytes per byte of buffer */
} group_proposal;

/*
 * Branch and cut over at most `nodes` nodes, ended early by the stop of `with` or by a bound above
 * its cutoff. Errors: MBS_ERR_MEMORY, MBS_ERR_SOLVER.
 */
mbs_status group_model_solve(const pricing *with, const column *group, int nodes,
                             group_proposal *proposal, mbs_error *error);

#endif
