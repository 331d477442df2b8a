#include "plan/dp/row_pool.h"

#include <string.h>

#include "base/memory.h"

typedef enum pool_operation {
    POOL_FREE, /* of an unused slot */
    POOL_ARRAY,
    POOL_SPREAD,
    POOL_NEED,
    POOL_USE,
    POOL_LARGER,
    POOL_SMALLER,
    POOL_ALL,
    POOL_FINISH,
    POOL_ROWS
} pool_operation;

/* An operation, what it was done with, and what came out. */
struct pool_entry {
    pool_operation operation;
    int32_t a; /* of POOL_ARRAY: the array's hash */
    int32_t b;
    int32_t first;
    int32_t second;
};

static uint32_t mix(uint32_t hash, uint32_t value)
{
    hash = (hash ^ value) * UINT32_C(0x9E3779B1);
    return hash ^ (hash >> 15);
}

static uint32_t hash_of(pool_operation operation, int32_t a, int32_t b)
{
    return mix(mix(mix(0, (uint32_t)operation), (uint32_t)a), (uint32_t)b);
}

bool pool_open(row_pool *pool, int32_t strips, const row_link *links)
{
    *pool = (row_pool){.strips = strips, .links = links, .slot_count = 256};
    pool->slots = mem_calloc((size_t)pool->slot_count, sizeof *pool->slots);
    return pool->slots != NULL;
}

void pool_close(row_pool *pool)
{
    mem_free(pool->rows);
    mem_free(pool->slots);
    *pool = (row_pool){0};
}

void pool_clear(row_pool *pool)
{
    memset(pool->slots, 0, (size_t)pool->slot_count * sizeof *pool->slots);
    pool->used = pool->count = 0;
}

static int32_t *rows_of(const row_pool *pool, int32_t array)
{
    return pool->rows + (ptrdiff_t)array * pool->strips;
}

/* The slot of what was done, or the one where it belongs. */
static pool_entry *find(row_pool *pool, pool_operation operation, int32_t a, int32_t b)
{
    const uint32_t last = (uint32_t)pool->slot_count - 1;
    uint32_t i = hash_of(operation, a, b) & last;
    for (;; i = (i + 1) & last) {
        pool_entry *e = &pool->slots[i];
        if (e->operation == POOL_FREE || (e->operation == operation && e->a == a && e->b == b))
            return e;
    }
}

static bool grow_slots(row_pool *pool)
{
    pool_entry *old = pool->slots;
    const int32_t count = pool->slot_count;
    pool_entry *slots = count > INT32_MAX / 2 ? NULL : mem_calloc(2 * (size_t)count, sizeof *slots);
    if (slots == NULL) {
        pool->failed = true;
        return false;
    }
    pool->slots = slots;
    pool->slot_count = 2 * count;
    for (int32_t i = 0; i < count; i++)
        if (old[i].operation != POOL_FREE) {
            const uint32_t last = (uint32_t)pool->slot_count - 1;
            uint32_t at = hash_of(old[i].operation, old[i].a, old[i].b) & last;
            while (slots[at].operation != POOL_FREE)
                at = (at + 1) & last;
            slots[at] = old[i];
        }
    mem_free(old);
    return true;
}

static void remember(row_pool *pool, pool_entry entry)
{
    if (2 * (pool->used + 1) > pool->slot_count && !grow_slots(pool))
        return;
    const uint32_t last = (uint32_t)pool->slot_count - 1;
    uint32_t i = hash_of(entry.operation, entry.a, entry.b) & last;
    while (pool->slots[i].operation != POOL_FREE)
        i = (i + 1) & last;
    pool->slots[i] = entry;
    pool->used++;
}

/* Room for one more array, which has no number yet; null if memory is out. */
static int32_t *next_array(row_pool *pool)
{
    if (pool->failed)
        return NULL;
    if (pool->count >= pool->capacity) {
        const int32_t capacity = 2 * pool->capacity + 16;
        int32_t *rows =
            capacity > INT32_MAX / 4
                ? NULL
                : mem_realloc(pool->rows, (size_t)capacity * (size_t)pool->strips * sizeof *rows);
        if (rows == NULL) {
            pool->failed = true;
            return NULL;
        }
        pool->rows = rows;
        pool->capacity = capacity;
    }
    return rows_of(pool, pool->count);
}

/* The number of the array that next_array made room for, which may be there already. */
static int32_t number(row_pool *pool)
{
    const int32_t *rows = rows_of(pool, pool->count);
    const size_t size = (size_t)pool->strips * sizeof *rows;
    uint32_t hash = 0;
    for (int32_t i = 0; i < pool->strips; i++)
        hash = mix(hash, (uint32_t)rows[i]);
    const uint32_t last = (uint32_t)pool->slot_count - 1;
    for (uint32_t i = hash_of(POOL_ARRAY, (int32_t)hash, 0) & last;; i = (i + 1) & last) {
        const pool_entry *e = &pool->slots[i];
        if (e->operation == POOL_FREE)
            break;
        if (e->operation == POOL_ARRAY && e->a == (int32_t)hash &&
            memcmp(rows_of(pool, e->first), rows, size) == 0)
            return e->first;
    }
    remember(pool, (pool_entry){POOL_ARRAY, (int32_t)hash, 0, pool->count, 0});
    return pool->failed ? 0 : pool->count++;
}

