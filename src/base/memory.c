#include "base/memory.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 256 /* of an array that grows */

/* Stands before each block: a block can be freed by a thread that uses another allocator. */
typedef struct block {
    alignas(max_align_t) const mbs_allocator *from; /* null: the C library */
    size_t size;                                    /* with this */
} block;

/*
 * The caller's choice, not the library's state: no call but mbs_use_allocator changes it.
 * Initial-exec, for otherwise a thread's first access allocates, and the loader ends the program
 * where that fails.
 */
static _Thread_local const mbs_allocator *current __attribute__((tls_model("initial-exec")));

const mbs_allocator *mbs_use_allocator(const mbs_allocator *allocator)
{
    const mbs_allocator *before = current;
    current = allocator;
    return before;
}

const mbs_allocator *mem_allocator(void)
{
    return current;
}

static block *block_of(void *memory)
{
    return (block *)memory - 1;
}

static void *begin(block *made, const mbs_allocator *from, size_t size)
{
    if (made == NULL)
        return NULL;
    made->from = from;
    made->size = size;
    return made + 1;
}

static void *take(const mbs_allocator *from, size_t size)
{
    if (size > SIZE_MAX - sizeof(block))
        return NULL;
    const size_t whole = size + sizeof(block);
    return begin(from == NULL ? malloc(whole) : from->allocate(from->context, whole), from, whole);
}

void *mem_alloc(size_t size)
{
    return take(current, size);
}

void *mem_calloc(size_t count, size_t size)
{
    if (size > 0 && count > (SIZE_MAX - sizeof(block)) / size)
        return NULL;
    const size_t bytes = count * size;
    if (current == NULL) /* large ones are zero without being touched */
        return begin(calloc(1, bytes + sizeof(block)), NULL, bytes + sizeof(block));
    void *memory = take(current, bytes);
    if (memory != NULL)
        memset(memory, 0, bytes);
    return memory;
}

void *mem_zeroed(int64_t count, size_t element)
{
    return mem_calloc((size_t)count, element);
}

void *mem_realloc(void *memory, size_t size)
{
    if (memory == NULL)
        return mem_alloc(size);
    if (size > SIZE_MAX - sizeof(block))
        return NULL;
    block *old = block_of(memory);
    if (old->from == NULL)
        return begin(realloc(old, size + sizeof(block)), NULL, size + sizeof(block));
    const size_t kept = old->size - sizeof(block);
    void *moved = take(old->from, size);
    if (moved == NULL)
        return NULL;
    memcpy(moved, memory, kept < size ? kept : size);
    mem_free(memory);
    return moved;
}

void *mem_grow(void *array, int32_t *capacity, int32_t index, size_t element)
{
    if (index < *capacity)
        return array;
    if (index == INT32_MAX)
        return NULL;
    int32_t larger = FIRST_CAPACITY;
    while (larger <= index)
        larger = larger > INT32_MAX / 2 ? INT32_MAX : 2 * larger;
    if (element > SIZE_MAX / (size_t)larger)
        return NULL;
    void *moved = mem_realloc(array, (size_t)larger * element);
    if (moved != NULL)
        *capacity = larger;
    return moved;
}

char *mem_strdup(const char *string)
{
    const size_t size = strlen(string) + 1;
    char *copy = mem_alloc(size);
    return copy == NULL ? NULL : memcpy(copy, string, size);
}

void mem_free(void *memory)
{
    if (memory == NULL)
        return;
    block *old = block_of(memory);
    if (old->from == NULL)
        free(old);
    else
        old->from->release(old->from->context, old, old->size);
}

void mbs_free(void *memory)
{
    mem_free(memory);
}
