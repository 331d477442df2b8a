/* The search for what to recompute (model, section 10). */
#ifndef PLAN_RECOMPUTE_SEARCH_H
#define PLAN_RECOMPUTE_SEARCH_H

#include "plan/recompute/front.h"
#include "plan/recompute/state.h"

/* Growths of a group that the two searches may spend for each step of the program. */
#define FIRST_WORK  2e4
#define SECOND_WORK 5e4
/* and a sweep, or one that looks at everything */
#define SWEEP_WORK    1e5
#define THOROUGH_WORK 4e5

/*
 * Improves *state, within the model's max_macs: moves that add no multiply-accumulates while any
 * gains, then those that gain most for each they add. What moves change is remembered until
 * something near them changes. Changes are looked at with `effort` at first, then closer, as far as
 * the work allows. The states that it comes through go into `front` (or null). Deterministic,
 * unless the task's watch ends it; takes at most about `work` step evaluations. MBS_ERR_MEMORY.
 */
mbs_status recompute_search(recompute_state *state, const recompute_model *model,
                            recompute_effort effort, double work, recompute_front *front,
                            mbs_error *error);

/* A way through many limits. */
typedef struct recompute_sweep {
    double unit;          /* prices are in this much of the objective for a multiply-accumulate */
    double price;         /* the first; of the turn, once it is done */
    double step;          /* a price is divided by this for the next */
    double slack;         /* as of searching.h: what is looked at less often */
    const double *limits; /* multiply-accumulates per sample, ascending */
    int32_t limit_count;
} recompute_sweep;

/*
 * Gives multiply-accumulates a price, and moves whatever gains more than it costs. The price falls
 * until nearly the model's max_macs are added, then it rises again: what pays least for its
 * multiply-accumulates goes first. As soon as no more than a limit are left, from the highest on,
 * the state is improved within it as by recompute_search. All else as there.
 */
mbs_status recompute_sweep_prices(recompute_state *state, const recompute_model *model,
                                  recompute_sweep *sweep, double work, recompute_front *front,
                                  mbs_error *error);

/*
 * Improves *state by moves of single layers alone, of which one more kind changes sides and whether
 * the layer is computed anew at once; again and again with all groups cut anew, also looking beyond
 * groups, until that gains nothing. All else as of recompute_search.
 */
mbs_status recompute_finish(recompute_state *state, const recompute_model *model, double work,
                            recompute_front *front, mbs_error *error);

/*
 * Makes *state, which is above the model's max_dram, less so, by the moves that cost least for it,
 * until `enough` bytes of DRAM are enough, or none helps. With max_dram 0 the way is the same for
 * every `enough`. `least` (or null) is kept up to date. Work and errors as of recompute_search.
 */
mbs_status recompute_fit(recompute_state *state, const recompute_model *model, int64_t enough,
                         double work, recompute_least *least, mbs_error *error);

#endif
