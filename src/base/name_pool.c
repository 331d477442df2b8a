#include "base/name_pool.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

#define BLOCK_BYTES 65536

typedef struct block {
    struct block *next;
    size_t used;
    size_t size;
    char text[];
} block;

struct name_pool {
    block *blocks;
    bool blank;
};

name_pool *name_pool_create(void)
{
    return mem_calloc(1, sizeof(name_pool));
}

name_pool *name_pool_create_blank(void)
{
    name_pool *pool = name_pool_create();
    if (pool != NULL)
        pool->blank = true;
    return pool;
}

void name_pool_free(name_pool *pool)
{
    if (pool == NULL)
        return;
    while (pool->blocks != NULL) {
        block *next = pool->blocks->next;
        mem_free(pool->blocks);
        pool->blocks = next;
    }
    mem_free(pool);
}

static char *take(name_pool *pool, size_t size)
{
    block *current = pool->blocks;
    if (current == NULL || current->size - current->used < size) {
        size_t room = size > BLOCK_BYTES ? size : BLOCK_BYTES;
        current = mem_alloc(sizeof(block) + room);
        if (current == NULL)
            return NULL;
        current->next = pool->blocks;
        current->used = 0;
        current->size = room;
        pool->blocks = current;
    }
    char *at = current->text + current->used;
    current->used += size;
    return at;
}

const char *name_pool_copy(name_pool *pool, const char *name)
{
    if (pool->blank)
        return "";
    size_t size = strlen(name) + 1;
    char *at = take(pool, size);
    if (at != NULL)
        memcpy(at, name, size);
    return at;
}

const char *name_pool_format(name_pool *pool, const char *format, ...)
{
    if (pool->blank)
        return "";
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *at = length < 0 ? NULL : take(pool, (size_t)length + 1);
    if (at == NULL)
        return NULL;
    va_start(arguments, format);
    vsnprintf(at, (size_t)length + 1, format, arguments);
    va_end(arguments);
    return at;
}
