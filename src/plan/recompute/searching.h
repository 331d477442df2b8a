/*
 * How a search for what to recompute goes from set to set: all moves, and what is known of each in
 * the present state (model, section 10).
 */
#ifndef PLAN_RECOMPUTE_SEARCHING_H
#define PLAN_RECOMPUTE_SEARCHING_H

#include "plan/recompute/front.h"
#include "plan/recompute/moves.h"

/* A move of the present state that was looked at, by the set that it leads to. */
typedef struct searching_seen {
    uint64_t set;
    int32_t epoch;
    int32_t move;
} searching_seen;

/* The first members are the caller's, the others searching_open's. */
typedef struct searching {
    const recompute_model *model;
    recompute_state *state;
    recompute_effort effort; /* of trials */
    double work;             /* left */
    double max_macs;         /* the most that may be added, */
    double price;            /* and what each is worth in the objective; 0: nothing */
    double slack;            /* 0, or what was this much of the objective from gaining when it was
                                last looked at is left alone */
    recompute_front *front;  /* if not null, of the states that it comes through; */
    recompute_least *least;  /* likewise */
    bool fits_enough;        /* it ends where no more than this must be in DRAM: */
    int64_t enough;
    mbs_error *error;

    recompute_layer *layers;
    recompute_move *moves;
    recompute_counts counts; /* of moves, */
    int32_t move_count;      /* and of those that are made: all, unless the caller changes it */
    unsigned char *set;      /* room for a set */
    bool *again;             /* room for a flag per layer */
    searching_seen *seen;
    uint64_t seen_mask;
    int32_t epoch;     /* counts states, and whatever else makes them look different */
    mbs_status status; /* of the first failure */
} searching;

/* A search from *state within all that the model allows; other members are 0. Not open yet. */
static inline searching searching_of(const recompute_model *model, recompute_state *state,
                                     recompute_effort effort, double work, recompute_front *front,
                                     mbs_error *error)
{
    return (searching){.model = model,
                       .state = state,
                       .effort = effort,
                       .work = work,
                       .max_macs = model->max_macs,
                       .front = front,
                       .error = error};
}

/* The state is taken for one that the search comes through. False if memory is out: status. */
bool searching_open(searching *s);
/* Frees all but the caller's; returns the status. */
mbs_status searching_close(searching *s);

/* Whether there is work left, and nothing that ends it. */
bool searching_goes_on(const searching *s);

/* Looks at moves [first, end) of which not enough is known. */
void searching_refresh(searching *s, int32_t first, int32_t end);
/* Makes moves as long as any of which it is known gains, the best first; returns whether any did.
 * With a price a move gains by what the objective falls by beyond what its multiply-accumulates
 * cost, without one those are better that gain more for each. */
bool searching_climb(searching *s);
/* Both, until no move gains. */
void searching_settle(searching *s);

/* What is known of moves is no longer so. */
void searching_forget(searching *s);

/* Puts the set that the move leads to into s->set; false if it changes nothing. */
bool searching_set_of(searching *s, const recompute_move *move);
/* Counts the work that a trial took. */
void searching_count(searching *s, const recompute_trial *trial);
/* Takes the state for one that the search comes through. */
void searching_keep(searching *s);

#endif
