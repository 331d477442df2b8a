/* Sorting ranges by keys. */
#ifndef PLACE_SORT_H
#define PLACE_SORT_H

#include <stdint.h>

/* A range with what it is sorted by; each key descending but the index. */
typedef struct sort_entry {
    double first_key;
    double second_key;
    double third_key;
    int32_t index;
} sort_entry;

void sort_entries(sort_entry *list, int32_t count);

#endif
