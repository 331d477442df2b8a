/* What test_allocation.c runs with every allocation failing. */
#ifndef TESTS_MEMORY_TASKS_H
#define TESTS_MEMORY_TASKS_H

#include <mbsopt/mbsopt.h>
#include <stdbool.h>

typedef struct task task;
struct task {
    const char *name;
    mbs_status (*run)(const task *this, mbs_error *error); /* leaves nothing behind */
    int which;                                             /* planner, export format, ... */
};

extern const task tasks[];
extern const size_t task_count;

/* Makes what the tasks start from, of the source folder. */
bool prepare(const char *root);

/* Frees it, and removes the files that the tasks wrote; false if temporary ones were among them. */
bool tidy_up(void);

#endif
