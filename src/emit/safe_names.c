#include "emit/safe_names.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/name_pool.h"

/* Of the name itself, without the number that tells it from others. */
#define NAME_BYTES 88

/*
 * A hash table with open addressing of the names given so far; the hash is FNV-1a. Names that come
 * out alike are told apart by numbers, and each name knows the next one to try, so that a thousand
 * alike do not take a million tries.
 */
typedef struct safe_name {
    const char *name; /* null: a free place */
    const char *original;
    int64_t next_number;
} safe_name;

struct safe_names {
    name_pool *pool;
    safe_name *table;
    size_t size; /* a power of 2 */
    const safe_name **in_order;
    int32_t count;
    int32_t most;
};

safe_names *safe_names_create(int32_t count)
{
    safe_names *names = mem_calloc(1, sizeof *names);
    if (names == NULL)
        return NULL;
    names->most = count;
    names->size = 16;
    while (names->size < 2 * (size_t)count)
        names->size *= 2;
    names->pool = name_pool_create();
    names->table = mem_calloc(names->size, sizeof *names->table);
    names->in_order = mem_calloc((size_t)count + 1, sizeof(safe_name *));
    if (names->pool == NULL || names->table == NULL || names->in_order == NULL) {
        safe_names_free(names);
        return NULL;
    }
    return names;
}

void safe_names_free(safe_names *names)
{
    if (names == NULL)
        return;
    name_pool_free(names->pool);
    mem_free(names->table);
    mem_free(names->in_order);
    mem_free(names);
}

/* The place of the name, or the free one where it belongs. */
static safe_name *find(const safe_names *names, const char *name)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (const unsigned char *at = (const unsigned char *)name; *at != '\0'; at++)
        hash = (hash ^ *at) * UINT64_C(1099511628211);
    size_t place = (size_t)hash & (names->size - 1);
    while (names->table[place].name != NULL && strcmp(names->table[place].name, name) != 0)
        place = (place + 1) & (names->size - 1);
    return &names->table[place];
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Into `safe` of NAME_BYTES + 1. */
static void make_safe(char *safe, const char *original)
{
    size_t used = 0;
    if (!is_letter(original[0]))
        safe[used++] = 'n';
    for (; *original != '\0' && used < NAME_BYTES; original++) {
        char c = *original;
        if (!is_letter(c) && (c < '0' || c > '9'))
            c = '_';
        if (c == 'P' && used > 0 && safe[used - 1] == 'D')
            c = 'p';
        safe[used++] = c;
    }
    safe[used] = '\0';
}

const char *safe_names_add(safe_names *names, const char *original)
{
    char safe[NAME_BYTES + 1];
    make_safe(safe, original);
    safe_name *place = find(names, safe);
    const char *name = NULL;
    if (names->count >= names->most)
        return NULL;
    if (place->name == NULL) {
        name = name_pool_copy(names->pool, safe);
    } else {
        safe_name *alike = place;
        do {
            if (alike->next_number == 0)
                alike->next_number = 2;
            name = name_pool_format(names->pool, "%s_%lld", safe, (long long)alike->next_number++);
            place = name == NULL ? NULL : find(names, name);
        } while (place != NULL && place->name != NULL);
    }
    const char *copy = name == NULL ? NULL : name_pool_copy(names->pool, original);
    if (copy == NULL || place == NULL)
        return NULL;
    *place = (safe_name){name, copy, 0};
    names->in_order[names->count++] = place;
    return name;
}

mbs_status safe_names_write(const safe_names *names, folder *in, mbs_error *error)
{
    sink *out;
    mbs_status status = folder_file(&out, in, SAFE_NAMES_FILE, error);
    if (status != MBS_OK)
        return status;
    text_string(sink_text(out), "name,original\n");
    for (int32_t i = 0; i < names->count && sink_flush(out); i++) {
        text_string(sink_text(out), names->in_order[i]->name);
        text_string(sink_text(out), ",");
        text_csv_field(sink_text(out), names->in_order[i]->original);
        text_string(sink_text(out), "\n");
    }
    return sink_close(out, true, error);
}
