/* What a plan's traffic is made of, and why each part of it must be (model, section 4). */
#ifndef EXPLAIN_MOVES_H
#define EXPLAIN_MOVES_H

#include "cost/schedule.h"

/* Why activations and gradients go to DRAM or come from it. */
typedef enum move_reason {
    MOVE_INPUT,   /* a network input: it is there from the start */
    MOVE_STASHED, /* made in the forward phase, read in the backward phase */
    MOVE_LATER,   /* read by a later group */
    MOVE_DROPPED, /* read again in the group itself, which does not keep it */
    MOVE_PASSES,  /* read once more for each further pass of a step in passes */
    MOVE_RESULT,  /* what the network is run for: inference */
    MOVE_REASON_COUNT
} move_reason;

typedef enum mover_kind {
    MOVER_TENSOR,
    MOVER_WEIGHTS,
    MOVER_ACCUMULATORS,
    MOVER_STATE,
    MOVER_KIND_COUNT
} mover_kind;

/* A tensor, or a step's parameters, their accumulators or an update's state and masters, and the
 * bytes of it that are moved. */
typedef struct mover {
    mover_kind kind;
    int32_t index; /* of the tensor, or the step */
    int64_t read;
    int64_t written;
} mover;

typedef struct moves {
    int64_t read[MOVE_REASON_COUNT]; /* activations, likewise below */
    int64_t written[MOVE_REASON_COUNT];
    int64_t weight_once;    /* every parameter that the steps read, once */
    int64_t weight_again;   /* by the iterations after the first */
    int64_t weight_spared;  /* what these would read besides if nothing were pinned */
    int64_t gradient_once;  /* every accumulator, written once, and read for updates */
    int64_t gradient_again; /* written, and read, by the iterations after the first */
    int64_t gradient_spared;
    int64_t gradient_handed; /* what updates would read, and others write for them, if no step
                                handed its gradient on */
    int64_t state_read;      /* by updates, likewise; weights that have no masters, too */
    int64_t state_written;   /* and weights besides masters */
    mover *movers;           /* all that move anything, those that move most first */
    int32_t count;
} moves;

/* The reason as a word in documents. */
const char *move_reason_name(move_reason reason);

static inline int64_t mover_bytes(const mover *of)
{
    return of->read + of->written;
}

/*
 * What groups [first, end) of the plan move. *found is the caller's (moves_free), also after a
 * failure. O(touches · log touches + the tensors' touches). The only error is MBS_ERR_MEMORY.
 */
mbs_status moves_find(moves *found, const mbs_plan *plan, int32_t first, int32_t end,
                      mbs_error *error);
void moves_free(moves *found);

/* Why touch t of the group reads its tensor from DRAM; only if it does (not plan_arrives). */
move_reason move_read_reason(const mbs_plan *plan, const mbs_group *group, int32_t t);

/* Why what touch t of the group writes goes to DRAM; only if it does (plan_writes). */
move_reason move_write_reason(const mbs_plan *plan, const mbs_group *group, int32_t t);

#endif
