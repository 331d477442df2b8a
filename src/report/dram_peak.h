/* What a plan must have in DRAM at one time, in words. */
#ifndef REPORT_DRAM_PEAK_H
#define REPORT_DRAM_PEAK_H

#include "base/text.h"
#include "mbsopt/plan.h"

/*
 * A line that says how much it is at most, when and of what; nothing where that is too large to be
 * summed up. False if memory is out.
 */
bool put_dram_peak(text *out, const mbs_plan *plan);

#endif
