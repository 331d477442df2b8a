/* The lines above a plan's table: what it is, how good, and beside others. */
#ifndef REPORT_HEADLINE_H
#define REPORT_HEADLINE_H

#include "base/text.h"
#include "mbsopt/hardware.h"
#include "mbsopt/plan.h"

/* What is shown, and what it is compared with: any of the other plans may be null. */
typedef struct comparison {
    const mbs_plan *plan;
    const mbs_plan *baseline;
    const mbs_plan *greedy;
    const mbs_plan *plain;
    const mbs_plan *quickest;
    const mbs_plan *dp;           /* not null: the headline is about all three */
    const mbs_hardware *hardware; /* costs are shown for it; or null */
    bool color;
    int width; /* of mbs_report_options */
} comparison;

/*
 * The network and what is known of how good the plan is, what it is worth (verdict.h), what it
 * moves beside dp's and mbs2's plans, and what it recomputes. An empty line ends it.
 */
void put_headline(text *out, const comparison *with);

#endif
