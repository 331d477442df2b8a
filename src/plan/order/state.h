/* An order of steps with dp's groups, and what another order of some of them would come to. */
#ifndef PLAN_ORDER_STATE_H
#define PLAN_ORDER_STATE_H

#include "plan/dp/dp_range.h"

/* Work is counted in growths of one of dp's groups by a step, for traffic. A move that is drawn
 * takes so much, */
#define ORDER_DRAWN 0.5

typedef struct order_state {
    plan_task task;       /* of the program below */
    mbs_program *program; /* a copy, whose steps move */
    candidates list;
    bool *fixed;   /* per step: it is in a strip group, where none moves */
    int32_t *cuts; /* group g has steps [cuts[g], cuts[g + 1]) and costs cost[g], */
    double *cost;  /* fixed ones nothing */
    int32_t group_count;
    double objective; /* the sum of the costs */
    double work;      /* done so far */
    int32_t *order;   /* room for a move: per step */
} order_state;

/* Two blocks of steps that change places: [first, middle) and [middle, end). */
typedef struct order_move {
    int32_t first;
    int32_t middle;
    int32_t end;
} order_move;

/*
 * Sets up the task's program as it is: the strip groups of `fixed`, a plan of it, stay, or none if
 * it is null; all else is cut into dp's groups of whole samples for the task's objective, which is
 * infinite if the task's watch ended it. Free with
 * order_close in any case. Errors: MBS_ERR_MEMORY.
 */
mbs_status order_open(order_state *state, const plan_task *task, const mbs_plan *fixed,
                      mbs_error *error);
void order_close(order_state *state);

/* Whether the objective has fallen below `before` by more than sums of doubles are wrong. */
bool order_gains(const order_state *state, double before);

/* Whether there are such blocks, none is torn from its update, and no step comes before one that it
 * needs. */
bool order_may_move(const order_state *state, const order_move *move);

/*
 * Makes the move, which may be made, unless the groups that hold its steps come to more, cut anew,
 * by more than `slack` of what they do; *made says whether. Nothing else changes: all other groups
 * have the same steps, which touch the same tensors in the same order. Errors: MBS_ERR_MEMORY.
 */
mbs_status order_try(bool *made, order_state *state, const order_move *move, double slack,
                     mbs_error *error);

/* Cuts all that is not fixed into groups anew, where that gains. Errors: MBS_ERR_MEMORY. */
mbs_status order_cut_anew(order_state *state, mbs_error *error);

#endif
