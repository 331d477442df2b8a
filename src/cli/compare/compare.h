/* Planners side by side on some networks: what `mbsopt compare` finds out and how it is written. */
#ifndef CLI_COMPARE_H
#define CLI_COMPARE_H

#include <mbsopt/mbsopt.h>

#include "lists.h"
#include "setup.h"

#define COMPARE_ROWS (2 * MBS_PLANNER_COUNT)

/* One planner on one network, or its geometric means. Ratios are to the planner baseline. */
typedef struct compare_row {
    mbs_planner planner;
    /* the planner's, dp's objective if it is not traffic, what is recomputed, "-no-strips" */
    char name[32];
    bool recomputes;
    double extra_macs; /* of what is recomputed, in percent */
    mbs_outcome outcome;
    mbs_traffic traffic;
    int64_t bound_bytes; /* 0: none known */
    int64_t given_bytes; /* in the network's own order of steps; 0: no other was searched for */
    mbs_dram_peak dram_peak;
    mbs_cost cost;
    double traffic_ratio;
    double speedup;
    double energy_ratio;
    double utilisation;
} compare_row;

typedef struct compare_network {
    char *name;
    bool is_whole; /* false: a signal came before all rows were there */
    size_t replaced_batch_norms;
    compare_row rows[COMPARE_ROWS]; /* as the planners are listed */
} compare_network;

typedef struct comparison {
    setup setup; /* the machine and the batch; each network in turn */
    mbs_plan_options options;
    bool ilp_is_short;         /* its own limit of work is too long for one planner of many */
    planner_list planners;     /* one per row */
    bool strips[COMPARE_ROWS]; /* per row: the plan may have groups of strips */
    mbs_objective objectives[COMPARE_ROWS];
    bool recomputes[COMPARE_ROWS]; /* per row: the planner's last, with: */
    mbs_recompute_options recompute;
    compare_network *networks;
    size_t network_count;
    compare_row means[COMPARE_ROWS]; /* geometric, over the networks */
} comparison;

/* ---- plans.c ---- */

/*
 * Plans a network, which is borrowed, with every planner. Unless a signal comes it is whole then,
 * and its name is to be freed. Says what is wrong; returns the exit status.
 */
int compare_make(comparison *of, compare_network *network, const mbs_network *planned);

/* The same of the operand `path`. */
int compare_load(comparison *of, compare_network *network, const arguments *given,
                 const char *path);

/* ---- figures.c: nothing here prints or reads files ---- */

/*
 * dp gets a row without strips before its own where it takes them, and every planner that
 * recomputes one behind its own if anything is recomputed.
 */
void compare_add_rows(comparison *of);

/* Adds a row at the end, for a planner whose plans may have strips if it takes them. */
void compare_add_row(comparison *of, mbs_planner planner, mbs_objective objective);

/* Fills in the row's ratios from its costs and those of the baseline. */
void compare_relate(compare_row *row, const compare_row *baseline);

/* Fills in the means. */
void compare_average(comparison *of);

/* ---- write.c ---- */

typedef enum compare_format { COMPARE_TABLE, COMPARE_CSV, COMPARE_JSON } compare_format;

/* The comparison as text, owned by the caller (free); null if memory is out. */
char *compare_text(const comparison *of, compare_format format);

#endif
