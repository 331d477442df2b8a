/* Why a plan is as it is, in sentences with numbers, or as a document. */
#ifndef MBSOPT_EXPLAIN_H
#define MBSOPT_EXPLAIN_H

#include "mbsopt/plan.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mbs_explain_options {
    size_t group;           /* this one alone, from 1; 0: all */
    const char *step;       /* or this step, by its name; or null */
    const mbs_plan *larger; /* what a buffer of 1 MiB more makes of the network, for the sentence
                               on that; null: the plan's program is planned anew for it */
    int width;              /* of the text's lines, as in mbs_report_options */
} mbs_explain_options;

#define MBS_EXPLAIN_OPTIONS_INIT                                                                   \
    {                                                                                              \
        0, NULL, NULL, 80                                                                          \
    }

/*
 * Replays the plan and explains it:
 *
 * - what each class of traffic is made of: network inputs, what is stashed for the backward phase,
 *   what later groups read, what a group reads again without keeping it, further passes;
 *   parameters and their gradients once, and by further iterations; and what moves most;
 * - what 1 MiB more of buffer would make of it all;
 * - of each group: what it moves and keeps; what it would move as one group with either neighbour,
 *   or cut in two where that costs least, each at its best; the step with the largest footprint,
 *   tensor by tensor; what the next larger sub-batch, or fewer strips, would need; and what 1 MiB
 *   more, or the least that changes anything, would let the same steps move.
 *
 * Other groups are thought of as dp makes them (section 5), with streaming, pinning and strips
 * where the plan's planner may use them. Of one group alone classes and tensors are the group's. Of
 * a step: what it reads and writes, from where and where to, and its footprint.
 *
 * *text is owned by the caller (mbs_free). O(touches · sub-batch sizes), and for each group the
 * places looked at to cut it, which ends after some millions of touches. Errors: MBS_ERR_ARGUMENT
 * (both a group and a step), MBS_ERR_INPUT (no such group or step), MBS_ERR_VERIFY (as
 * mbs_plan_verify: the plan's figures are not to be trusted), MBS_ERR_MEMORY, and without `larger`
 * those of mbs_plan_create.
 */
MBS_API mbs_status mbs_explain_text(char **text, const mbs_plan *plan,
                                    const mbs_explain_options *options, mbs_error *error);

/*
 * The same as a document `mbsopt-explanation/1` (docs/schemas/explanation.json), with every tensor
 * that moves, and the sentences. As above.
 */
MBS_API mbs_status mbs_explain_json(char **text, const mbs_plan *plan,
                                    const mbs_explain_options *options, mbs_error *error);

#ifdef __cplusplus
}
#endif
#endif
