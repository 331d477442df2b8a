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

/* As a table within the terminal, a CSV file, a document. Owned by the caller (free); null if
 * memory is out. */
char *tradeoff_table(const tradeoff_run *run);
char *tradeoff_csv(const tradeoff_run *run);
char *tradeoff_json(const tradeoff_run *run);

#endif
