/*
 * Parts of auto: what it searches for within the limits of one stage, for traffic, for another
 * objective, and within a limit of DRAM.
 */
#ifndef PLAN_RECOMPUTE_STAGE_H
#define PLAN_RECOMPUTE_STAGE_H

#include <math.h>

#include "plan/recompute/fit.h"
#include "plan/recompute/search.h"
#include "plan/recompute/sets.h"

/* The first price of the first sweep, and what each is divided by for the next. */
#define FIRST_PRICE 8
#define PRICE_STEP  1.4
/* A further sweep of the same limits begins with its own turn's price times this. */
#define AGAIN_PRICE 8

/* A sweep adds up to so many times the highest of its limits. */
#define OVERSHOOT 2

/* Limits, in percent, that one sweep is for. Whatever the limit that is asked for, what is within
 * lower ones is searched for first and in the same way. */
typedef struct stage {
    double limits[3];
    int32_t count;
} stage;

/* Where the next stage's sweep begins: with which set, and at which price; and the best set of the
 * last walk, or null. */
typedef struct lane {
    unsigned char *set;
    double price;
    unsigned char *walked;
} lane;

typedef struct auto_search {
    recompute_sets *sets;
    const recompute_model *model;
    const recompute_choice *start;
    double unit;           /* of prices */
    bool limited;          /* is DRAM? */
    bool is_traffic;       /* is that the objective? */
    recompute_front front; /* for traffic; objectives are those of all groups cut anew */
    lane lanes[2];         /* of the first sweeps of each stage, and of the second ones */
    recompute_state best;  /* for time or energy, */
    recompute_state more;  /* and what further sweeps come to */
    fitting found;         /* within the limit of DRAM, for traffic, */
    fitting other;         /* and for another objective */
} auto_search;

static inline double stage_macs(const auto_search *a, double percent)
{
    return isinf(percent) ? percent : percent / 100 * a->model->plain_macs;
}

/* What prices are divided by in the sweep after one with `step`. */
static inline double stage_next_step(double step)
{
    return fmax(sqrt(step), 1.02); /* a sweep takes time for each price, and must end */
}

/* The highest limit. */
static inline double stage_top(const auto_search *a, const stage *of)
{
    return stage_macs(a, of->limits[of->count - 1]);
}

static inline bool stage_is_over(const auto_search *a)
{
    return plan_watch_is_over(a->model->task.watch);
}

/* The model of a search for traffic, without regard to DRAM. */
recompute_model stage_for_traffic(const auto_search *a, double max_macs);

/* The lane goes on with a copy of the set. MBS_ERR_MEMORY. */
mbs_status stage_begin_next(const auto_search *a, lane *l, const unsigned char *set, double price,
                            mbs_error *error);

/* A copy; null if memory is out. */
unsigned char *stage_copy_set(const auto_search *a, const unsigned char *set);

/* Searches from `set`; *state is then what came out, the caller's in any case. */
mbs_status stage_search_from(recompute_state *state, const recompute_model *model,
                             const unsigned char *set, recompute_effort effort, double work,
                             recompute_front *front, mbs_error *error);

/* What adds nothing, where all sweeps begin. */
mbs_status stage_search_free(auto_search *a, const stage *of, mbs_error *error);

/*
 * All sweeps of a stage for traffic. The first two go on where those of the stage before turned
 * back, the second one looking at everything and taking smaller steps; each other begins with what
 * the one before it found.
 */
mbs_status stage_sweep(auto_search *a, const stage *of, int effort, mbs_error *error);

/*
 * Walks within the stage's highest limit after a sweep, the first being 0: from the best of what it
 * came through, which is in `local`, and of what the lane's last walk came to. What they come
 * through goes into `local`. A large program has none. MBS_ERR_MEMORY.
 */
mbs_status stage_walk(const auto_search *a, recompute_front *local, lane *l, const stage *of,
                      int sweep, mbs_error *error);

/* For time or energy, after the search for traffic. */
mbs_status stage_search_cost(auto_search *a, const stage *of, int effort, mbs_error *error);

/* What fits into the DRAM of what was found, and ways from there to what does. */
mbs_status stage_fit(auto_search *a, const stage *of, mbs_error *error);

#endif
