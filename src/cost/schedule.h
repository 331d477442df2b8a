/* A plan's data (model, section 4): the one schedule type of all planners. */
#ifndef COST_SCHEDULE_H
#define COST_SCHEDULE_H

#include <stdbool.h>

#include "cost/origin.h"
#include "mbsopt/plan.h"
#include "program/program.h"

typedef struct mbs_group {
    int32_t first; /* steps [first, end) */
    int32_t end;
    int64_t iterations;
    int64_t sub_batch;
    int64_t
        strips; /* T, strips of rows per sample: iterations N·T (section 11); 1: whole samples */
    int64_t passes;
    int64_t peak_bytes;
} mbs_group;

struct mbs_plan {
    const mbs_program *program;
    mbs_program *owned_program; /* the same, if the plan frees it; else null */
    char *planner_name;
    mbs_outcome outcome;
    mbs_objective objective; /* what the outcome is said of; the bound is one of bytes */
    int64_t batch;
    int64_t buffer_bytes;   /* the whole buffer */
    int64_t reserved_bytes; /* of it, not for use */
    int64_t norm_passes;
    bool double_buffered; /* the array loads the next weights while it computes (section 7) */
    int64_t bound_bytes;  /* 0: none known */
    int64_t given_bytes;  /* what the plan in the given order moves, where another was searched for
                             (section 14); 0: none was, */
    int64_t given_bound_bytes; /* and no plan in that order moves less than this; 0: not known */
    mbs_group *groups;         /* in step order, covering all steps */
    int32_t group_count;
    bool *resident;              /* per touch: the interval that begins there stays in the buffer */
    mbs_mode *mode;              /* per step */
    int32_t *over;               /* per step: the touch of the operand that what it writes first is
                                    written over (section 12); -1: none */
    int64_t *pinned_weight;      /* per step, bytes */
    int64_t *pinned_accumulator; /* per step, bytes */
    mbs_traffic traffic;
    plan_origin origin;
};

/*
 * A plan of `program` without groups: nothing resident, every step staged, nothing written over or
 * pinned. Room for as many groups as there are steps. Null if memory is out. Free with
 * mbs_plan_free.
 */
mbs_plan *plan_allocate(const mbs_program *program, const char *planner_name);

/* The same for the program, batch, buffer and machine that another plan is for. */
mbs_plan *plan_allocate_like(const mbs_plan *other, const char *planner_name);

/* Each gets the other's groups, residency, modes and pinned bytes; both are of one program. */
void plan_exchange_choices(mbs_plan *plan, mbs_plan *other);

/* Whether the tensor of touch t is in the buffer before its step: it has stayed since its previous
 * touch. */
static inline bool plan_arrives(const mbs_plan *plan, int32_t t)
{
    const int32_t previous = plan->program->touches[t].previous;
    return previous >= 0 && plan->resident[previous];
}

/*
 * The touch that writes over what touch t reads: of the step of touch t, if that writes over it;
 * else -1. And whether touch t writes over an operand.
 */
static inline int32_t plan_overwriter(const mbs_plan *plan, int32_t t)
{
    const int32_t k = plan->program->touches[t].step;
    return plan->over[k] == t ? plan->program->steps[k].write_begin : -1;
}

static inline bool plan_overwrites(const mbs_plan *plan, int32_t t)
{
    const int32_t k = plan->program->touches[t].step;
    return plan->over[k] >= 0 && plan->program->steps[k].write_begin == t;
}

/* The group of step k. O(log groups). */
int32_t plan_group_of(const mbs_plan *plan, int32_t k);

#endif
