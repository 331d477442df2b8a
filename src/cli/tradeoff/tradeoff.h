/* mbsopt tradeoff: plans between least traffic and least time. */
#ifndef CLI_TRADEOFF_TRADEOFF_H
#define CLI_TRADEOFF_TRADEOFF_H

#include "setup.h"

typedef struct tradeoff_row {
    const char *how;    /* the options of plan that make it, owned by the row */
    double weight_gb_s; /* INFINITY: time alone; 0: traffic alone */
    int64_t bytes;
    mbs_cost cost;
    mbs_plan *plan;
} tradeoff_row;

typedef struct tradeoff_run {
    setup setup;
    mbs_options options;
    tradeoff_row baseline;
    tradeoff_row *rows;
    size_t count;
} tradeoff_run;

/* ---- make.c ---- */

/* --points into *points, which it leaves without it. Says what is wrong; returns the exit status.
 */
int tradeoff_points(size_t *points, const arguments *given);

/* Plans the setup's network as the options say: baseline, and at most `points` plans. Says what is
 * wrong; returns the exit status. Free in any case. */
int tradeoff_make(tradeoff_run *run, size_t points);
/* All but the setup, which is the caller's. */
void tradeoff_free(tradeoff_run *run);

/* ---- write.c ---- */

/* As a table within the terminal, a CSV file, a document. Owned by the caller (free); null if
 * memory is out. */
char *tradeoff_table(const tradeoff_run *run);
char *tradeoff_csv(const tradeoff_run *run);
char *tradeoff_json(const tradeoff_run *run);

#endif
