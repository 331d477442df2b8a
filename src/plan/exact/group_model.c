#include "plan/exact/group_model.h"

#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "cost/footprint.h"
#include "plan/solver/solver.h"

/* Powers of two that bring costs and footprints near 1 for the solver without rounding them. */
#define COST_UNIT      4096.0
#define FOOTPRINT_UNIT 262144.0

typedef struct group_model {
    const pricing *with;
    const column *column;
    solver_problem *problem;
    int32_t touch_begin; /* of the group */
    int32_t touch_end;
    int *stays;        /* per touch of the group: the column of the interval that begins there */
    int *capacity_row; /* per step of the group, 0 if it cannot bind */
    int64_t base;      /* bytes moved with nothing resident, written or pinned */
    bool failed;       /* memory is out */
} group_model;

static int64_t sub_batch(const group_model *m)
{
    return m->with->l->list.sub_batch[m->column->candidate];
}

static int64_t again(const group_model *m)
{
    return m->with->l->list.iterations[m->column->candidate] - 1;
}

static int add_column(group_model *m, solver_kind kind, double upper, double cost)
{
    int j = solver_column(m->problem, kind, 0, upper, cost / COST_UNIT, NULL);
    m->failed = m->failed || j == 0;
    return j;
}

static int add_row(group_model *m, double lower, double upper)
{
    int i = solver_row(m->problem, lower, upper, NULL);
    m->failed = m->failed || i == 0;
    return i;
}

static void add_element(group_model *m, int row, int variable, double value)
{
    if (!m->failed && row != 0 && value != 0)
        m->failed = !solver_element(m->problem, row, variable, value);
}

/* The next touch of touch t's tensor if it is in the group, else -1. */
static int32_t next_inside(const group_model *m, int32_t t)
{
    int32_t next = m->with->l->task->program->touches[t].next;
    return next < m->touch_end ? next : -1;
}

static int32_t previous_inside(const group_model *m, int32_t t)
{
    int32_t previous = m->with->l->task->program->touches[t].previous;
    return previous >= m->touch_begin ? previous : -1;
}

/* The footprint that the step has with everything resident, at most. */
static int64_t fullest(const group_model *m, int32_t k, int64_t crossing)
{
    const mbs_program *p = m->with->l->task->program;
    return sub_batch(m) * (program_operand_bytes(p, k) + crossing);
}

/* Per sample: the step's operands, without what it may write over one of them (section 12). */
static int64_t own_operands(const group_model *m, int32_t k)
{
    const mbs_program *p = m->with->l->task->program;
    const bool over = lagrange_over(m->with->l, k) != OVER_NONE;
    return program_operand_bytes(p, k) -
           (over ? p->tensors[p->touches[p->steps[k].write_begin].tensor].bytes : 0);
}

/* The footprint that step k of this group cannot exceed. */
static int64_t reachable(const group_model *m, int32_t k)
{
    const lagrange *l = m->with->l;
    return lagrange_is_tight(l, m->column->candidate, m->column->first, m->column->end)
               ? l->tight[(int64_t)m->column->candidate * l->task->program->step_count + k]
               : l->task->capacity;
}

/* Capacity rows, for the steps where they can bind with `pinnable` bytes pinned. */
static void add_capacity_rows(group_model *m, int64_t pinnable)
{
    const mbs_program *p = m->with->l->task->program;
    int64_t crossing = 0;
    for (int32_t k = m->column->first; k < m->column->end; k++) {
        const mbs_step *step = &p->steps[k];
        for (int32_t t = step->touch_begin; t < step->touch_end; t++)
            if (previous_inside(m, t) >= 0)
                crossing -= p->tensors[p->touches[t].tensor].bytes;
        const int64_t capacity = reachable(m, k);
        if (fullest(m, k, crossing) + pinnable > capacity) {
            double room = (double)(capacity - sub_batch(m) * own_operands(m, k));
            m->capacity_row[k - m->column->first] = add_row(m, -INFINITY, room / FOOTPRINT_UNIT);
        }
        for (int32_t t = step->touch_begin; t < step->touch_end; t++)
            if (next_inside(m, t) >= 0)
                crossing += p->tensors[p->touches[t].tensor].bytes;
    }
}

