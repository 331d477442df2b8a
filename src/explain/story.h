/*
 * Why a plan's group is as it is: what its neighbours, a cut, a larger sub-batch and a larger
 * buffer would change.
 */
#ifndef EXPLAIN_STORY_H
#define EXPLAIN_STORY_H

#include "explain/division.h"
#include "explain/parts.h"

/* What `bytes` more of the buffer are asked about. */
#define STORY_MORE_BYTES (INT64_C(1) << 20)

/* What does not fit: the step of the largest footprint, and what it needs. */
typedef struct obstacle {
    bool is_known; /* false: all fits */
    variant tried; /* the group in which it does not */
    part_list parts;
} obstacle;

/* The group and a neighbour as one. */
typedef struct merger {
    bool exists;       /* there is such a neighbour */
    mbs_traffic apart; /* what the two move now */
    variant together;  /* the best group of both; if it does not fit: */
    obstacle obstacle; /* what does not, where least is needed */
    bool is_coupled;   /* both together would need all samples at once */
} merger;

typedef enum limit_kind {
    LIMIT_NONE,    /* the whole mini-batch goes through at once */
    LIMIT_PASSES,  /* so it does, in passes: no sub-batch is in the buffer */
    LIMIT_COUPLED, /* so it must: a kept batch norm */
    LIMIT_BUFFER,  /* the next larger sub-batch does not fit */
    LIMIT_CHOICE,  /* it fits */
    LIMIT_KIND_COUNT
} limit_kind;

/* What keeps the group from larger sub-batches, or fewer strips. */
typedef struct limitation {
    limit_kind kind;
    variant next;      /* LIMIT_BUFFER and _CHOICE: the group with it */
    obstacle obstacle; /* of the smallest sub-batch, or the most strips, that is too large */
} limitation;

/* The same steps with more of the buffer. */
typedef struct larger_room {
    int64_t bytes;   /* so much more, 0: nothing that was looked at would change anything */
    variant variant; /* what the group would be */
    int64_t saved;   /* bytes of traffic, more than 0 */
} larger_room;

typedef struct group_story {
    int32_t index;
    const mbs_group *group;
    mbs_traffic traffic;
    part_list peak;
    merger before;
    merger after;
    division division;
    limitation limit;
    larger_room more;  /* one MiB */
    larger_room least; /* if that changes nothing: the least that does */
} group_story;

/*
 * Finds out all of it. *story is the caller's (story_free), also after a failure. The only error is
 * MBS_ERR_MEMORY.
 */
mbs_status story_find(group_story *story, variants *of, int32_t index, mbs_error *error);
void story_free(group_story *story);

/* The limit's kind as a word in documents. */
const char *limit_kind_name(limit_kind kind);

#endif
