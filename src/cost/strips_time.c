/*
 * A step's rows are done in shares, strip by strip. Its product is cut along M, or along K in a
 * weight gradient, in proportion to the step's rows: where a step's rows are not those of the
 * product (the gradient of a strided convolution has more) the shares still add up to the whole
 * product. What comes from DRAM is the rows of a tensor that its group has not had yet, what goes
 * there the rows that were made.
 */
#include "cost/strips_time.h"

#include <string.h>

#include "base/checked.h"
#include "base/memory.h"
#include "cost/array.h"
#include "cost/strips.h"
#include "cost/traffic.h"

typedef struct strip_timer {
    const mbs_plan *plan;
    const mbs_hardware *hardware;
    const mbs_group *group;
    mbs_cost *costs;
    int64_t *moved; /* per strip: activation bytes of the step at hand; all 0 between steps */
} strip_timer;

int64_t cost_row_share(int64_t whole, int64_t n, int64_t rows)
{
    return whole / rows * n + ceil_div(whole % rows * n, rows);
}

static void add_rows(const strip_timer *timer, int32_t tensor, const int32_t *there)
{
    const mbs_tensor *t = &timer->plan->program->tensors[tensor];
    int64_t before = 0;
    for (int64_t i = 0; i < timer->group->strips; i++) {
        const int64_t bytes = strips_row_bytes(t, there[i]);
        timer->moved[i] += bytes - before;
        before = bytes;
    }
}

static void on_arrival(void *context, int32_t touch, const int32_t *there)
{
    const strip_timer *timer = context;
    add_rows(timer, timer->plan->program->touches[touch].tensor, there);
}

static void add_written(const strip_timer *timer, const mbs_step *step, const int32_t *done)
{
    const mbs_program *p = timer->plan->program;
    for (int32_t t = step->write_begin; t < step->touch_end; t++) {
        const int32_t tensor = p->touches[t].tensor;
        if (!plan_writes(timer->plan, t))
            continue;
        if (strips_grows(p, t))
            add_rows(timer, tensor, done);
        else /* its partial sums are complete with the last strip */
            timer->moved[timer->group->strips - 1] += p->tensors[tensor].bytes;
    }
}

step_work cost_row_work(const mbs_plan *plan, const mbs_hardware *hardware, int32_t k,
                        int64_t before, int64_t after)
{
    const mbs_program *p = plan->program;
    const mbs_step *step = &p->steps[k];
    const double part = (double)(after - before) / (double)step->rows;
    step_work work = {.operand_bytes = part * (double)program_operand_bytes(p, k)};
    if (step->gemm.m == 0) {
        work.vector_elements = part * cost_touched_elements(p, k, 1);
        return work;
    }
    mbs_gemm gemm = step->gemm;
    int64_t *cut = gemm.samples_in_k ? &gemm.k : &gemm.m;
    *cut = cost_row_share(*cut, after, step->rows) - cost_row_share(*cut, before, step->rows);
    if (*cut > 0) {
        work.gemm_cycles = array_cycles(&gemm, 1, hardware, plan->double_buffered);
        work.macs = array_macs(&gemm, 1);
    }
    return work;
}

static void on_step(void *context, int32_t k, const int32_t *done)
{
    const strip_timer *timer = context;
    const mbs_step *step = &timer->plan->program->steps[k];
    const step_transfers moved = cost_transfers(timer->plan, timer->group, k);
    const int64_t strips = timer->group->strips;
    mbs_cost *cost = &timer->costs[k - timer->group->first];
    if (step->update.is_update) {
        const step_work work = cost_update_work(timer->plan->program, k);
        cost_add_work(cost, timer->hardware, step, &work, (double)moved.last_only, 1);
        return;
    }
    add_written(timer, step, done);
    for (int64_t i = 0; i < strips; i++) {
        const step_work work =
            cost_row_work(timer->plan, timer->hardware, k, i > 0 ? done[i - 1] : 0, done[i]);
        const double each = (double)(timer->moved[i] + moved.each);
        double usual = (double)timer->plan->batch; /* executions that are not one of the ends */
        if (i == 0) {
            cost_add_work(cost, timer->hardware, step, &work, each + (double)moved.first_only, 1);
            usual--;
        }
        if (i == strips - 1) { /* of the last sample; strips > 1, so it is not the first one too */
            const double last = (double)(moved.again + moved.last_only);
            cost_add_work(cost, timer->hardware, step, &work, each + last, 1);
            usual--;
        }
        cost_add_work(cost, timer->hardware, step, &work, each + (double)moved.again, usual);
    }
    memset(timer->moved, 0, (size_t)strips * sizeof *timer->moved);
}

bool cost_add_strips(mbs_cost *costs, const mbs_plan *plan, const mbs_hardware *hardware,
                     const mbs_group *group)
{
    strip_timer timer = {plan, hardware, group, costs,
                         mem_calloc((size_t)group->strips, sizeof *timer.moved)};
    const strips_watch watch = {on_arrival, on_step, &timer};
    const bool done = timer.moved != NULL && strips_follow(plan->program, group->first, group->end,
                                                           (int32_t)group->strips, &watch);
    mem_free(timer.moved);
    return done;
}
