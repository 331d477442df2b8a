/* The relaxed problem: what its prices and its choices are kept in (lagrange.h says what it is). */
#ifndef PLAN_EXACT_RELAXATION_H
#define PLAN_EXACT_RELAXATION_H

#include "plan/pins.h"

/* The cheapest choices for a tensor up to its latest touch in the growing group. */
typedef struct chain_state {
    int64_t cost[2][2]; /* [is the latest touch's operand resident][was any interval dropped] */
} chain_state;

/*
 * The same of tensors of a row of groups (lagrange_row), from their second touch in the group on:
 * not resident, and so dropped before; resident and never dropped, or dropped; the least of the
 * three.
 */
typedef struct row_chain {
    int64_t read;
    int64_t clean;
    int64_t dirty;
    int64_t any;
} row_chain;

/* What a row of groups has to know of a touch at whatever prices. */
typedef struct row_touch {
    int64_t drop;   /* scaled: to read or write the tensor */
    int64_t enters; /* scaled: what it adds to a group in which it is its tensor's first touch */
    int32_t tensor;
    int32_t previous; /* the step of the touch before; -1: none */
    int32_t earlier;  /* and that of the one before it */
    int32_t producer; /* of a tensor that is not kept, if this is its last touch; else -1 */
} row_touch;

/* What it has to know of a step, side by side with that of the next ones. */
typedef struct row_step {
    int32_t touch_end;
    int32_t coupled_to;
    int32_t phase;
} row_step;

/* At a candidate's prices, scaled: the interval that ends at a touch. */
typedef struct chain_link {
    int64_t begin; /* its first operand resident */
    int64_t keep;  /* the tensor kept from there, and the operand at its end */
} chain_link;

/*
 * Costs are scaled by 2^shift. Rows over steps are indexed [candidate * step_count + step], sums
 * over steps [candidate * (step_count + 1) + step] leave out the step itself.
 */
typedef struct lagrange {
    const plan_task *task;
    bool is_run; /* the task's program is the one that runs */
    candidates list;
    int shift;
    int64_t *need;      /* least footprint of a step: nothing resident, nothing pinned */
    int64_t *end_bytes; /* [candidate * touch_count + touch]: what an operand adds if resident */
    bool *stays;        /* likewise: the interval from there may stay; no step between forbids it */
    int64_t *tight;     /* a capacity that groups within one phase cannot exceed, see tight.h */
    int64_t *price;     /* scaled, per byte of buffer */
    int64_t *price_sum;
    int64_t *slack_sum;  /* of price · (need - capacity) */
    int64_t *tight_sum;  /* of price · (need - tight) */
    int64_t *weight_sum; /* over steps, of parameter bytes */
    int64_t *accumulator_sum;
    int64_t *once_sum;      /* of what one iteration moves besides: program_once_bytes */
    int64_t *shared_sum;    /* bytes of steps that share parameters, accumulators twice */
    pins *pins;             /* of the group that was looked at last */
    int64_t *passes_cost;   /* per step: alone and in passes; in bytes, exact */
    row_chain *chains;      /* per tensor */
    row_touch *touch;       /* per touch */
    row_step *step;         /* per step */
    chain_link *link;       /* [candidate * touch_count + touch] */
    chain_state *history;   /* per touch: room to walk a chain back */
    double *change;         /* per step: room for differences */
    int64_t *highest_price; /* per candidate: more than this buys nothing */
    /* the group whose own capacities stand in `tight`, over phases too; -1 if none */
    int32_t tight_candidate;
    int32_t tight_first;
    int32_t tight_end;
} lagrange;

/* Where candidate c's row over steps begins. */
static inline int64_t lagrange_step_row(const lagrange *l, int32_t c)
{
    return (int64_t)c * l->task->program->step_count;
}

/* Whether it is known what step k writes over, if anything: there is but one such operand. */
static inline bool lagrange_knows_over(const lagrange *l, int32_t k)
{
    const mbs_step *step = &l->task->program->steps[k];
    return l->is_run && l->task->in_place && step->replaceable >= 0 && !step->has_choice;
}

#endif
