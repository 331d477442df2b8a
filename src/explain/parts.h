/* What a step's footprint is made of (model, sections 4 and 11). */
#ifndef EXPLAIN_PARTS_H
#define EXPLAIN_PARTS_H

#include "cost/schedule.h"

typedef enum part_role {
    PART_CROSSING,   /* stays in the buffer over the step, which does not touch it */
    PART_RESIDENT,   /* an operand that stays for other steps of the group, or did */
    PART_STAGED,     /* an operand brought in for this step, or made by it, a whole sub-batch */
    PART_SAMPLE,     /* of a streamed step that needs a whole sample: one sample of it */
    PART_PARAMETERS, /* of a streamed step, whole */
    PART_PINNED,     /* the group's pinned parameters */
    PART_BLOCK,      /* of a strip group: rows of this strip */
    PART_RING,       /* and rows of it and of earlier strips that are used again */
    PART_ROLE_COUNT
} part_role;

typedef struct part {
    part_role role;
    int32_t tensor; /* -1: parameters */
    int64_t bytes;
} part;

/* The footprint of one step: the sum of its parts, which are sorted, the largest first. */
typedef struct part_list {
    int32_t step; /* -1: none was looked at */
    int64_t bytes;
    part *parts;
    int32_t count;
} part_list;

/* A role as a word in documents. */
const char *part_role_name(part_role role);

/*
 * The parts of step k of the group, which is one of the plan's or, of a scratch plan, one like it.
 * O(touches of the group), of a strip group times its strips. *list is the caller's
 * (part_list_free), also after a failure. The only error is MBS_ERR_MEMORY.
 */
mbs_status parts_of_step(part_list *list, const mbs_plan *plan, const mbs_group *group, int32_t k,
                         mbs_error *error);

/* The step of the group with the largest footprint, the first of several. Likewise. */
mbs_status parts_find_peak(int32_t *step, const mbs_plan *plan, const mbs_group *group,
                           mbs_error *error);

void part_list_free(part_list *list);

#endif