static int row_of(const group_model *m, int32_t k)
{
    return m->capacity_row[k - m->column->first];
}

/* The interval from touch t to the next: stays or is read again; `written` is its tensor's column.
 */
static void add_interval(group_model *m, int32_t t, int32_t next, int written)
{
    const mbs_program *p = m->with->l->task->program;
    const int64_t bytes = p->tensors[p->touches[t].tensor].bytes;
    const double held = (double)(sub_batch(m) * bytes) / FOOTPRINT_UNIT;
    const bool may = m->with->l->stays[(int64_t)m->column->candidate * p->touch_count + t];
    int j = add_column(m, SOLVER_BINARY, may ? 1 : 0, -(double)(m->with->l->task->batch * bytes));
    m->base += m->with->l->task->batch * bytes;
    m->stays[t - m->touch_begin] = j;
    for (int32_t k = p->touches[t].step + 1; k < p->touches[next].step; k++)
        add_element(m, row_of(m, k), j, held);
    const int32_t begin = p->touches[t].step;
    if (lagrange_knows_over(m->with->l, begin) && t == p->steps[begin].replaceable)
        add_element(m, row_of(m, begin), j, held); /* what goes over it otherwise */
    if (written != 0) {
        int row = add_row(m, 1, INFINITY);
        add_element(m, row, written, 1);
        add_element(m, row, j, 1);
    }
}

/* The tensor first touched at t: what moves anyhow, and its intervals. */
static void add_tensor(group_model *m, int32_t t, bool reads)
{
    const mbs_program *p = m->with->l->task->program;
    const mbs_tensor *tensor = &p->tensors[p->touches[t].tensor];
    const int64_t bytes = m->with->l->task->batch * tensor->bytes;
    int written = 0;
    if (reads || tensor->kept || tensor->last_touch >= m->touch_end)
        m->base += bytes;
    else if (next_inside(m, t) >= 0)
        written = add_column(m, SOLVER_REAL, 1, (double)bytes);
    for (int32_t next = next_inside(m, t); next >= 0; t = next, next = next_inside(m, next))
        add_interval(m, t, next, written);
}

/*
 * The step may stream: its row has the staged operands; streaming takes them off and puts the
 * parameters and what is resident back on.
 */
static void add_mode(group_model *m, int32_t k)
{
    const mbs_program *p = m->with->l->task->program;
    const mbs_step *step = &p->steps[k];
    const int64_t operands = own_operands(m, k);
    const bool over = lagrange_over(m->with->l, k) != OVER_NONE;
    const int64_t streamed = step_parameter_bytes(step) + (step->whole_sample ? operands : 0);
    const int64_t samples = sub_batch(m) - step->whole_sample;
    if (!m->with->l->task->stream || row_of(m, k) == 0 || streamed >= sub_batch(m) * operands)
        return;
    int mode = add_column(m, SOLVER_BINARY, 1, 0);
    add_element(m, row_of(m, k), mode,
                (double)(streamed - sub_batch(m) * operands) / FOOTPRINT_UNIT);
    for (int32_t t = step->touch_begin; t < step->touch_end && samples > 0; t++) {
        int32_t ends[2] = {previous_inside(m, t), next_inside(m, t) >= 0 ? t : -1};
        if ((ends[0] < 0 && ends[1] < 0) || (over && t == step->write_begin))
            continue;
        int operand = add_column(m, SOLVER_REAL, 1, 0);
        int64_t bytes = samples * p->tensors[p->touches[t].tensor].bytes;
        add_element(m, row_of(m, k), operand, (double)bytes / FOOTPRINT_UNIT);
        for (int i = 0; i < 2; i++) {
            if (ends[i] < 0)
                continue;
            int row = add_row(m, -1, INFINITY); /* operand >= stays + mode - 1 */
            add_element(m, row, operand, 1);
            add_element(m, row, m->stays[ends[i] - m->touch_begin], -1);
            add_element(m, row, mode, -1);
        }
    }
}

