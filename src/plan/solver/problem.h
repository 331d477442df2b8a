/* An integer program to be solved or written. */
#ifndef PLAN_SOLVER_PROBLEM_H
#define PLAN_SOLVER_PROBLEM_H

#include <stdbool.h>
#include <stdint.h>

typedef enum solver_kind { SOLVER_REAL, SOLVER_BINARY } solver_kind;

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

/*
 * A minimisation over integer and real variables. Rows and columns are numbered from 1.
 * Kept in arrays of our own until it is solved, so that only one call enters GLPK.
 */
typedef struct solver_problem {
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
} solver_problem;

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

#endif
