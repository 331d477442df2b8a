/* What a plan is worth, in a line or two. */
#ifndef REPORT_VERDICT_H
#define REPORT_VERDICT_H

#include "base/text.h"
#include "mbsopt/hardware.h"
#include "mbsopt/plan.h"

/* Any of the other plans may be null, as may the machine. */
typedef struct verdict {
    const mbs_plan *plan;
    const mbs_plan *baseline;
    const mbs_plan *quickest; /* that of least time, to tell of if it is quicker than the plan */
    const mbs_hardware *hardware;
    bool color;
} verdict;

/*
 * "3.29 GB per step and core, 77.6 % less than baseline 14.71 GB", then time and energy in the same
 * way. Ends without a line's end.
 */
void put_verdict(text *out, const verdict *of);

/* A line on the quickest plan, where it is quicker by what is worth a word. */
void put_quicker(text *out, const verdict *of);

#endif
