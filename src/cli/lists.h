/* Option values that are lists: "1MiB..64MiB:x2,100MB", "16,32", "il,mbs2,dp". */
#ifndef CLI_LISTS_H
#define CLI_LISTS_H

#include <mbsopt/mbsopt.h>
#include <stdbool.h>

#include "options.h"

/* A list of more values is refused. */
#define MOST_LISTED 1000

typedef struct number_list {
    int64_t *values;
    size_t count;
} number_list;

typedef struct planner_list {
    mbs_planner values[2 * MBS_PLANNER_COUNT]; /* compare and sweep list some twice */
    size_t count;
} planner_list;

/*
 * Each item is one value or a range FIRST..LAST:xFACTOR or FIRST..LAST:+STEP, which holds FIRST and
 * what follows from it up to LAST. No value may be listed twice. Free with number_list_free, also
 * after a failure. Each says what is wrong and returns the exit status.
 */
int read_sizes(number_list *list, const char *option, const char *text, int64_t minimum);
int read_integers(number_list *list, const char *option, const char *text, int64_t minimum,
                  int64_t maximum);
void number_list_free(number_list *list);

/* Planners' names, none of them twice. Likewise. */
int read_planners(planner_list *list, const char *option, const char *text);
bool planner_is_listed(const planner_list *list, mbs_planner planner);

/* Whether the planner plans a conventional training step, which keeps its batch norms. */
bool planner_keeps_batch_norms(mbs_planner planner);

/*
 * Whether any of the planners plans batch norms as group norms. *exception is what to say of those
 * among them that do not: " but by baseline and archopt", or "".
 */
bool planners_replace_batch_norms(const planner_list *list, const char **exception);

/* The number of items between commas; at least 1. */
size_t count_items(const char *text);

/* Copies the next item, moves *text behind it and its comma; null if memory is out. Caller frees.
 */
char *next_item(const char **text);

#endif
