/* Lines of reports within a width. */
#ifndef REPORT_WRAP_H
#define REPORT_WRAP_H

#include "base/text.h"

/*
 * Appends `string`, which may have terminal colours, with its lines broken at blanks such that none
 * is wider than `width` (from 1), if need be within a word. What was broken off goes below the text
 * behind the line's first gap of two blanks or more, or else is indented by `indent` more than the
 * line; by half of the width at most.
 */
void text_wrapped(text *out, const char *string, size_t width, size_t indent);

/*
 * Hands a report over as text_finish does, with its lines within the `width` of mbs_report_options.
 */
mbs_status report_finish(text *out, int width, char **result, mbs_error *error);

#endif
