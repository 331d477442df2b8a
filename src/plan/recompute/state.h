/*
 * The search for what to recompute: a set of layers with its program and groups, and what another
 * set would change (model, section 10). A change is local: the steps that differ are found by their
 * signatures, and only the groups with such steps, and their neighbours, are cut anew.
 */
#ifndef PLAN_RECOMPUTE_STATE_H
#define PLAN_RECOMPUTE_STATE_H

#include "network/network.h"
#include "plan/dp/dp_range.h"
#include "plan/recompute/dram.h"

/* What all states have in common; nothing is owned but `list`. */
typedef struct recompute_model {
    const mbs_network *network;
    const program_family *family; /* its programs */
    const mbs_program *plain;     /* the one that recomputes nothing */
    plan_task task;               /* its program is whichever is planned */
    candidates list;
    int32_t layer_count;
    double plain_macs; /* of the program that recomputes nothing, per sample */
    double max_macs;   /* the most that may be added */
    int64_t max_dram;  /* bytes that may be in DRAM at one time, or DRAM_UNLIMITED */
} recompute_model;

/* A set of layers, its program, and the program's groups. */
typedef struct recompute_state {
    unsigned char *set; /* per layer */
    mbs_program *program;
    uint64_t *signature; /* per step */
    int32_t *cuts;       /* group g has steps [cuts[g], cuts[g + 1]) and costs cost[g] */
    double *cost;
    int32_t group_count;
    double objective; /* the sum of the costs */
    double macs;      /* that are added, per sample */
    recompute_dram dram;
} recompute_state;

/* Consecutive steps that are cut anew: in the old program and in the new one. */
typedef struct recompute_window {
    int32_t first;
    int32_t end;
    int32_t new_first;
    int32_t new_end;
    int32_t change_first; /* of these, the steps that differ: in the old program, */
    int32_t change_end;
    int32_t new_change_end; /* and in the new one */
    int32_t group_first;    /* the old groups that it consists of */
    int32_t group_end;
    dp_range range;
} recompute_window;

/* A state's change to another set. */
typedef struct recompute_trial {
    mbs_program *program;
    uint64_t *signature;
    recompute_window window[2]; /* in the forward and in the backward phase */
    int32_t window_count;       /* fewer where they meet, or nothing changes */
    double objective;           /* at most this with the new set; infinite if that is too much */
    double least;               /* if it is: the change of the objective is not below this */
    double macs;
    recompute_dram dram; /* of the groups below, which are there if the objective is finite */
    int32_t *cuts;
    double *cost;
    int32_t group_count;
    int32_t first_layer; /* layers whose steps the windows hold */
    int32_t last_layer;
} recompute_trial;

/* Multiply-accumulates of the program's remat steps, or of all its steps, per sample. */
double recompute_macs(const mbs_program *program, bool remat_only);

/*
 * Sets up *state for `set` (copied) with dp's groups. Free with recompute_state_close in any case.
 * Errors: MBS_ERR_MEMORY and what mbs_program_create says.
 */
mbs_status recompute_state_open(recompute_state *state, const recompute_model *model,
                                const unsigned char *set, mbs_error *error);
void recompute_state_close(recompute_state *state);

/* Per step, whether one of the state's groups begins there; the caller's (mem_free), null if memory
 * is out. */
bool *recompute_starts(const recompute_state *state);

/* Cuts the state's program into groups anew, if that gains and is no further above the limit of
 * DRAM. MBS_ERR_MEMORY. */
mbs_status recompute_cut_anew(recompute_state *state, const recompute_model *model,
                              mbs_error *error);

/* The least that a state needs of DRAM of those that a search came through. */
typedef struct recompute_least {
    int64_t peak;
    unsigned char *set; /* null: there is none yet */
    bool *starts;       /* as of recompute_starts */
} recompute_least;

void recompute_least_free(recompute_least *least);

/* How a change is looked at. */
typedef enum recompute_effort {
    EFFORT_SAME_CUTS, /* groups begin where they did, or where steps begin or end to differ */
    EFFORT_GROUPS,    /* the groups that change are cut anew, */
    EFFORT_MORE       /* and one more on either side */
} recompute_effort;

/*
 * What `set` would come to at most, if that is less than the state's objective and `allowance` (0,
 * or below if it has to gain so much), and within max_macs and max_dram; of a state that is above
 * max_dram, if it is less far above, whatever the objective. Else objective is infinite. Free with
 * recompute_trial_close; or apply, if it is finite.
 */
mbs_status recompute_try(recompute_trial *trial, const recompute_model *model,
                         const recompute_state *state, const unsigned char *set, double allowance,
                         recompute_effort effort, mbs_error *error);
void recompute_trial_close(recompute_trial *trial);

/* Makes the trial's set the state's; the trial is spent. */
void recompute_apply(recompute_state *state, recompute_trial *trial, const recompute_model *model,
                     const unsigned char *set);

#endif
