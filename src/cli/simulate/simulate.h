/* mbsopt simulate: what it runs, and how that is written. */
#ifndef CLI_SIMULATE_SIMULATE_H
#define CLI_SIMULATE_SIMULATE_H

#include <mbsopt/mbsopt.h>

#include "setup.h"

typedef struct simulate_run {
    setup setup;
    mbs_plan_options planning;
    mbs_recompute_options recompute;
    mbs_simulate_options options;
    int64_t slice_bytes; /* in the place of the machine's; -1: that */
    size_t format;
    mbs_plan *plan;
    mbs_simulation found;
    mbs_simulated_part *groups;
    mbs_simulated_part *steps;
} simulate_run;

/* A table for people, and a document with all figures. The caller's (free); null without memory. */
char *simulate_table(const simulate_run *run);
char *simulate_json(const simulate_run *run);

#endif
