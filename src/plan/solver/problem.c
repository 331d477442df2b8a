#include "plan/solver/problem.h"

#include "base/memory.h"

solver_problem *solver_create(void)
{
    return mem_calloc(1, sizeof(solver_problem));
}

void solver_free(solver_problem *problem)
{
    if (problem == NULL)
        return;
    for (int i = 0; i < problem->column_count; i++)
        mem_free(problem->columns[i].name);
    for (int i = 0; i < problem->row_count; i++)
        mem_free(problem->rows[i].name);
    mem_free(problem->columns);
    mem_free(problem->rows);
    mem_free(problem->element_row);
    mem_free(problem->element_column);
    mem_free(problem->element_value);
    mem_free(problem);
}

int solver_column(solver_problem *problem, solver_kind kind, double lower, double upper,
                  double cost, const char *name)
{
    problem_column *columns =
        mem_grow(problem->columns, &problem->column_room, problem->column_count, sizeof *columns);
    if (columns == NULL)
        return 0;
    problem->columns = columns;
    char *copy = name == NULL ? NULL : mem_strdup(name);
    if (name != NULL && copy == NULL)
        return 0;
    problem->columns[problem->column_count++] = (problem_column){kind, lower, upper, cost, copy};
    return problem->column_count;
}

int solver_row(solver_problem *problem, double lower, double upper, const char *name)
{
    problem_row *rows =
        mem_grow(problem->rows, &problem->row_room, problem->row_count, sizeof *rows);
    if (rows == NULL)
        return 0;
    problem->rows = rows;
    char *copy = name == NULL ? NULL : mem_strdup(name);
    if (name != NULL && copy == NULL)
        return 0;
    problem->rows[problem->row_count++] = (problem_row){lower, upper, copy};
    return problem->row_count;
}

int solver_column_count(const solver_problem *problem)
{
    return problem->column_count;
}

int solver_row_count(const solver_problem *problem)
{
    return problem->row_count;
}

const char *solver_column_name(const solver_problem *problem, int column)
{
    return problem->columns[column - 1].name;
}

bool solver_element(solver_problem *problem, int row, int column, double value)
{
    const int at = problem->element_count + 1; /* GLPK's arrays begin at 1 */
    int *rows = mem_grow(problem->element_row, &problem->element_row_room, at, sizeof *rows);
    if (rows == NULL)
        return false;
    problem->element_row = rows;
    int *columns =
        mem_grow(problem->element_column, &problem->element_column_room, at, sizeof *columns);
    if (columns == NULL)
        return false;
    problem->element_column = columns;
    double *values =
        mem_grow(problem->element_value, &problem->element_value_room, at, sizeof *values);
    if (values == NULL)
        return false;
    problem->element_value = values;
    rows[at] = row;
    columns[at] = column;
    values[at] = value;
    problem->element_count = at;
    return true;
}
