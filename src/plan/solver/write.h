/* Integer programs as text for other solvers. */
#ifndef PLAN_SOLVER_WRITE_H
#define PLAN_SOLVER_WRITE_H

#include "mbsopt/status.h"
#include "plan/solver/problem.h"
#include "plan/watch.h"

typedef enum solver_format { SOLVER_LP, SOLVER_MPS } solver_format;

/*
 * Writes the problem, by way of a temporary file, in LP or free MPS format; `title` (one line of
 * printable text) becomes a comment. All columns must have names, lower bounds of 0 or equal to the
 * upper bound, and rows one bound or two equal ones. Both formats list the columns in order.
 * `watch` (or null) may end it. Errors: MBS_ERR_IO, MBS_ERR_MEMORY, MBS_ERR_STOPPED.
 */
mbs_status solver_write(const solver_problem *problem, solver_format format, const char *title,
                        const char *path, plan_watch *watch, mbs_error *error);

#endif
