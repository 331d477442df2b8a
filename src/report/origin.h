/* What made a plan, in a line. */
#ifndef REPORT_ORIGIN_H
#define REPORT_ORIGIN_H

#include "base/text.h"
#include "mbsopt/plan.h"

/* Nothing if the plan does not tell. */
void put_origin(text *out, const mbs_plan *plan);

#endif
