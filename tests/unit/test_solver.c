/* plan/solver: what GLPK is asked and answers. */
#include <check.h>
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "plan/solver/solver.h"
#include "plan/solver/write.h"
#include "run.h"
#include "scratch_folder.h"

#define MOST 8

static double value[MOST];
static double dual[MOST];

/* Solves within `nodes` and frees the problem. */
static solver_result solve(solver_problem *problem, int nodes)
{
    const solver_limits limits = {.nodes = nodes, .work = INT64_MAX, .cutoff = INFINITY};
    solver_result result = {.value = value, .dual = dual};
    mbs_error_clear(&error);
    ck_assert_int_eq(solver_minimise(problem, &limits, &result, &error), MBS_OK);
    solver_free(problem);
    return result;
}

/* At least half of 3, 5 and 7: 3 and 5 cost 8, 7 alone 9, 3 and 7 more. */
START_TEST(finds_the_least)
{
    static const double weight[] = {3, 5, 7};
    static const double cost[] = {4, 4, 9};
    solver_problem *problem = solver_create();
    const int row = solver_row(problem, 7.5, INFINITY, NULL);
    for (int i = 0; i < 3; i++)
        ck_assert(solver_element(
            problem, row, solver_column(problem, SOLVER_BINARY, 0, 1, cost[i], NULL), weight[i]));
    ck_assert_int_eq(solver_row_count(problem), 1);
    ck_assert_int_eq(solver_column_count(problem), 3);
    const solver_result result = solve(problem, 1000);
    ck_assert(result.found && result.relaxed);
    ck_assert(value[1] > 0.5 && value[2] > 0.5 && value[3] < 0.5);
    /* the relaxation takes 2.5 of the 7: a unit more would cost 9/7 */
    ck_assert_double_eq_tol(dual[row], 9.0 / 7, 1e-6);
}
END_TEST

/* Two columns of 0 or 1 do not come to 3, nor to a half, which their relaxation does. */
START_TEST(finds_none_where_there_is_none)
{
    for (int i = 0; i < 2; i++) {
        const double sum = i == 0 ? 3 : 0.5;
        solver_problem *problem = solver_create();
        const int row = solver_row(problem, sum, sum, NULL);
        for (int j = 0; j < 2; j++)
            ck_assert(solver_element(problem, row,
                                     solver_column(problem, SOLVER_BINARY, 0, 1, 1, NULL), 1));
        const solver_result result = solve(problem, 1000);
        ck_assert(!result.found);
        ck_assert_int_eq(result.relaxed, i == 1);
    }
}
END_TEST

START_TEST(nothing_to_choose_is_found)
{
    solver_problem *problem = solver_create();
    ck_assert_int_eq(solver_row(problem, -1, INFINITY, NULL), 1);
    ck_assert(solve(problem, 1000).found);
}
END_TEST

static void assert_written(const solver_problem *problem, solver_format format,
                           const char *const *lines)
{
    char *found;
    size_t length;
    ck_assert_int_eq(solver_write(problem, format, "title", at("model"), NULL, &error), MBS_OK);
    ck_assert_int_eq(file_read(&found, &length, at("model"), &error), MBS_OK);
    for (; *lines != NULL; lines++)
        ck_assert_msg(strstr(found, *lines) != NULL, "%s in\n%s", *lines, found);
    ck_assert_ptr_null(strstr(found, "free "));
    mbs_free(found);
}

/* A column without an upper bound has no line among the bounds of MPS, for 0 is the lower one's. */
START_TEST(columns_without_bounds_are_written)
{
    static const char *const mps[] = {" UP BND half 0.5\n", "BOUNDS\n", "ENDATA", NULL};
    static const char *const lp[] = {"half <= 0.5\n", NULL};
    solver_problem *problem = solver_create();
    const int row = solver_row(problem, 1, INFINITY, "row");
    const int half = solver_column(problem, SOLVER_REAL, 0, 0.5, 2, "half");
    const int any = solver_column(problem, SOLVER_REAL, 0, INFINITY, 3, "any");
    ck_assert(solver_element(problem, row, half, 1) && solver_element(problem, row, any, 1));
    assert_written(problem, SOLVER_MPS, mps);
    assert_written(problem, SOLVER_LP, lp);
    ck_assert(solve(problem, 1000).found);
    ck_assert_double_eq_tol(dual[row], 3, 1e-6);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("solver");
    TCase *tests = tcase_create("solver");
    tcase_add_checked_fixture(tests, enter, leave);
    tcase_add_test(tests, finds_the_least);
    tcase_add_test(tests, finds_none_where_there_is_none);
    tcase_add_test(tests, nothing_to_choose_is_found);
    tcase_add_test(tests, columns_without_bounds_are_written);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
