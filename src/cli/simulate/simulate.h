/* mbsopt simulate: what it runs, and how that is written. */
#ifndef CLI_SIMULATE_SIMULATE_H
#define CLI_SIMULATE_SIMULATE_H

#include <mbsopt/mbsopt.h>
#include <stdbool.h>

#include "setup.h"

typedef struct simulate_run {
    setup setup;
    mbs_plan_options planning;
    mbs_recompute_options recompute;
    mbs_simulate_options options;
    int64_t slice_bytes; /* in the place of the machine's; -1: that */
    bool json;
    mbs_plan *plan;
    mbs_simulation found;
    mbs_simulated_part *groups;
    mbs_simulated_part *steps;
} simulate_run;

/* Tables for people, or a document with all figures. The caller's (free); null without memory. */
char *simulate_text(const simulate_run *run);

#endif
