#include "plan/exact/label_pool.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define FIRST_ROOM 256

/* A trail is tidied when it has grown to this, and then to twice what was left. */
#define TRAIL_ROOM (1 << 20)
#define TRAIL_MOST (INT32_MAX / 2)

bool label_pool_open(label_pool *pool, int32_t slots)
{
    pool->words = slots / 32 + 1;
    pool->copy = mem_calloc((size_t)pool->words, sizeof *pool->copy);
    return pool->copy != NULL;
}

void label_pool_close(label_pool *pool)
{
    mem_free(pool->labels);
    mem_free(pool->keys);
    mem_free(pool->copy);
    mem_free(pool->buckets);
}

void label_pool_clear(label_pool *pool)
{
    for (int32_t i = 0; i < pool->bucket_count; i++)
        pool->buckets[i] = -1;
    pool->count = 0;
}

uint64_t *label_pool_copy_key(label_pool *pool, int32_t i)
{
    const size_t bytes = (size_t)pool->words * sizeof *pool->copy;
    if (i < 0)
        memset(pool->copy, 0, bytes);
    else
        memcpy(pool->copy, pool->keys + (size_t)i * (size_t)pool->words, bytes);
    return pool->copy;
}

static const uint64_t *key_of(const label_pool *pool, int32_t i)
{
    return pool->keys + (size_t)i * (size_t)pool->words;
}

static int32_t *bucket_of(const label_pool *pool, const uint64_t *key)
{
    uint64_t hash = 0;
    for (int32_t i = 0; i < pool->words; i++)
        hash = (hash ^ key[i]) * UINT64_C(0x9e3779b97f4a7c15) ^ (hash >> 29);
    return &pool->buckets[(hash >> 32) & (uint64_t)(pool->bucket_count - 1)];
}

static void chain_up(label_pool *pool, int32_t i)
{
    int32_t *bucket = bucket_of(pool, key_of(pool, i));
    pool->labels[i].after = *bucket;
    *bucket = i;
}

static bool grow(label_pool *pool)
{
    const int32_t room = pool->room == 0 ? FIRST_ROOM : 2 * pool->room;
    label *labels = mem_realloc(pool->labels, (size_t)room * sizeof *labels);
    if (labels == NULL)
        return false;
    pool->labels = labels;
    uint64_t *keys = mem_realloc(pool->keys, (size_t)room * (size_t)pool->words * sizeof *keys);
    if (keys == NULL)
        return false;
    pool->keys = keys;
    int32_t *buckets = mem_realloc(pool->buckets, 2 * (size_t)room * sizeof *buckets);
    if (buckets == NULL)
        return false;
    pool->buckets = buckets;
    pool->bucket_count = 2 * room;
    pool->room = room;
    for (int32_t i = 0; i < pool->bucket_count; i++)
        pool->buckets[i] = -1;
    for (int32_t i = 0; i < pool->count; i++)
        chain_up(pool, i);
    return true;
}

/* Whether whatever follows b can follow a at no higher cost. Their open tensors are the same. */
static bool no_worse(const label *a, const label *b)
{
    return a->moved <= b->moved && a->peak <= b->peak && a->resident <= b->resident &&
           a->over >= b->over;
}

bool label_pool_insert(label_pool *pool, const label *added, const uint64_t *key)
{
    const size_t bytes = (size_t)pool->words * sizeof *key;
    if (pool->count == pool->room && !grow(pool))
        return false;
    for (int32_t i = *bucket_of(pool, key); i >= 0; i = pool->labels[i].after) {
        label *other = &pool->labels[i];
        if (memcmp(key_of(pool, i), key, bytes) != 0)
            continue;
        if (no_worse(other, added))
            return true;
        if (no_worse(added, other)) {
            const int32_t after = other->after;
            *other = *added;
            other->after = after;
            return true;
        }
    }
    const int32_t i = pool->count++;
    pool->labels[i] = *added;
    memcpy(pool->keys + (size_t)i * (size_t)pool->words, key, bytes);
    chain_up(pool, i);
    return true;
}

static int compare_bounds(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a;
    const int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int64_t label_pool_narrow(label_pool *pool, int32_t width)
{
    if (pool->count <= width)
        return INT64_MAX;
    /* the buckets are not needed again before the pool is cleared: their room holds the bounds */
    int64_t *bounds = (int64_t *)(void *)pool->buckets;
    for (int32_t i = 0; i < pool->count; i++)
        bounds[i] = pool->labels[i].bound;
    qsort(bounds, (size_t)pool->count, sizeof *bounds, compare_bounds);
    const int64_t highest = width > 0 ? bounds[width - 1] : INT64_MIN;
    int32_t equal = width; /* how many of the highest bound are kept */
    for (int32_t i = 0; i < width && bounds[i] < highest; i++)
        equal--;
    const int64_t left_out = bounds[width];
    int32_t kept = 0;
    for (int32_t i = 0; i < pool->count; i++) {
        const int64_t bound = pool->labels[i].bound;
        if (bound > highest || (bound == highest && equal-- <= 0))
            continue;
        pool->labels[kept] = pool->labels[i];
        memmove(pool->keys + (size_t)kept * (size_t)pool->words,
                pool->keys + (size_t)i * (size_t)pool->words,
                (size_t)pool->words * sizeof *pool->keys);
        kept++;
    }
    pool->count = kept;
    return left_out;
}

int32_t label_trail_add(label_trail *trail, int32_t before, bool stays)
{
    if (trail->count >= TRAIL_MOST)
        return -1;
    int32_t *moved = mem_grow(trail->before, &trail->room, trail->count, sizeof *moved);
    if (moved == NULL)
        return -1;
    trail->before = moved;
    if (trail->count == 0)
        trail->before[trail->count++] = 0; /* LABEL_TRAIL_START */
    trail->before[trail->count] = 2 * before + stays;
    return trail->count++;
}

bool label_trail_tidy(label_trail *trail, label_pool *pool)
{
    if (trail->count < TRAIL_ROOM || trail->count < trail->room / 2 + trail->room / 4)
        return true;
    int32_t *number = mem_calloc((size_t)trail->count, sizeof *number);
    if (number == NULL)
        return false;
    for (int32_t i = 0; i < pool->count; i++)
        number[pool->labels[i].trail] = 1;
    for (int32_t i = trail->count; i-- > 1;)
        if (number[i] != 0)
            number[label_trail_before(trail, i)] = 1;
    number[LABEL_TRAIL_START] = LABEL_TRAIL_START;
    int32_t kept = 1;
    for (int32_t i = 1; i < trail->count; i++) {
        if (number[i] == 0)
            continue;
        trail->before[kept] =
            2 * number[label_trail_before(trail, i)] + label_trail_stays(trail, i);
        number[i] = kept++;
    }
    for (int32_t i = 0; i < pool->count; i++)
        pool->labels[i].trail = number[pool->labels[i].trail];
    mem_free(number);
    trail->count = kept;
    return true;
}

void label_trail_close(label_trail *trail)
{
    mem_free(trail->before);
}
