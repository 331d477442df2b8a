/* Plans that can be placed in the buffer, and what had to be changed for it, in words. */
#ifndef EMIT_PLACED_H
#define EMIT_PLACED_H

#include "mbsopt/emit.h"
#include "place/fit.h"

/*
 * plan_fit, over and over until it changes nothing more: placing placed->plan again, or what is
 * read from its plan file, gives the same offsets. Changes are told of in terms of the given plan.
 * Errors: as of plan_fit; MBS_ERR_INPUT (an alignment that is none).
 */
mbs_status plan_place(placed_plan *placed, const mbs_plan *plan, int64_t alignment,
                      plan_watch *watch, mbs_error *error);

/* Says how the placed plan differs from the given one, if it does; `note` may be null. */
void placed_notes(const placed_plan *placed, const mbs_plan *given, mbs_note_function *note,
                  void *context);

#endif
