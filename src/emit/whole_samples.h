/* Formats that only whole samples can be said in. */
#ifndef EMIT_WHOLE_SAMPLES_H
#define EMIT_WHOLE_SAMPLES_H

#include "cost/schedule.h"

/* MBS_ERR_INPUT if the plan has strip groups (section 11), which `format` cannot tell of. */
mbs_status refuse_strips(const mbs_plan *plan, const char *format, mbs_error *error);

#endif