/* Remembers that the operation gives the array that next_array made room for. */
static int32_t conclude(row_pool *pool, pool_operation operation, int32_t a, int32_t b)
{
    const int32_t array = number(pool);
    if (!pool->failed)
        remember(pool, (pool_entry){operation, a, b, array, 0});
    return array;
}

int32_t pool_spread(row_pool *pool, int64_t step_rows)
{
    const pool_entry *known = find(pool, POOL_SPREAD, (int32_t)step_rows, 0);
    if (known->operation != POOL_FREE)
        return known->first;
    int32_t *rows = next_array(pool);
    if (rows == NULL)
        return 0;
    strips_spread(rows, pool->strips, step_rows);
    return conclude(pool, POOL_SPREAD, (int32_t)step_rows, 0);
}

int32_t pool_need(row_pool *pool, int32_t link, int32_t done)
{
    const pool_entry *known = find(pool, POOL_NEED, link, done);
    if (known->operation != POOL_FREE)
        return known->first;
    int32_t *rows = next_array(pool);
    if (rows == NULL)
        return 0;
    memset(rows, 0, (size_t)pool->strips * sizeof *rows);
    strips_need(rows, pool->strips, &pool->links[link], rows_of(pool, done));
    return conclude(pool, POOL_NEED, link, done);
}

int32_t pool_use(row_pool *pool, int32_t link, int32_t done)
{
    const pool_entry *known = find(pool, POOL_USE, link, done);
    if (known->operation != POOL_FREE)
        return known->first;
    int32_t *rows = next_array(pool);
    if (rows == NULL)
        return 0;
    for (int32_t i = 0; i < pool->strips; i++)
        rows[i] = INT32_MAX;
    strips_use(rows, pool->strips, &pool->links[link], rows_of(pool, done));
    return conclude(pool, POOL_USE, link, done);
}

static int32_t combine(row_pool *pool, pool_operation operation, int32_t a, int32_t b)
{
    if (a == b || b == POOL_NONE)
        return a;
    if (a == POOL_NONE)
        return b;
    const int32_t low = a < b ? a : b;
    const int32_t high = a < b ? b : a;
    const pool_entry *known = find(pool, operation, low, high);
    if (known->operation != POOL_FREE)
        return known->first;
    int32_t *rows = next_array(pool);
    if (rows == NULL)
        return 0;
    const int32_t *one = rows_of(pool, low);
    const int32_t *other = rows_of(pool, high);
    for (int32_t i = 0; i < pool->strips; i++)
        rows[i] = (one[i] > other[i]) == (operation == POOL_LARGER) ? one[i] : other[i];
    return conclude(pool, operation, low, high);
}

int32_t pool_larger(row_pool *pool, int32_t a, int32_t b)
{
    return combine(pool, POOL_LARGER, a, b);
}

int32_t pool_smaller(row_pool *pool, int32_t a, int32_t b)
{
    return combine(pool, POOL_SMALLER, a, b);
}

int32_t pool_all_or_none(row_pool *pool, int32_t needed, int64_t all)
{
    const pool_entry *known = find(pool, POOL_ALL, needed, (int32_t)all);
    if (known->operation != POOL_FREE)
        return known->first;
    int32_t *rows = next_array(pool);
    if (rows == NULL)
        return 0;
    for (int32_t i = 0; i < pool->strips; i++)
        rows[i] = rows_of(pool, needed)[i] > 0 ? (int32_t)all : 0;
    return conclude(pool, POOL_ALL, needed, (int32_t)all);
}

int32_t pool_finish(row_pool *pool, int32_t array, int64_t last)
{
    const pool_entry *known = find(pool, POOL_FINISH, array, (int32_t)last);
    if (known->operation != POOL_FREE)
        return known->first;
    int32_t *rows = next_array(pool);
    if (rows == NULL)
        return 0;
    memcpy(rows, rows_of(pool, array), (size_t)pool->strips * sizeof *rows);
    rows[pool->strips - 1] = (int32_t)last;
    return conclude(pool, POOL_FINISH, array, (int32_t)last);
}

strip_rows pool_rows(row_pool *pool, int32_t there, int32_t used)
{
    const pool_entry *known = find(pool, POOL_ROWS, there, used);
    if (known->operation != POOL_FREE)
        return (strip_rows){known->first, known->second};
    if (pool->failed)
        return (strip_rows){0};
    const strip_rows rows = strips_rows(pool->strips, rows_of(pool, there),
                                        used == POOL_NONE ? NULL : rows_of(pool, used));
    remember(pool, (pool_entry){POOL_ROWS, there, used, rows.held, rows.kept});
    return rows;
}
