/*
 * The C library's allocation, from the allocator that the caller has set for this thread
 * (mbsopt/memory.h). All of the library's memory is of these functions, and each of its blocks goes
 * back through them: scripts/check_includes.py refuses others.
 */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "mbsopt/memory.h"

/* As malloc, calloc, realloc, strdup and free. A block resized stays with its allocator. */
void *mem_alloc(size_t size);
void *mem_calloc(size_t count, size_t size);
void *mem_realloc(void *memory, size_t size);
char *mem_strdup(const char *string);
void mem_free(void *memory);

/* Zeroed memory for `count` >= 0 elements, 0 of them too: null says that memory is out. */
void *mem_zeroed(int64_t count, size_t element);

/*
 * Makes an array of `*capacity` elements of `element` bytes, null and 0 at first, hold one at
 * `index` >= 0. Returns the array, which may have moved; its capacity then is a power of two or
 * INT32_MAX, so that appending one by one takes linear time. Null, with array and capacity as they
 * were, if memory is out or the elements can be counted by no int32_t or their bytes by no size_t.
 */
void *mem_grow(void *array, int32_t *capacity, int32_t index, size_t element);

/* What this thread has set; null: the C library's. */
const mbs_allocator *mem_allocator(void);

#endif
