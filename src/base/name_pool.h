/* Many short strings with one owner. */
#ifndef BASE_NAME_POOL_H
#define BASE_NAME_POOL_H

#include <stddef.h>

#include "mbsopt/status.h"

typedef struct name_pool name_pool;

/* Null if memory is out. */
name_pool *name_pool_create(void);
/* One whose strings are all empty and cost no memory: for what nobody will look at. */
name_pool *name_pool_create_blank(void);
void name_pool_free(name_pool *pool);

/* A copy that lives as long as the pool, or null if memory is out. */
const char *name_pool_copy(name_pool *pool, const char *name);
const char *name_pool_format(name_pool *pool, const char *format, ...) MBS_PRINTF(2, 3);

#endif
