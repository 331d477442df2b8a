/* From a solution of the integer program to a plan, recomputed in whole bytes. */
#include <inttypes.h>

#include "base/error.h"
#include "base/memory.h"
#include "cost/footprint.h"
#include "plan/groups.h"
#include "plan/model/model.h"

#define NONE   (-1)
#define PASSES (-2)

typedef struct decoder {
    const model *m;
    const double *value; /* per column */
    const char *label;   /* of the file, for messages */
    mbs_plan *plan;
    int32_t *choice; /* per step: its candidate, PASSES or NONE */
    bool *joined;    /* per step: j says that the group before goes on */
    int32_t *group;  /* per step: its group */
    mbs_error *error;
} decoder;

static mbs_status choose(decoder *d, int32_t k, int32_t choice)
{
    if (d->choice[k] != NONE)
        return error_set(d->error, MBS_ERR_INPUT,
                         "solution %s: step %d %s runs in more than one way", quoted(d->label).text,
                         k, quoted(d->m->task->program->steps[k].name).text);
    d->choice[k] = choice;
    return MBS_OK;
}

/* Takes from the columns what each step does and which steps are joined. */
static mbs_status read_steps(decoder *d)
{
    const int32_t steps = d->m->task->program->step_count;
    mbs_status status = MBS_OK;
    for (int32_t k = 0; k < steps; k++)
        d->choice[k] = NONE;
    for (int j = 1; j <= solver_column_count(d->m->problem) && status == MBS_OK; j++) {
        const model_column *column = &d->m->columns[j];
        if (d->value[j] < 0.5)
            continue;
        if (column->part == MODEL_RUN)
            status = choose(d, column->item, column->candidate);
        else if (column->part == MODEL_PASSES)
            status = choose(d, column->item, PASSES);
        else if (column->part == MODEL_JOIN)
            d->joined[column->item] = true;
    }
    for (int32_t k = 0; k < steps && status == MBS_OK; k++)
        if (d->choice[k] == NONE)
            status = error_set(d->error, MBS_ERR_INPUT,
                               "solution %s: step %d %s does not run; is it a solution for this "
                               "network and these options?",
                               quoted(d->label).text, k,
                               quoted(d->m->task->program->steps[k].name).text);
    return status;
}

/*
 * Equal neighbours are one group, which is never worse where nothing is pinned; where parameters
 * may be, the joins tell.
 */
static bool begins_group(const decoder *d, int32_t k)
{
    const int32_t choice = d->choice[k];
    if (k == 0 || choice == PASSES || choice != d->choice[k - 1])
        return true;
    return d->m->pinnable > 0 && d->m->list.iterations[choice] > 1 && !d->joined[k];
}

static void make_groups(decoder *d)
{
    const plan_task *task = d->m->task;
    mbs_group *group = NULL;
    for (int32_t k = 0; k < task->program->step_count; k++) {
        if (d->choice[k] == PASSES)
            plan_add_passes(d->plan, task, k);
        else if (begins_group(d, k))
            group = plan_add_group(d->plan, k, k + 1, d->m->list.iterations[d->choice[k]]);
        else if (group != NULL) /* the first step begins one */
            group->end = k + 1;
        d->group[k] = d->plan->group_count - 1;
    }
}

static mbs_status read_residency(decoder *d)
{
    const mbs_program *p = d->m->task->program;
    for (int j = 1; j <= solver_column_count(d->m->problem); j++) {
        const model_column *column = &d->m->columns[j];
        if (column->part != MODEL_KEEP || d->value[j] < 0.5)
            continue;
        const mbs_touch *touch = &p->touches[column->item];
        const int32_t from = touch->step;
        const int32_t to = p->touches[touch->next].step;
        if (d->group[from] != d->group[to] || d->choice[from] != column->candidate)
            return error_set(d->error, MBS_ERR_INPUT,
                             "solution %s: %s keeps tensor %s in the buffer from step %d to %d, "
                             "which are not in one group with its iterations",
                             quoted(d->label).text, solver_column_name(d->m->problem, j),
                             quoted(p->tensors[touch->tensor].name).text, from, to);
        d->plan->resident[column->item] = true;
    }
    return MBS_OK;
}

static mbs_status finish_groups(decoder *d)
{
    const plan_task *task = d->m->task;
    for (int32_t g = 0; g < d->plan->group_count; g++) {
        const mbs_group *group = &d->plan->groups[g];
        if (d->choice[group->first] == PASSES)
            continue;
        group_choose_modes(d->plan, task, group);
        int64_t peak = plan_group_peak(d->plan, group);
        if (peak > task->capacity)
            return error_set(d->error, MBS_ERR_INPUT,
                             "solution %s: steps %d to %d need %" PRId64
                             " bytes of the buffer, which has %" PRId64,
                             quoted(d->label).text, group->first, group->end - 1, peak,
                             task->capacity);
        group_pin(d->plan, task, group);
    }
    return MBS_OK;
}

static mbs_status decode(decoder *d)
{
    const size_t steps = (size_t)d->m->task->program->step_count;
    d->choice = mem_alloc(steps * sizeof *d->choice);
    d->group = mem_alloc(steps * sizeof *d->group);
    d->joined = mem_calloc(steps, sizeof *d->joined);
    if (d->choice == NULL || d->group == NULL || d->joined == NULL)
        return error_memory(d->error);
    mbs_status status = read_steps(d);
    if (status != MBS_OK)
        return status;
    make_groups(d);
    status = read_residency(d);
    return status == MBS_OK ? finish_groups(d) : status;
}

static mbs_status import_into(mbs_plan *plan, const plan_task *task, const char *path,
                              mbs_error *error)
{
    model m;
    double *value = NULL;
    mbs_status status = model_build(&m, task, error);
    if (status == MBS_OK) {
        value = mem_calloc((size_t)solver_column_count(m.problem) + 1, sizeof *value);
        status = value == NULL ? error_memory(error) : solution_read(value, &m, path, error);
    }
    if (status == MBS_OK) {
        decoder d = {.m = &m, .value = value, .label = path, .plan = plan, .error = error};
        status = decode(&d);
        mem_free(d.choice);
        mem_free(d.group);
        mem_free(d.joined);
    }
    mem_free(value);
    model_free(&m);
    return status;
}

mbs_status plan_import(mbs_plan **out, const mbs_program *program, const mbs_hardware *hardware,
                       const mbs_plan_options *options, const char *path, mbs_error *error)
{
    plan_task task;
    mbs_plan *plan;
    *out = NULL;
    mbs_status status = plan_open(&plan, &task, program, hardware, options, "imported", error);
    if (status == MBS_OK)
        status = import_into(plan, &task, path, error);
    if (status == MBS_OK)
        status = plan_sum_up(plan, error);
    if (status != MBS_OK) {
        mbs_plan_free(plan);
        return status;
    }
    plan->outcome = MBS_FEASIBLE;
    *out = plan;
    return MBS_OK;
}
