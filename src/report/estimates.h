/* Time and energy of a plan in words (model, section 7). */
#ifndef REPORT_ESTIMATES_H
#define REPORT_ESTIMATES_H

#include "base/text.h"
#include "mbsopt/hardware.h"
#include "mbsopt/plan.h"
#include "report/figures.h"

/* Seconds in ns, or joules in nJ, as a whole number; at most 1e18. */
int64_t figure_whole_nanos(double value);

/* Seconds in units of `unit` ns, or joules of nJ, as figure_ratio; from 1e9 on as "1.234e+12". */
figure figure_nanos(double value, int64_t unit, int decimals);

/* Three lines: the whole, each phase of a training step, and what takes the energy. Nothing if
 * `hardware` is null or the plan's costs are not known. */
void put_estimates(text *out, const mbs_plan *plan, const mbs_hardware *hardware);

#endif
