/*
 * A lower bound on the traffic of every plan of every program that recomputes (model, section 10;
 * docs/exact.md): whatever is recomputed, however often, within the limit of multiply-accumulates.
 *
 * The steps of the program without recomputation, the *plain* steps, are in all of these programs,
 * in the same order; what is recomputed comes in the gaps between them (gap k is before step k). A
 * tensor that may be recomputed is, where a step reads it, still in the buffer, read from DRAM, or
 * computed again in a gap before, for which its layer's inputs must be at hand in that gap. Prices
 * take the place of the conditions that bind tensors to each other (Lagrangian relaxation):
 *
 * - on each byte of buffer at each plain step (lagrange.h);
 * - on being at hand for a layer that is computed again: that layer pays the input's price, and the
 *   input, where it is at hand, is paid it (*service*);
 * - on having been written: the write of a tensor is paid in *shares* by what reads it from DRAM,
 *   backward steps and gaps;
 * - on multiply-accumulates, less what the limit allows.
 *
 * Each tensor's cheapest choice is then a chain of its own, all in integers. What recomputation
 * needs of the buffer at its own steps is not counted, and masks that it replaces cost nothing:
 * that makes the bound lower, not wrong.
 */
#ifndef PLAN_JOINT_JOINT_H
#define PLAN_JOINT_JOINT_H

#include "network/network.h"
#include "plan/exact/lagrange.h"

typedef enum joint_kind { JOINT_WRITE, JOINT_READ, JOINT_CELL } joint_kind;

/* Something that concerns a tensor: its step, a step that reads it, or gaps where it may serve. */
typedef struct joint_event {
    int32_t tensor;
    joint_kind kind;
    int32_t time;  /* in groups that contain this step */
    int32_t enter; /* the gap in which it begins, */
    int32_t leave; /* and ends */
    int32_t index; /* its touch, or its cell */
    int32_t share; /* of the write, that a read from DRAM pays; -1: none */
} joint_event;

typedef struct joint_tensor {
    int64_t bytes; /* per sample, */
    int64_t moved; /* and of all samples, scaled */
    int32_t producer;
    int32_t last_required; /* the last step that reads the very tensor */
    bool may_recompute;
    int32_t last_gap;     /* where it, or a copy of it, may be of use; -1: it has no cells */
    int64_t weight_bytes; /* that recomputing it reads */
    int64_t macs;         /* per sample */
    int32_t event_begin;
    int32_t event_end;
    int32_t cell_begin;
    int32_t cell_end;
    int32_t share_begin;
    int32_t share_end;
    int32_t use_begin; /* what its layer reads */
    int32_t use_end;
    int64_t write_cost; /* scaled: what the shares leave of its write */
} joint_tensor;

/* Gaps [first, last] in which a tensor may serve, once. */
typedef struct joint_cell {
    int32_t tensor;
    int32_t first;
    int32_t last;
    int32_t share;          /* of the write, that a read from DRAM there pays; -1: none */
    int32_t begin_share;    /* the same in a group that begins there; -1 too if several may */
    int64_t reward;         /* scaled: for being at hand there */
    int64_t recompute_cost; /* scaled: of computing it there; IMPOSSIBLE (chain.h) if it may not */
} joint_cell;

/* A layer that may be computed again reads `input`. */
typedef struct joint_use {
    int32_t reader;
    int32_t input;
    int32_t link_begin; /* links to the input's cells, from its first on */
    int32_t link_count;
} joint_use;

/* The cheapest choices for a tensor so far. */
typedef enum joint_place {
    JOINT_OUT,
    JOINT_IN,
    JOINT_PROMISED, /* in the buffer, read from DRAM; the next reader pays its share */
    JOINT_PLACES
} joint_place;

#define JOINT_STATES (2 * JOINT_PLACES) /* 2 · place, + 1 if the tensor must be written */

typedef struct joint_chain {
    int64_t cost[JOINT_STATES];
    int64_t value; /* of the cheapest, with its end */
    int32_t leave;
    int32_t row; /* which group's */
} joint_chain;

