#include "verify/from_network.h"

#include <stdbool.h>

/* Plans the network as it is. */
static mbs_status plan_given(mbs_plan **plan, const mbs_network *network,
                             const mbs_hardware *hardware, const mbs_options *options,
                             mbs_error *error)
{
    const bool conventional =
        options->planner == MBS_PLANNER_BASELINE || options->planner == MBS_PLANNER_ARCHOPT;
    mbs_program_options program = MBS_PROGRAM_OPTIONS_INIT;
    program.inference = options->inference;
    program.keep_batch_norm = options->keep_batch_norm || conventional;
    program.optimizer = options->optimizer;
    program.optimizer_bits = hardware->optimizer_bits;
    program.bits = hardware->bits; /* nobody else says so, so they cannot disagree */

    mbs_plan_options how = MBS_PLAN_OPTIONS_INIT;
    how.planner = options->planner;
    how.objective = options->objective;
    how.batch = options->batch;
    how.buffer_bytes = options->buffer_bytes;
    how.no_pin = options->no_pin;
    how.no_stream = options->no_stream;
    how.no_strips = options->no_strips;
    how.in_place = options->in_place;
    how.order = options->order;
    how.time_limit_s = options->time_limit_s;
    how.gap_percent = options->gap_percent;
    how.weight = options->weight;
    how.work_limit = options->work_limit;
    how.progress = options->progress;
    how.progress_context = options->progress_context;

    const mbs_recompute_options recompute = {options->recompute, options->max_recompute_percent,
                                             options->max_dram_bytes, options->effort};
    return mbs_plan_create_recompute(plan, network, &program, hardware, &how, &recompute, error);
}

mbs_status plan_from_network(mbs_plan **plan, const mbs_network *network,
                             const mbs_hardware *hardware, const mbs_options *options,
                             mbs_error *error)
{
    const int fusion = (options->inference && !options->no_fold ? MBS_FUSE_PRODUCTS : 0) |
                       (options->fuse ? MBS_FUSE_NORMS : 0) |
                       (options->fuse && !options->inference ? MBS_FUSE_SUMS : 0);
    mbs_network *fused;
    if (fusion == 0)
        return plan_given(plan, network, hardware, options, error);
    mbs_status status = mbs_network_fuse(&fused, network, fusion, error);
    if (status == MBS_OK)
        status = plan_given(plan, fused, hardware, options, error);
    mbs_network_free(fused);
    return status;
}
