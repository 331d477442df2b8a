/* What planners search for, and the ilp search as seen from the terminal: limits, progress, Ctrl-C.
 */
#ifndef CLI_SEARCH_H
#define CLI_SEARCH_H

#include <mbsopt/mbsopt.h>

#include "options.h"

/* Rows of a command's option table. */
#define OPTION_TIME_LIMIT                                                                          \
    {                                                                                              \
        "time-limit", '\0', "S", "ilp, best: stop after S seconds (default: 60)"                   \
    }
#define OPTION_GAP                                                                                 \
    {                                                                                              \
        "gap", '\0', "PERCENT", "ilp, best: stop when proven this near (default: 0)"               \
    }

#define OPTION_OBJECTIVE                                                                           \
    {                                                                                              \
        "objective", '\0', "traffic|time|energy", "what dp minimises (default: traffic)"           \
    }

/* Reads --objective; says what is wrong and returns false if it is none. */
bool search_objective(mbs_objective *result, const arguments *given);

/* "traffic", "time" or "energy". */
const char *objective_name(mbs_objective objective);

/* Reads both limits. Says what is wrong; returns the exit status. */
int search_options(mbs_plan_options *result, const arguments *given);

/*
 * Plans with `options`. While ilp searches, progress is shown on standard error if that is a
 * terminal, and SIGINT or SIGTERM ends the search with the best plan so far; a second one ends the
 * program.
 */
mbs_status search_plan(mbs_plan **plan, const mbs_program *program, const mbs_hardware *hardware,
                       const mbs_plan_options *options, mbs_error *error);

#endif
