/*
 * What was found out, in sentences. Every function that is about no part of one appends paragraphs,
 * each ended by a newline.
 */
#ifndef EXPLAIN_WORDS_H
#define EXPLAIN_WORDS_H

#include "explain/moves.h"
#include "explain/prose.h"
#include "explain/story.h"
#include "report/grid.h"

/* The tensors that are listed, of those that move most. */
#define WORDS_MOVERS 10

/* ---- words_pieces.c ---- */

/* "2 samples at a time, in 16 iterations", or likewise with strips or passes. */
void words_of_pace(text *out, const mbs_plan *plan, const mbs_group *group);

/* The parts of a footprint: "relu1 6.13 MiB (stays for other steps), ..., 3 more 0.2 MiB". */
void words_of_parts(text *out, const mbs_plan *plan, const part_list *list, int32_t most);

/* ---- words_moves.c ---- */

/* What the classes of traffic are made of. */
void words_of_classes(text *out, const mbs_plan *plan, const moves *found);

/* One of those that move, and why. */
void words_of_mover(text *out, const mbs_plan *plan, const mover *of);

/* ---- words_itself.c ---- */

/* "Group 3 of 15: conv2 to pool2, forward, 12 steps" */
void words_of_title(text *out, const mbs_plan *plan, int32_t index);

/* How the group runs, what it moves and what it keeps in the buffer. */
void words_of_itself(text *out, const variants *of, const group_story *story);

/* ---- words_group.c ---- */

/* Why the group is as it is. */
void words_of_story(text *out, const variants *of, const group_story *story);

/* ---- words_step.c ---- */

/* The step: how it runs, what of it comes from where, and what it needs of the buffer. */
void words_of_step(text *out, const mbs_plan *plan, int32_t k, const part_list *parts);

#endif
