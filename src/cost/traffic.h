/* What a plan moves between DRAM and the buffer (model, section 4). */
#ifndef COST_TRAFFIC_H
#define COST_TRAFFIC_H

#include "cost/schedule.h"

/* The traffic of one group's steps; a tensor's write counts where it is produced. O(touches). */
mbs_traffic plan_count_group(const mbs_plan *plan, const mbs_group *group);

/*
 * That of its step k alone, as one of the group's: what it uses of pinned parameters that an
 * earlier step of the group uses too is there already.
 */
mbs_traffic plan_count_step(const mbs_plan *plan, const mbs_group *group, int32_t k);

void traffic_add(mbs_traffic *sum, mbs_traffic part);

/* Whether some later touch must find the tensor that touch `t` produces in DRAM. */
bool plan_writes(const mbs_plan *plan, int32_t t);

/* Activation bytes per sample that step k of the group reads (each pass of it) and writes. */
int64_t plan_step_activations(const mbs_plan *plan, const mbs_group *group, int32_t k);

/*
 * Activation bytes per sample that step k alone in its group reads (each of `passes`) and writes
 * for later steps.
 */
int64_t step_alone_activations(const mbs_program *program, int32_t k, int64_t passes);

/* The traffic of the whole plan: the sum over its groups. */
mbs_traffic plan_count(const mbs_plan *plan);

#endif
