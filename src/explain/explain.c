/* Finds out what is to be explained, and has it written. */
#include "explain/explanation.h"

#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "report/wrap.h"

/* ---- A larger buffer ------------------------------------------------------------------------- */

/* The planner to ask again: the plan's own where it is quick and can plan the program, else dp. */
static mbs_planner planner_again(const mbs_plan *plan)
{
    mbs_planner planner;
    char name[16] = "";
    const size_t length = strcspn(plan->planner_name, "+");
    if (length < sizeof name)
        memcpy(name, plan->planner_name, length);
    const bool known = mbs_planner_from_name(&planner, name, NULL) == MBS_OK;
    return known && !plan->program->split && planner != MBS_PLANNER_ILP &&
                   planner != MBS_PLANNER_BEST
               ? planner
               : MBS_PLANNER_DP;
}

/* Plans the plan's program for 1 MiB more. Plans of least traffic depend on no more of a machine
 * than is in the plan. */
static mbs_status plan_larger(explanation *of, mbs_error *error)
{
    const mbs_plan *plan = of->plan;
    mbs_hardware hardware;
    mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
    if (!checked_add(plan->buffer_bytes, STORY_MORE_BYTES, &options.buffer_bytes))
        return MBS_OK;
    mbs_hardware_wavecore(&hardware);
    hardware.reserved_bytes = plan->reserved_bytes;
    hardware.norm_passes = plan->norm_passes;
    if (plan->program->bits.activation != 0)
        hardware.bits = plan->program->bits;
    options.planner = planner_again(plan);
    options.batch = plan->batch;
    options.no_pin = !of->variants.task.pin;
    options.no_stream = !of->variants.task.stream;
    options.no_strips = !of->variants.task.strips;
    options.in_place = of->variants.task.in_place;
    mbs_status status = mbs_plan_create(&of->own_larger, plan->program, &hardware, &options, error);
    of->larger = of->own_larger;
    return status;
}

/* ---- What is asked --------------------------------------------------------------------------- */

static mbs_status find_step(explanation *of, const char *name, mbs_error *error)
{
    const mbs_program *p = of->plan->program;
    for (int32_t k = 0; k < p->step_count; k++)
        if (strcmp(p->steps[k].name, name) == 0) {
            of->step = k;
            return MBS_OK;
        }
    return error_set(error, MBS_ERR_INPUT, "plan of network %s: no step is called %s",
                     quoted(p->network_name).text, quoted(name).text);
}

static mbs_status find_scope(explanation *of, const mbs_explain_options *options, mbs_error *error)
{
    const mbs_plan *plan = of->plan;
    of->step = -1;
    of->end_group = plan->group_count;
    of->is_whole = options->group == 0 && options->step == NULL;
    if (options->group != 0 && options->step != NULL)
        return error_set(error, MBS_ERR_ARGUMENT, "a group or a step is explained, not both");
    if (options->step != NULL)
        return find_step(of, options->step, error);
    if (options->group > (size_t)plan->group_count)
        return error_set(error, MBS_ERR_INPUT, "plan of network %s: group %zu: expected 1 to %d",
                         quoted(plan->program->network_name).text, options->group,
                         (int)plan->group_count);
    if (options->group != 0) {
        of->first_group = (int32_t)options->group - 1;
        of->end_group = of->first_group + 1;
    }
    return MBS_OK;
}

static mbs_status find_all(explanation *of, const mbs_explain_options *options, mbs_error *error)
{
    const mbs_plan *plan = of->plan;
    mbs_status status = mbs_plan_verify(plan, NULL, error);
    if (status == MBS_OK)
        status = find_scope(of, options, error);
    if (status == MBS_OK)
        status = variants_open(&of->variants, plan, error);
    if (status != MBS_OK)
        return status;
    if (of->step >= 0)
        return parts_of_step(&of->parts, plan, &plan->groups[plan_group_of(plan, of->step)],
                             of->step, error);
    status = moves_find(&of->moves, plan, of->first_group, of->end_group, error);
    of->larger = options->larger;
    if (status == MBS_OK && of->is_whole && of->larger == NULL)
        status = plan_larger(of, error);
    return status;
}

typedef mbs_status writer(text *out, explanation *of, mbs_error *error);

static mbs_status explain(char **result, const mbs_plan *plan, const mbs_explain_options *options,
                          writer *write, int width, mbs_error *error)
{
    explanation of = {.plan = plan, .parts = {.step = -1}};
    text out = TEXT_INIT;
    *result = NULL;
    mbs_status status = find_all(&of, options, error);
    if (status == MBS_OK)
        status = write(&out, &of, error);
    part_list_free(&of.parts);
    moves_free(&of.moves);
    mbs_plan_free(of.own_larger);
    variants_close(&of.variants);
    if (status == MBS_OK)
        return report_finish(&out, width, result, error);
    text_free(&out);
    return status;
}

static const mbs_explain_options all = MBS_EXPLAIN_OPTIONS_INIT;

mbs_status mbs_explain_text(char **result, const mbs_plan *plan, const mbs_explain_options *options,
                            mbs_error *error)
{
    const mbs_explain_options *with = options != NULL ? options : &all;
    return explain(result, plan, with, explain_write_text, with->width, error);
}

mbs_status mbs_explain_json(char **result, const mbs_plan *plan, const mbs_explain_options *options,
                            mbs_error *error)
{
    return explain(result, plan, options != NULL ? options : &all, explain_write_json, 0, error);
}
