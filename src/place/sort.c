#include "place/sort.h"

#include <stdlib.h>

static int by_keys(const void *a, const void *b)
{
    const sort_entry *x = a;
    const sort_entry *y = b;
    if (x->first_key != y->first_key)
        return x->first_key > y->first_key ? -1 : 1;
    if (x->second_key != y->second_key)
        return x->second_key > y->second_key ? -1 : 1;
    if (x->third_key != y->third_key)
        return x->third_key > y->third_key ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

void sort_entries(sort_entry *list, int32_t count)
{
    qsort(list, (size_t)count, sizeof *list, by_keys);
}
