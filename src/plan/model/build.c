/* The integer program of a task, built and written for other solvers. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "cost/footprint.h"
#include "plan/model/model.h"
#include "plan/solver/write.h"

/* What moves whatever is chosen but parameters and writes: every read, and the kept tensors. */
static void add_constant(model *m)
{
    const mbs_program *p = m->task->program;
    int64_t bytes = 0;
    for (int32_t k = 0; k < p->step_count; k++)
        for (int32_t t = p->steps[k].touch_begin; t < p->steps[k].write_begin; t++)
            bytes += m->task->batch * p->tensors[p->touches[t].tensor].bytes;
    for (int32_t i = 0; i < p->tensor_count; i++)
        if (p->tensors[i].kept)
            bytes += m->task->batch * p->tensors[i].bytes;
    int j = model_add_column(m, (model_column){.part = MODEL_OTHER}, 1, (double)bytes, "constant");
    model_add_element(m, model_add_row(m, 1, 1, "CONSTANT"), j, 1);
}

/* A step alone that fits whole is never better in passes. */
static void add_step(model *m, int32_t k)
{
    const mbs_program *p = m->task->program;
    const mbs_step *step = &p->steps[k];
    char name[32];
    snprintf(name, sizeof name, "STEP_%d", k);
    m->choose_row[k] = model_add_row(m, 1, 1, name);
    if (model_least_footprint(m, k, 0) <= m->task->capacity)
        return;
    int64_t again = step_passes(step, m->task->capacity, m->task->norm_passes) - 1;
    int64_t bytes = step_parameter_moves(p, k);
    for (int32_t t = step->touch_begin; t < step->write_begin; t++)
        bytes += again * m->task->batch * p->tensors[p->touches[t].tensor].bytes;
    snprintf(name, sizeof name, "p_%d", k);
    int j = model_add_column(m, (model_column){MODEL_PASSES, k, 0, true}, 1, (double)bytes, name);
    model_add_element(m, m->choose_row[k], j, 1);
}

/* A tensor is written unless all its intervals stay. */
static void add_tensor(model *m, int32_t id)
{
    const mbs_program *p = m->task->program;
    const mbs_tensor *tensor = &p->tensors[id];
    char name[32];
    if (tensor->producer < 0 || tensor->kept || tensor->first_touch < 0 ||
        tensor->first_touch == tensor->last_touch)
        return;
    snprintf(name, sizeof name, "w_%d", id);
    int j = model_add_column(m, (model_column){.part = MODEL_OTHER}, 1,
                             (double)(m->task->batch * tensor->bytes), name);
    for (int32_t t = tensor->first_touch; p->touches[t].next >= 0; t = p->touches[t].next) {
        m->written_row[t] = model_add_row(m, 1, INFINITY, NULL);
        model_add_element(m, m->written_row[t], j, 1);
    }
}

static bool allocate(model *m)
{
    const size_t steps = (size_t)m->task->program->step_count;
    const size_t touches = (size_t)m->task->program->touch_count + 1;
    m->problem = solver_create();
    m->choose_row = mem_calloc(steps, sizeof *m->choose_row);
    m->written_row = mem_calloc(touches, sizeof *m->written_row);
    m->run = mem_calloc(steps, sizeof *m->run);
    m->join = mem_calloc(steps, sizeof *m->join);
    m->keep = mem_calloc(touches, sizeof *m->keep);
    m->room_row = mem_calloc(steps, sizeof *m->room_row);
    m->most = mem_calloc(steps + 1, sizeof *m->most);
    m->least = mem_calloc(steps, sizeof *m->least);
    return m->problem != NULL && m->choose_row != NULL && m->written_row != NULL &&
           m->run != NULL && m->join != NULL && m->keep != NULL && m->room_row != NULL &&
           m->most != NULL && m->least != NULL;
}

mbs_status model_build(model *m, const plan_task *task, mbs_error *error)
{
    const mbs_program *p = task->program;
    *m = (model){.task = task};
    if (task->pin && p->shares)
        return error_set(
            error, MBS_ERR_INPUT,
            "network %s: layers share parameters, which the integer program cannot pin "
            "for several steps at once; expected one without pinning (--no-pin)",
            quoted(p->network_name).text);
    if (task->in_place)
        return error_set(error, MBS_ERR_INPUT,
                         "network %s: the integer program knows no steps that write over an "
                         "operand; expected one without (--in-place)",
                         quoted(p->network_name).text);
    mbs_status status = candidates_create(&m->list, task->batch, error);
    if (status != MBS_OK)
        return status;
    if (!allocate(m))
        return error_memory(error);
    for (int32_t k = 0; k < p->step_count && task->pin; k++)
        m->pinnable += step_parameter_bytes(&p->steps[k]);
    add_constant(m);
    for (int32_t k = 0; k < p->step_count; k++)
        add_step(m, k);
    for (int32_t id = 0; id < p->tensor_count; id++)
        add_tensor(m, id);
    for (int32_t c = 0; c < m->list.count && model_is_sound(m); c++) {
        if (plan_watch_is_over(task->watch))
            return plan_watch_stopped(error);
        model_add_candidate(m, c);
    }
    if (m->too_large)
        return error_set(error, MBS_ERR_INPUT,
                         "network %s at mini-batch %" PRId64
                         ": its integer program has more than %" PRId64
                         " entries, or figures that solvers would round",
                         quoted(p->network_name).text, task->batch, MODEL_MAX_ELEMENTS);
    return m->failed ? error_memory(error) : MBS_OK;
}

static bool ends_in(const char *path, const char *ending)
{
    size_t length = strlen(path);
    size_t wanted = strlen(ending);
    return length > wanted && strcmp(path + length - wanted, ending) == 0;
}

mbs_status mbs_plan_export_model(const mbs_program *program, const mbs_hardware *hardware,
                                 const mbs_plan_options *options, const char *path,
                                 mbs_error *error)
{
    const bool lp = ends_in(path, ".lp");
    plan_task task;
    mbs_plan *plan;
    model m;
    char title[256];
    if (!lp && !ends_in(path, ".mps"))
        return error_set(error, MBS_ERR_INPUT, "model file %s: expected a name in .lp or .mps",
                         quoted(path).text);
    mbs_status status = plan_open(&plan, &task, program, hardware, options, "", error);
    if (status != MBS_OK)
        return status;
    plan_watch watch;
    plan_watch_open(&watch, options, false);
    task.watch = &watch;
    status = model_build(&m, &task, error);
    snprintf(title, sizeof title,
             "mbsopt: DRAM bytes of %s, %" PRId64 " samples, %" PRId64 " bytes of buffer",
             quoted(program->network_name).text, task.batch, task.capacity);
    if (status == MBS_OK)
        status = solver_write(m.problem, lp ? SOLVER_LP : SOLVER_MPS, title, path, &watch, error);
    model_free(&m);
    mbs_plan_free(plan);
    return status;
}
