/* Planning and the replay of what comes out, together. */
#ifndef VERIFY_CREATE_H
#define VERIFY_CREATE_H

#include <stdbool.h>

#include "mbsopt/plan.h"

struct price_memory;

/* What searches of one request hand on from one to the next. */
typedef struct create_chain {
    int64_t enough;              /* plans that move as much are of no use; 0: all are */
    struct price_memory *prices; /* of like programs; or null */
    mbs_plan *dp;                /* of the next one's program, whose choices it takes; or null */
    int64_t work;                /* ticks that all of them took so far (plan/watch.h) */
    int64_t work_limit;          /* of the next one, likewise; INT64_MAX: none */
    bool stopped; /* the search for what to recompute, by the caller or a limit of time */
} create_chain;

/*
 * As mbs_plan_create, as one of a chain of searches. ilp and best end once it is proven of all
 * plans that they are of no use.
 */
mbs_status plan_create_below(mbs_plan **plan, const mbs_program *program,
                             const mbs_hardware *hardware, const mbs_plan_options *options,
                             create_chain *chain, mbs_error *error);

/* The first of `parts` equal shares of the work that is left until `end`; INT64_MAX: no end. */
static inline int64_t limit_part(const create_chain *chain, int64_t end, int64_t parts)
{
    if (end == INT64_MAX)
        return INT64_MAX;
    return chain->work < end ? (end - chain->work) / parts : 0;
}

/* As mbs_plan_create, of dp's plan with groups that begin where `starts` says (plan_run_from). */
mbs_status plan_create_from(mbs_plan **plan, const mbs_program *program,
                            const mbs_hardware *hardware, const mbs_plan_options *options,
                            const bool *starts, mbs_error *error);

#endif
