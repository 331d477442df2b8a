/* What follows for a group once its steps, its I and its residency are chosen. */
#ifndef PLAN_GROUPS_H
#define PLAN_GROUPS_H

#include "plan/planner.h"

/* Keeps every interval inside the group resident. */
void group_keep_all(mbs_plan *plan, const mbs_group *group);

/* Streams those steps whose footprint, as residency stands, is smaller that way, and lets those
 * write in place that may, if the task says so (section 12). */
void group_choose_modes(mbs_plan *plan, const plan_task *task, const mbs_group *group);

/*
 * Pins into what the largest footprint leaves of the buffer, as pins_fill says; nothing if the task
 * pins nothing.
 */
void group_pin(mbs_plan *plan, const plan_task *task, const mbs_group *group);

/* The same into what `under_way` iterations at once leave, of which one has that footprint. */
void group_pin_beside(mbs_plan *plan, const plan_task *task, const mbs_group *group,
                      int64_t under_way);

/*
 * Gives a group with everything inside resident `strips` > 1: sub-batch, iterations, the modes that
 * the rule says (section 11), what is written over if the task says so, and what is left pins.
 * *fits: whether there is room for its largest footprint. The only error is MBS_ERR_MEMORY.
 */
mbs_status group_set_strips(mbs_plan *plan, const plan_task *task, mbs_group *group, int64_t strips,
                            bool *fits, mbs_error *error);

/*
 * Appends the strip group [first, end), everything inside resident. `strips` must fit; of all T
 * with which the group moves as little it takes the least, for every strip costs the array time.
 * The only error is MBS_ERR_MEMORY.
 */
mbs_status plan_add_strips(mbs_plan *plan, const plan_task *task, int32_t first, int32_t end,
                           int32_t strips, mbs_error *error);

/*
 * By how much the activation bytes per sample that the group [first, k) moves, everything inside
 * resident, change when step k joins it.
 */
int64_t group_activation_change(const mbs_program *program, int32_t first, int32_t k);

#endif
