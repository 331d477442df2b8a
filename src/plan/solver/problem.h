/* What a solver_problem holds: for the files that solve it and write it. */
#ifndef PLAN_SOLVER_PROBLEM_H
#define PLAN_SOLVER_PROBLEM_H

#include "plan/solver/solver.h"

typedef struct problem_column {
    solver_kind kind;
    double lower;
    double upper;
    double cost;
    char *name;
} problem_column;

typedef struct problem_row {
    double lower;
    double upper;
    char *name;
} problem_row;

/* Kept in arrays of our own until it is solved, so that only one call enters GLPK. */
struct solver_problem {
    problem_column *columns;
    problem_row *rows;
    int *element_row; /* elements from 1 on */
    int *element_column;
    double *element_value;
    int column_count;
    int row_count;
    int element_count;
    int32_t column_room;
    int32_t row_room;
    int32_t element_row_room;
    int32_t element_column_room;
    int32_t element_value_room;
};

#endif
