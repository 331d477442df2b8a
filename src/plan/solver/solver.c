#include "plan/solver/solver.h"

#include <glpk.h>
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"

/* GLPK reports its own defects and a failed allocation by aborting; the hook leaves it instead. */
static void leave(void *info)
{
    longjmp(*(jmp_buf *)info, 1);
}

/* Not even its last words before it aborts reach the terminal. */
static int hush(void *info, const char *words)
{
    (void)info;
    (void)words;
    return 1;
}

static int bounds_type(double lower, double upper)
{
    if (isinf(lower))
        return isinf(upper) ? GLP_FR : GLP_UP;
    if (isinf(upper))
        return GLP_LO;
    return lower < upper ? GLP_DB : GLP_FX;
}

static glp_prob *build(const solver_problem *problem)
{
    glp_prob *lp = glp_create_prob();
    if (problem->row_count > 0)
        glp_add_rows(lp, problem->row_count);
    if (problem->column_count > 0)
        glp_add_cols(lp, problem->column_count);
    for (int i = 1; i <= problem->row_count; i++) {
        const problem_row *row = &problem->rows[i - 1];
        glp_set_row_bnds(lp, i, bounds_type(row->lower, row->upper), row->lower, row->upper);
    }
    for (int j = 1; j <= problem->column_count; j++) {
        const problem_column *column = &problem->columns[j - 1];
        glp_set_col_bnds(lp, j, bounds_type(column->lower, column->upper), column->lower,
                         column->upper);
        glp_set_obj_coef(lp, j, column->cost);
        if (column->kind == SOLVER_BINARY)
            glp_set_col_kind(lp, j, GLP_BV);
    }
    if (problem->element_count > 0)
        glp_load_matrix(lp, problem->element_count, problem->element_row, problem->element_column,
                        problem->element_value);
    return lp;
}

typedef struct search_watch {
    const solver_limits *limits;
    double bound;
    int nodes;
    int64_t iteration_work;
} search_watch;

/* Ticks of the simplex iterations so far. */
static int64_t work_done(const search_watch *w, glp_prob *lp)
{
    return glp_get_it_cnt(lp) * w->iteration_work;
}

static void watch(glp_tree *tree, void *info)
{
    search_watch *w = info;
    int best = glp_ios_best_node(tree);
    if (best != 0)
        w->bound = fmax(w->bound, glp_ios_node_bound(tree, best));
    glp_ios_tree_size(tree, NULL, NULL, &w->nodes);
    const solver_limits *limits = w->limits;
    if (w->nodes > limits->nodes || w->bound >= limits->cutoff ||
        work_done(w, glp_ios_get_prob(tree)) >= limits->work ||
        (limits->stop != NULL && limits->stop(limits->context)))
        glp_ios_terminate(tree);
}

mbs_status solver_minimise(solver_problem *problem, const solver_limits *limits,
                           solver_result *result, mbs_error *error)
{
    jmp_buf place;
    if (problem->column_count == 0) { /* GLPK takes this for a defect */
        result->found = true;
        return MBS_OK;
    }
    if (setjmp(place) != 0) {
        glp_free_env(); /* all of GLPK's memory of this thread */
        return error_set(error, MBS_ERR_SOLVER, "GLPK gave up (out of memory, or a defect of it)");
    }
    glp_error_hook(leave, &place);
    glp_term_hook(hush, NULL);
    glp_prob *lp = build(problem);
    glp_iocp options;
    /* an iteration goes over the matrix and the basis */
    search_watch w = {limits, -INFINITY, 0,
                      1 + problem->row_count + problem->column_count + problem->element_count};
    glp_init_iocp(&options);
    options.msg_lev = GLP_MSG_OFF;
    options.tol_int = 1e-9;
    options.gmi_cuts = GLP_ON;
    options.mir_cuts = GLP_ON;
    options.cov_cuts = GLP_ON;
    options.clq_cuts = GLP_ON;
    options.tol_obj = 1e-10; /* costs are bytes: the default would take 100 of 10^9 for equal */
    options.cb_func = watch;
    options.cb_info = &w;
    glp_smcp simplex;
    glp_init_smcp(&simplex);
    simplex.msg_lev = GLP_MSG_OFF;
    simplex.it_lim = (int)min_i64(limits->work / w.iteration_work, INT_MAX);
    glp_scale_prob(lp, GLP_SF_AUTO);
    glp_adv_basis(lp, 0);
    const int code = glp_simplex(lp, &simplex); /* GLPK's presolver is too generous with bounds */
    if (code == 0 && glp_get_status(lp) == GLP_OPT) {
        w.bound = glp_get_obj_val(lp);
        result->relaxed = true;
        for (int i = 1; i <= problem->row_count; i++)
            result->dual[i] = glp_get_row_dual(lp, i);
        glp_intopt(lp, &options);
    }
    result->found = glp_mip_status(lp) == GLP_OPT || glp_mip_status(lp) == GLP_FEAS;
    for (int j = 1; result->found && j <= problem->column_count; j++)
        result->value[j] = glp_mip_col_val(lp, j);
    result->work = work_done(&w, lp);
    glp_delete_prob(lp);
    glp_error_hook(NULL, NULL);
    return MBS_OK;
}

typedef struct isolated {
    solver_body *body;
    void *context;
    mbs_error *error;
    const mbs_allocator *allocator; /* of the thread that waits */
    mbs_status status;
} isolated;

static void *run_isolated(void *argument)
{
    isolated *run = argument;
    mbs_use_allocator(run->allocator);
    if (glp_init_env() > 1) { /* would abort later, at the first call */
        run->status = error_memory(run->error);
        return NULL;
    }
    run->status = run->body(run->context, run->error);
    glp_free_env();
    return NULL;
}

mbs_status solver_isolate(solver_body *body, void *context, mbs_error *error)
{
    isolated run = {body, context, error, mem_allocator(), MBS_OK};
    pthread_t thread;
    if (pthread_create(&thread, NULL, run_isolated, &run) != 0)
        return error_memory(error);
    pthread_join(thread, NULL);
    return run.status;
}