/* The margin that rules out nothing. */
#define JOINT_EXACT (INT64_MAX / 2)

typedef struct joint {
    plan_task task;
    mbs_program *program; /* the plain steps without masks that may be replaced */
    lagrange l;
    int64_t max_macs;
    joint_tensor *tensors;
    joint_event *events; /* by tensor */
    int32_t event_count;
    int32_t *timed; /* events by time; those of step k from timed_begin[k] on */
    int32_t *timed_begin;
    int32_t *covering; /* events of cells that contain gap k and one before it, likewise */
    int32_t *covering_begin;
    joint_cell *cells;
    int32_t cell_count;
    joint_use *uses;
    int32_t use_count;
    int32_t *cell_link; /* links by cell; those of cell i from cell_link_begin[i] on */
    int32_t *cell_link_begin;
    int32_t link_count;
    int32_t share_count;
    int64_t *service; /* per link, scaled */
    int64_t *share;   /* scaled */
    int64_t mac_price;

    joint_chain *chains;     /* per tensor */
    int32_t row;             /* number of the present group */
    int64_t *passes_cost;    /* per step, scaled: alone and in passes */
    int64_t *distance;       /* per cut between steps */
    int32_t *from;           /* the first step of the last group */
    int32_t *from_candidate; /* or -1: in passes */
    int64_t *bound;          /* of a row */
    int64_t *start_value;    /* per step: of all tensors' gaps in which a group begins there */
    int64_t margin;          /* groups so much worse than others are not looked at further */
    joint_chain *history;    /* per event */
    double *change;          /* per step */
} joint;

/* How the bound changes with each price: its supergradient. */
typedef struct joint_slope {
    double *buffer; /* [candidate * steps + step] */
    double *share;
    double *service;
    double macs;
} joint_slope;

/*
 * `task` is for `plain`, the network's program that recomputes nothing. All prices start at 0.
 * MBS_ERR_MEMORY; MBS_ERR_INPUT without a message if the sizes leave no room for scaled sums. Free
 * with joint_close also on failure.
 */
mbs_status joint_open(joint *j, const mbs_network *network, const mbs_program *plain,
                      const plan_task *task, int64_t max_macs, mbs_error *error);
void joint_close(joint *j);

/* Brings everything up to date after prices changed. */
void joint_update(joint *j);

/*
 * `so_far` and the bounds on the groups [first, e): bound[e], scaled, for all e up to the first
 * step that the candidate cannot run, or to where the margin is exceeded. Returns the last e that
 * has one (first if none has).
 */
int32_t joint_row(joint *j, int32_t c, int32_t first, int64_t so_far, int64_t *bound);

/*
 * The least over all partitions into groups, scaled: a bound on every plan if the margin rules no
 * group out. Leaves the groups in from and from_candidate. INT64_MIN if the task's watch stopped
 * it.
 */
int64_t joint_shortest(joint *j);

/* Adds to the slope what the choice behind the bound of a group, or a step in passes, says. */
void joint_walk(joint *j, int32_t c, int32_t first, int32_t end, joint_slope *slope);

/*
 * A bound, in bytes, on the traffic of every plan that adds at most max_macs per sample; found with
 * a limited amount of work, the same each time, unless the task's watch ends it. It is at most
 * `incumbent`, what a known plan moves.
 */
mbs_status joint_bound(int64_t *bound, const mbs_network *network, const mbs_program *plain,
                       const plan_task *task, int64_t max_macs, int64_t incumbent,
                       mbs_error *error);

/*
 * A bound on the traffic of every plan of every program that adds at most max_percent of
 * multiply-accumulates, whatever it recomputes; 0 if none was found. Ends when `watch` says so.
 */
mbs_status joint_network_bound(int64_t *bound, const mbs_network *network,
                               const mbs_program_options *program_options,
                               const mbs_hardware *hardware, const mbs_plan_options *options,
                               double max_percent, int64_t incumbent, plan_watch *watch,
                               mbs_error *error);

#endif
