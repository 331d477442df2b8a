#include "plan/model/model.h"

#include <math.h>

#include "base/checked.h"
#include "base/memory.h"
#include "cost/footprint.h"

/* Solvers compute with doubles, which hold whole numbers up to this. */
#define MAX_EXACT 9007199254740992.0

bool model_is_sound(const model *m)
{
    return !m->failed && !m->too_large;
}

static void check_exact(model *m, double value)
{
    if (isfinite(value) && fabs(value) > MAX_EXACT)
        m->too_large = true;
}

int model_add_column(model *m, model_column column, double upper, double cost, const char *name)
{
    check_exact(m, upper);
    check_exact(m, cost);
    if (!model_is_sound(m))
        return 0;
    int j = solver_column(m->problem, column.binary ? SOLVER_BINARY : SOLVER_REAL, 0, upper, cost,
                          name);
    model_column *columns =
        j == 0 ? NULL : mem_grow(m->columns, &m->column_room, j, sizeof *columns);
    m->failed = columns == NULL;
    if (m->failed)
        return 0;
    m->columns = columns;
    columns[j] = column;
    return j;
}

int model_add_row(model *m, double lower, double upper, const char *name)
{
    if (!model_is_sound(m))
        return 0;
    int i = solver_row(m->problem, lower, upper, name);
    m->failed = i == 0;
    return i;
}

void model_add_element(model *m, int row, int column, double value)
{
    check_exact(m, value);
    if (!model_is_sound(m) || row == 0 || value == 0)
        return;
    m->failed = !solver_element(m->problem, row, column, value);
    if (++m->elements > MODEL_MAX_ELEMENTS)
        m->too_large = true;
}

int64_t model_least_footprint(const model *m, int32_t k, int32_t candidate)
{
    const mbs_step *step = &m->task->program->steps[k];
    const int64_t operands = program_operand_bytes(m->task->program, k);
    const int64_t staged = m->list.sub_batch[candidate] * operands;
    const int64_t streamed = step_parameter_bytes(step) + (step->whole_sample ? operands : 0);
    return m->task->stream ? min_i64(staged, streamed) : staged;
}

void model_free(model *m)
{
    candidates_free(&m->list);
    solver_free(m->problem);
    mem_free(m->columns);
    mem_free(m->choose_row);
    mem_free(m->written_row);
    mem_free(m->run);
    mem_free(m->join);
    mem_free(m->keep);
    mem_free(m->room_row);
    mem_free(m->most);
    mem_free(m->least);
}
