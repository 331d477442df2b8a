#include "planning.h"

#include <string.h>

#include "output.h"

#define ONE_MIB (INT64_C(1) << 20)

/* --in-place and --order, which are of some planners alone. */
static int read_in_place_and_order(mbs_plan_options *options, const arguments *given)
{
    const planner_list alone = {.values = {options->planner}, .count = 1};
    const int status = search_in_place(&options->in_place, &alone, given);
    return status == EXIT_OK ? search_order(&options->order, &alone, given) : status;
}

int planning_planner(mbs_plan_options *options, const arguments *given)
{
    const char *name = option_value(given, "planner");
    const char *names[MBS_PLANNER_COUNT + 1] = {NULL};
    mbs_error error;
    mbs_error_clear(&error);
    if (name == NULL || mbs_planner_from_name(&options->planner, name, &error) == MBS_OK)
        return read_in_place_and_order(options, given);
    for (int i = 0; i < MBS_PLANNER_COUNT; i++)
        names[i] = mbs_planner_name((mbs_planner)i);
    report_error(MBS_ERR_INPUT, &error);
    const char *nearest = nearest_name(name, names);
    if (nearest != NULL)
        complain("did you mean --planner %s?", nearest);
    return EXIT_USAGE;
}

int planning_objective(mbs_plan_options *options, const arguments *given)
{
    if (!search_objective(&options->objective, given))
        return EXIT_USAGE;
    int status = search_weight(options, given);
    if (status != EXIT_OK || options->objective == MBS_TRAFFIC ||
        search_heeds_objective(options->planner))
        return status;
    if (options->objective == MBS_WEIGHTED)
        complain("--weight is of the planners dp and best, not %s",
                 mbs_planner_name(options->planner));
    else
        complain("--objective %s is of the planners dp and best, not %s",
                 objective_name(options->objective), mbs_planner_name(options->planner));
    return EXIT_USAGE;
}

int planning_slowdown(const double **most, double *percent, const mbs_plan_options *options,
                      const arguments *given)
{
    *most = NULL;
    if (option_value(given, "max-slowdown") == NULL)
        return EXIT_OK;
    if (options->objective != MBS_TRAFFIC || !search_heeds_objective(options->planner)) {
        complain("--max-slowdown is of the planners dp and best, and of traffic");
        return EXIT_USAGE;
    }
    *most = percent;
    return search_slowdown(percent, given);
}

int planning_recompute(mbs_recompute_options *recompute, const mbs_plan_options *options,
                       const arguments *given)
{
    int status = search_recompute(recompute, given);
    if (status != EXIT_OK)
        return status;
    if (recompute->recompute != MBS_RECOMPUTE_NONE && !mbs_planner_recomputes(options->planner)) {
        if (option_value(given, "recompute") != NULL)
            note("%s recomputes nothing (--recompute is of mbs2, dp, ilp and best)",
                 mbs_planner_name(options->planner));
        recompute->recompute = MBS_RECOMPUTE_NONE;
    }
    return EXIT_OK;
}

void planning_finish(mbs_plan_options *options, setup *of, const arguments *given)
{
    options->batch = of->batch;
    options->buffer_bytes = of->hardware.buffer_bytes;
    of->hardware.buffer_bytes = of->machine_buffer_bytes;
    options->no_pin = option_flag(given, "no-pin");
    options->no_stream = option_flag(given, "no-stream");
    options->no_strips = option_flag(given, "no-strips");
    options->work_limit = search_work_limit(options->planner, options->work_limit);
    if (options->planner == MBS_PLANNER_BASELINE || options->planner == MBS_PLANNER_ARCHOPT)
        of->keep_batch_norm = 1;
}

int planning_read(mbs_plan_options *options, mbs_recompute_options *recompute, setup *of,
                  const arguments *given)
{
    *options = (mbs_plan_options)MBS_PLAN_OPTIONS_INIT;
    options->planner = MBS_PLANNER_BEST;
    int status = planning_planner(options, given);
    if (status == EXIT_OK)
        status = planning_objective(options, given);
    if (status == EXIT_OK)
        status = planning_recompute(recompute, options, given);
    if (status == EXIT_OK)
        status = setup_options(of, given);
    if (status == EXIT_OK)
        status = search_options(options, given);
    if (status == EXIT_OK)
        planning_finish(options, of, given);
    return status;
}

search_again planning_again(const setup *of, mbs_recompute_options recompute)
{
    return (search_again){.network = of->network,
                          .inference = of->inference,
                          .keep_batch_norm = of->keep_batch_norm,
                          .optimizer = of->optimizer,
                          .recompute = recompute};
}

mbs_status planning_network(mbs_plan **plan, const setup *of, mbs_recompute_options recompute,
                            const mbs_plan_options *options, mbs_error *error)
{
    const search_again again = planning_again(of, recompute);
    mbs_status status = search_plan(plan, NULL, &again, &of->hardware, options, error);
    if (status == MBS_OK)
        note_replaced_norms(mbs_plan_program(*plan));
    return status;
}

mbs_status planning_larger(mbs_plan **larger, const search_again *again,
                           const mbs_hardware *hardware, const mbs_plan_options *options,
                           mbs_error *error)
{
    mbs_plan_options more = *options;
    *larger = NULL;
    if (more.buffer_bytes > INT64_MAX - ONE_MIB)
        return MBS_OK;
    more.buffer_bytes += ONE_MIB;
    return search_compared(larger, NULL, again, hardware, &more, error);
}

void note_other_hardware(const mbs_plan *plan, const mbs_hardware *hardware)
{
    char digest[MBS_DIGEST_BYTES];
    mbs_origin_info origin;
    mbs_plan_origin(plan, &origin);
    mbs_hardware_digest(hardware, digest);
    if (origin.hardware_digest != NULL && strcmp(origin.hardware_digest, digest) != 0)
        note("the plan was made for %s (%s), not for %s (%s)", origin.hardware,
             origin.hardware_digest, hardware->name, digest);
}

void note_replaced_norms(const mbs_program *program)
{
    size_t replaced = mbs_program_replaced_batch_norms(program);
    if (replaced == 1)
        note("1 batch norm is planned as a group norm (--batch-norm keep plans it as it is)");
    else if (replaced > 1)
        note("%zu batch norms are planned as group norms "
             "(--batch-norm keep plans them as they are)",
             replaced);
}

bool planning_has_strips(const mbs_plan_options *options)
{
    return mbs_planner_takes_strips(options->planner) && !options->no_strips;
}
