/* What a plan recomputes in words (model, section 10). */
#ifndef REPORT_RECOMPUTE_H
#define REPORT_RECOMPUTE_H

#include "base/text.h"
#include "mbsopt/plan.h"

/* A line or two: what, what it costs, and against `plain` what it saves. Nothing if `plain` is
 * null.
 */
void put_recompute(text *out, const mbs_plan *plan, const mbs_plan *plain);

#endif
