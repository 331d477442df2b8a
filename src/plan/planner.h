/* What planners are given and what they share (model, section 5). */
#ifndef PLAN_PLANNER_H
#define PLAN_PLANNER_H

#include "cost/schedule.h"
#include "mbsopt/cost.h"
#include "plan/watch.h"

/* One planning task; ranges are checked (cost_check_range). */
typedef struct plan_task {
    const mbs_program *program;
    int64_t batch;
    int64_t capacity; /* the buffer's usable bytes */
    int64_t norm_passes;
    bool pin;
    bool stream;
    bool in_place;                /* steps may write over an operand (section 12) */
    bool strips;                  /* dp, ilp: strip groups, of a split program */
    double gap_percent;           /* of ilp */
    plan_watch *watch;            /* null: it goes on until it is done */
    mbs_objective objective;      /* of dp */
    double weight;                /* MBS_WEIGHTED: bytes that a second is worth */
    const mbs_hardware *hardware; /* for time and energy */
    const mbs_plan *given;        /* dp: a plan whose groups are tried too, as they are; or null */
} plan_task;

/* What is to be least of what something costs, of the task's objective. */
static inline double plan_objective_of(mbs_objective objective, double weight, const mbs_cost *cost)
{
    switch (objective) {
    case MBS_TIME:
        return cost->time_s;
    case MBS_ENERGY:
        return cost->energy_j;
    case MBS_WEIGHTED:
        return cost->dram_bytes + weight * cost->time_s;
    default:
        return cost->dram_bytes;
    }
}

/* Whether groups may be strip groups (section 11). */
static inline bool plan_has_strips(const plan_task *task)
{
    return task->strips && task->program->split && task->program->has_rows;
}

/*
 * A planner fills in groups (without peak_bytes), residency, modes, pinned bytes, outcome and
 * bound_bytes of a fresh plan. Errors: MBS_ERR_MEMORY, MBS_ERR_STOPPED. plan/run/run.c lists the
 * planners.
 */
typedef mbs_status planner_function(mbs_plan *plan, const plan_task *task, mbs_error *error);

/*
 * Checks the options; fills in the task, without a watch, and makes an empty plan for it, which the
 * caller owns. Errors: MBS_ERR_INPUT, MBS_ERR_ARGUMENT, MBS_ERR_MEMORY; *plan is then null.
 */
mbs_status plan_open(mbs_plan **plan, plan_task *task, const mbs_program *program,
                     const mbs_hardware *hardware, const mbs_plan_options *options,
                     const char *planner_name, mbs_error *error);

/* Fills in what follows from a plan's choices: peaks and traffic. Errors: MBS_ERR_MEMORY. */
mbs_status plan_sum_up(mbs_plan *plan, mbs_error *error);

/* The different values of ceil(N/b), ascending, and for each the sub-batch ceil(N/I). */
typedef struct candidates {
    int32_t count;
    int64_t *iterations;
    int64_t *sub_batch;
} candidates;

mbs_status candidates_create(candidates *list, int64_t batch, mbs_error *error);
void candidates_free(candidates *list);

/* The smallest I whose sub-batch is at most `samples`; `samples` must be at least 1. */
int64_t smallest_iterations(int64_t batch, int64_t samples);

/* Appends the group [first, end) with `iterations`. */
mbs_group *plan_add_group(mbs_plan *plan, int32_t first, int32_t end, int64_t iterations);

/* Appends a copy of group `from` of another plan of the same program. */
mbs_group *plan_copy_group(mbs_plan *plan, const mbs_plan *other, int32_t from);

/* Takes off the last group, of whose choices nothing is left. */
void plan_drop_group(mbs_plan *plan);

/* Appends step k as a group of its own with I=1: staged if it fits, else in passes. */
void plan_add_lone_step(mbs_plan *plan, const plan_task *task, int32_t k);

/* Appends step k as a group of its own, in passes. */
void plan_add_passes(mbs_plan *plan, const plan_task *task, int32_t k);

/* What such a group moves. */
int64_t plan_passes_bytes(const plan_task *task, int32_t k);

#endif
