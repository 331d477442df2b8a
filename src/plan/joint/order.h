/* The order of a joint problem's events, and the links between its tensors (joint.h). */
#ifndef PLAN_JOINT_ORDER_H
#define PLAN_JOINT_ORDER_H

#include "plan/joint/joint.h"

/* Fills in what is listed by time, from the events and cells. False if memory is out. */
bool joint_sort(joint *j);

/*
 * Fills in uses, and links from them to their inputs' cells. `output` is each layer's tensor, or -1
 * if it may not be recomputed. False if memory is out.
 */
bool joint_link(joint *j, const int32_t *output, int32_t loss);

#endif
