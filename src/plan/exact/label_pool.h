/* Labels of the exact search of a group: no two alike, and none worse than another alike. */
#ifndef PLAN_EXACT_LABEL_POOL_H
#define PLAN_EXACT_LABEL_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "plan/exact/group_costs.h"

/* What was chosen up to some touch. Buffer sizes are of a sub-batch, `resident` is per sample. */
typedef struct label {
    int64_t moved;    /* bytes for what was dropped */
    int64_t peak;     /* the largest footprint so far, where it matters */
    int64_t held;     /* by tensors that stay over the step at hand or arrive at it */
    int64_t opened;   /* by tensors whose stay begins at the step at hand */
    int64_t resident; /* operands of the step at hand, so far */
    int64_t operands; /* scaled: end costs of these */
    int64_t to_go;    /* scaled: the least of open tensors, see touch_costs */
    int64_t bound;    /* scaled: of everything */
    over_kind over;   /* at the step at hand, as far as it is chosen */
    int32_t trail;    /* the last choice */
    int32_t after;    /* in the pool: the next label of the same bucket */
} label;

/* The place of each slot's tensor, two bits each, makes up a label's key. */
typedef struct label_pool {
    label *labels;
    uint64_t *keys;       /* `words` for each label */
    uint64_t *copy;       /* room for one key */
    int32_t *buckets;     /* the first label of each, -1 if none */
    int32_t bucket_count; /* a power of two, at least twice the labels */
    int32_t count;
    int32_t room;
    int32_t words;
} label_pool;

/* False if memory is out; close in either case. */
bool label_pool_open(label_pool *pool, int32_t slots);
void label_pool_close(label_pool *pool);
void label_pool_clear(label_pool *pool);

/* A copy of label i's key, or an empty one for -1, valid until the next copy. */
uint64_t *label_pool_copy_key(label_pool *pool, int32_t i);

/*
 * Adds a label unless one that leaves the same tensors in the buffer is no worse; takes the place
 * of one that is no better. False if memory is out.
 */
bool label_pool_insert(label_pool *pool, const label *added, const uint64_t *key);

/*
 * Keeps the `width` labels of least bound, the earlier of equal ones. Returns the least bound of
 * those left out, INT64_MAX if none was.
 */
int64_t label_pool_narrow(label_pool *pool, int32_t width);

static inline tensor_place label_key_get(const uint64_t *key, int32_t slot)
{
    return (tensor_place)(key[slot / 32] >> (slot % 32 * 2) & 3);
}

static inline void label_key_set(uint64_t *key, int32_t slot, tensor_place place)
{
    uint64_t *word = &key[slot / 32];
    *word = (*word & ~(UINT64_C(3) << (slot % 32 * 2))) | (uint64_t)place << (slot % 32 * 2);
}

/* The choices behind labels, each with the one before it. */
#define LABEL_TRAIL_START 0

typedef struct label_trail {
    int32_t *before; /* twice the number of the choice before, and 1 if the interval stays */
    int32_t count;
    int32_t room;
} label_trail;

/* The number of the new choice, -1 if memory is out. */
int32_t label_trail_add(label_trail *trail, int32_t before, bool stays);
/* Forgets what no label of the pool leads back to, if it has become much. False if memory is out.
 */
bool label_trail_tidy(label_trail *trail, label_pool *pool);
void label_trail_close(label_trail *trail);

static inline bool label_trail_stays(const label_trail *trail, int32_t choice)
{
    return trail->before[choice] & 1;
}

static inline int32_t label_trail_before(const label_trail *trail, int32_t choice)
{
    return trail->before[choice] / 2;
}

#endif
