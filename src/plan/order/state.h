/* An order of steps with dp's groups, and what another order of some of them would come to. */
#ifndef PLAN_ORDER_STATE_H
#define PLAN_ORDER_STATE_H

#include "plan/dp/dp_range.h"

typedef struct order_state {
    plan_task task;       /* of the program below */
    mbs_program *program; /* a copy, whose steps move */
    candidates list;
    int32_t *cuts; /* group g has steps [cuts[g], cuts[g + 1]) and costs cost[g] */
    double *cost;
    int32_t group_count;
    double objective;      /* the sum of the costs, bytes */
    double work;           /* done so far, in growths of a group */
    int32_t changed_first; /* the steps of the groups that were cut anew last */
    int32_t changed_end;
    int32_t *order; /* room for a move: per step */
    double *bound;  /* of the next few groups from each on, see order_try; below 0: not known */
} order_state;

/* Two blocks of steps that change places: [first, middle) and [middle, end). */
typedef struct order_move {
    int32_t first;
    int32_t middle;
    int32_t end;
} order_move;

/*
 * Sets up the task's program as it is, with dp's groups for traffic; `objective` is infinite if the
 * task's watch ended it. Free with order_close in any case. Errors: MBS_ERR_MEMORY.
 */
mbs_status order_open(order_state *state, const plan_task *task, mbs_error *error);
void order_close(order_state *state);

/* The group that step k is in. */
int32_t order_group_of(const order_state *state, int32_t k);

/*
 * Makes the move if the groups that hold its steps come to less, cut anew; *made says whether.
 * Nothing else changes: all other groups have the same steps, which touch the same tensors in the
 * same order. Errors: MBS_ERR_MEMORY.
 */
mbs_status order_try(bool *made, order_state *state, const order_move *move, mbs_error *error);

/* Makes the move whatever comes of it. Errors: MBS_ERR_MEMORY. */
mbs_status order_force(order_state *state, const order_move *move, mbs_error *error);

/* A copy of the state, but for the room to work in, to go back to; free likewise. Errors:
 * MBS_ERR_MEMORY. */
mbs_status order_save(order_state *saved, const order_state *state, mbs_error *error);
/* Goes back to it; *saved is spent. */
void order_restore(order_state *state, order_state *saved);

/* Cuts the whole program into groups anew, if that gains. Errors: MBS_ERR_MEMORY. */
mbs_status order_cut_anew(order_state *state, mbs_error *error);

#endif