static void add_pins(group_model *m)
{
    pin_walk walk = pins_begin(m->with->l->pins, again(m) + 1);
    for (pin_share share; (share = pins_next(&walk)).saves > 0;) {
        int j = add_column(m, SOLVER_REAL, (double)share.bytes / FOOTPRINT_UNIT,
                           -(double)share.saves * FOOTPRINT_UNIT);
        for (int32_t k = m->column->first; k < m->column->end; k++)
            add_element(m, row_of(m, k), j, 1);
    }
}

static void build(group_model *m)
{
    const lagrange *l = m->with->l;
    const mbs_program *p = l->task->program;
    const column *c = m->column;
    pins_move(l->pins, c->first, c->end);
    const int64_t pinnable = l->task->pin ? pins_worthwhile(l->pins, again(m) + 1) : 0;
    add_capacity_rows(m, min_i64(pinnable, l->task->capacity));
    m->base += lagrange_parameter_moves(l, c->candidate, c->first, c->end);
    for (int32_t k = c->first; k < c->end; k++)
        for (int32_t t = p->steps[k].touch_begin; t < p->steps[k].touch_end; t++)
            if (previous_inside(m, t) < 0)
                add_tensor(m, t, t < p->steps[k].write_begin);
    for (int32_t k = c->first; k < c->end; k++)
        add_mode(m, k);
    if (pinnable > 0)
        add_pins(m);
}

static void read_proposal(const group_model *m, const solver_result *result,
                          group_proposal *proposal)
{
    const int32_t touches = m->touch_end - m->touch_begin;
    proposal->found = result->found;
    for (int32_t t = 0; t < touches && result->found; t++)
        proposal->resident[t] = m->stays[t] != 0 && result->value[m->stays[t]] > 0.5;
    proposal->priced = result->relaxed;
    for (int32_t k = 0; k < m->column->end - m->column->first && result->relaxed; k++) {
        const int row = m->capacity_row[k];
        /* a row that is full from above has a dual that is not positive */
        proposal->price[k] =
            row == 0 ? 0 : fmax(0, -result->dual[row] * COST_UNIT / FOOTPRINT_UNIT);
    }
}

static mbs_status solve(const group_model *m, int nodes, group_proposal *proposal, mbs_error *error)
{
    const pricing *with = m->with;
    plan_watch *watch = with->l->task->watch;
    double *value = mem_alloc(((size_t)solver_column_count(m->problem) + 1) * sizeof *value);
    double *dual = mem_alloc(((size_t)solver_row_count(m->problem) + 1) * sizeof *dual);
    mbs_status status = MBS_OK;
    if (value == NULL || dual == NULL) {
        status = error_memory(error);
    } else {
        const double cutoff = (double)lagrange_bytes(with->l, with->cutoff) - (double)m->base;
        const solver_limits limits = {.nodes = nodes,
                                      .work = plan_watch_work_left(watch),
                                      .cutoff = cutoff / COST_UNIT,
                                      .stop = with->stop,
                                      .context = with->context};
        solver_result result = {.value = value, .dual = dual};
        status = solver_minimise(m->problem, &limits, &result, error);
        plan_watch_work(watch, result.work);
        if (status == MBS_OK)
            read_proposal(m, &result, proposal);
    }
    mem_free(value);
    mem_free(dual);
    return status;
}

mbs_status group_model_solve(const pricing *with, const column *group, int nodes,
                             group_proposal *proposal, mbs_error *error)
{
    const mbs_step *steps = with->l->task->program->steps;
    group_model m = {.with = with,
                     .column = group,
                     .touch_begin = steps[group->first].touch_begin,
                     .touch_end = steps[group->end - 1].touch_end};
    m.problem = solver_create();
    m.stays = mem_calloc((size_t)(m.touch_end - m.touch_begin) + 1, sizeof *m.stays);
    m.capacity_row = mem_calloc((size_t)(group->end - group->first), sizeof *m.capacity_row);
    m.failed = m.problem == NULL || m.stays == NULL || m.capacity_row == NULL;
    if (!m.failed)
        build(&m);
    mbs_status status = m.failed ? error_memory(error) : solve(&m, nodes, proposal, error);
    solver_free(m.problem);
    mem_free(m.stays);
    mem_free(m.capacity_row);
    return status;
}
