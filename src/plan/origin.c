#include "plan/origin.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "mbsopt/mbsopt.h"

/* A unit of --weight: a GB. */
#define BYTES_OF_WEIGHT 1e9

static void put_integer(text *out, const char *option, int64_t value)
{
    text_format(out, " --%s ", option);
    text_integer(out, value);
}

static void put_real(text *out, const char *option, double value)
{
    char digits[REAL_BYTES];
    real_digits(digits, sizeof digits, value, 12);
    text_format(out, " --%s %s", option, digits);
}

/* All that decides what comes out and is not said elsewhere: the network and the hardware are. */
static void put_options(text *out, const mbs_plan *plan, const mbs_hardware *hardware,
                        const mbs_plan_options *options, const mbs_recompute_options *recompute)
{
    const mbs_program *program = plan->program;
    /* of other planners, and of best where it is dp's plan for time or energy, they decide nothing
     */
    const bool limited = options->planner == MBS_PLANNER_ILP ||
                         (options->planner == MBS_PLANNER_BEST && plan->objective == MBS_TRAFFIC);
    text_format(out, "--planner %s", mbs_planner_name(options->planner));
    put_integer(out, "batch", options->batch);
    if (plan->buffer_bytes != hardware->buffer_bytes)
        put_integer(out, "buffer", plan->buffer_bytes);
    if (plan->objective == MBS_WEIGHTED)
        put_real(out, "weight", options->weight / BYTES_OF_WEIGHT);
    else if (plan->objective != MBS_TRAFFIC)
        text_format(out, " --objective %s", mbs_objective_name(plan->objective));
    if (options->no_pin)
        text_string(out, " --no-pin");
    if (options->no_stream)
        text_string(out, " --no-stream");
    if (options->no_strips && mbs_planner_takes_strips(options->planner))
        text_string(out, " --no-strips");
    if (options->in_place && mbs_planner_writes_in_place(options->planner))
        text_string(out, " --in-place");
    if (options->order == MBS_ORDER_SEARCH && (limited || options->planner == MBS_PLANNER_DP))
        text_string(out, " --order search");
    if (options->order == MBS_ORDER_GIVEN && limited && options->planner == MBS_PLANNER_BEST)
        text_string(out, " --order given");
    if (program->inference)
        text_string(out, program->folded ? " --inference" : " --inference --no-fold");
    if (program->fused_norms || program->fused_sums)
        text_string(out, " --fuse");
    if (program->keeps_batch_norms)
        text_string(out, " --batch-norm keep");
    if (program->optimizer != MBS_OPTIMIZER_NONE)
        text_format(out, " --optimizer %s", mbs_optimizer_name(program->optimizer));
    const bool dram = recompute->max_dram_bytes > 0; /* else none is the default */
    if ((recompute->recompute != MBS_RECOMPUTE_NONE || dram) && !program->inference &&
        mbs_planner_recomputes(options->planner))
        text_format(out, " --recompute %s", mbs_recompute_name(recompute->recompute));
    if (recompute->recompute == MBS_RECOMPUTE_AUTO && !program->inference &&
        isfinite(recompute->max_percent))
        put_real(out, "max-recompute", recompute->max_percent);
    if (recompute->recompute == MBS_RECOMPUTE_AUTO && !program->inference && recompute->effort > 1)
        put_integer(out, "effort", recompute->effort);
    if (dram)
        put_integer(out, "max-dram", recompute->max_dram_bytes);
    if (limited && isfinite(options->time_limit_s))
        put_real(out, "time-limit", options->time_limit_s);
    if (limited && options->work_limit > 0)
        put_real(out, "work-limit", options->work_limit);
    if (limited && options->gap_percent > 0)
        put_real(out, "gap", options->gap_percent);
}

mbs_status plan_tell_origin(mbs_plan *plan, const mbs_hardware *hardware,
                            const mbs_plan_options *options, const mbs_recompute_options *recompute,
                            const char *more, mbs_error *error)
{
    char digest[MBS_DIGEST_BYTES];
    char *words;
    text out = TEXT_INIT;
    mbs_hardware_digest(hardware, digest);
    put_options(&out, plan, hardware, options, recompute);
    if (more != NULL)
        text_format(&out, " %s", more);
    mbs_status status = text_finish(&out, &words, error);
    if (status != MBS_OK)
        return status;
    const mbs_origin_info origin = {"mbsopt " MBS_VERSION, hardware->name, digest, words};
    const bool told = plan_origin_set(&plan->origin, &origin);
    mem_free(words);
    return told ? MBS_OK : error_memory(error);
}
