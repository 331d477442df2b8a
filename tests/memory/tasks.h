/* What test_allocation.c runs with every allocation failing. */
#ifndef TESTS_MEMORY_TASKS_H
#define TESTS_MEMORY_TASKS_H

#include <mbsopt/mbsopt.h>

typedef struct task task;
struct task {
    const char *name;
    mbs_status (*run)(const task *this, mbs_error *error); /* leaves nothing behind */
    int which;                                             /* planner, export format, ... */
};

extern const task tasks[];
extern const size_t task_count;

/* Aborts if a call that failed handed out something. */
void require_none(mbs_status status, const void *made);

#endif
