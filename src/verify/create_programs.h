/* Planning a network's programs: as it is, and with its norms split (model, section 11). */
#ifndef VERIFY_CREATE_PROGRAMS_H
#define VERIFY_CREATE_PROGRAMS_H

#include "mbsopt/plan.h"
#include "plan/watch.h"
#include "verify/create.h"

/* One call of mbs_plan_create_recompute. */
typedef struct create_request {
    const mbs_network *network;
    mbs_program_options program_options;
    const mbs_hardware *hardware;
    mbs_plan_options options;
    plan_watch *watch;   /* of the whole call */
    create_chain *chain; /* of its searches */
    int64_t max_dram;    /* bytes; 0: no limit */
} create_request;

/* Strip groups are dp's and so ilp's, and of programs whose norms are split. */
bool create_may_have_strips(const create_request *of);

/* The bytes by which the plan needs more DRAM than the request allows; 0: none. INT64_MAX if that
 * cannot be told for want of memory. */
int64_t create_dram_excess(const mbs_plan *plan, const create_request *of);

/*
 * Below 0 if the first plan is better: it needs less DRAM where one needs too much, else less of
 * what the request makes least, bytes or with dp seconds or joules if they are asked for. 0:
 * neither is.
 */
int create_order(const mbs_plan *plan, const mbs_plan *than, const create_request *of);

/*
 * Plans the program that recomputes `set`, or what the options say if it is null, and with strips
 * also the one whose norms are split: the better of the two plans, which owns its program, on a tie
 * the quicker, else that of the program as it is. The bound of ilp and best holds for both
 * programs. Errors: as of mbs_plan_create.
 */
mbs_status create_set(mbs_plan **plan, const create_request *of, const unsigned char *set,
                      mbs_error *error);

/* Whether another order of steps is asked for, and whether it is or best looks for one unasked. */
bool create_searches_order(const create_request *of);
bool create_may_search_order(const create_request *of);

/*
 * Searches for another order of the steps of the plan's program (model, section 14), plans it, and
 * takes that plan if it is better. The plan owns its program. A limit of time ends at `end_s`.
 * Errors: as of mbs_plan_create.
 */
mbs_status create_in_order(mbs_plan **plan, const create_request *of, double end_s,
                           mbs_error *error);

/* The same for one program, split or not as the options say; `starts` as of plan_create_from. */
mbs_status create_set_from(mbs_plan **plan, const create_request *of, const unsigned char *set,
                           const bool *starts, mbs_error *error);

#endif
