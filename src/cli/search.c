#include "search.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alive.h"
#include "output.h"
#include "signals.h"

#define MOST_TIME_S 1e9
#define MOST_WORK   1e9
#define MOST_WEIGHT 1e9

/* ---- Objective ------------------------------------------------------------------------------- */

/* MBS_WEIGHTED goes by --weight. */
static const char *const objectives[] = {"traffic", "time", "energy", NULL};
#define BYTES_OF_WEIGHT 1e9 /* a unit of --weight */

bool search_objective(mbs_objective *result, const arguments *given)
{
    size_t objective;
    if (!option_choice(given, "objective", objectives, &objective))
        return false;
    *result = (mbs_objective)objective;
    return true;
}

int search_objective_of(mbs_objective *result, const planner_list *planners, const arguments *given)
{
    if (!search_objective(result, given))
        return EXIT_USAGE;
    if (*result != MBS_TRAFFIC && !planner_is_listed(planners, MBS_PLANNER_DP) &&
        !planner_is_listed(planners, MBS_PLANNER_BEST)) {
        complain("--objective %s is of the planners dp and best, which --planner leaves out",
                 objective_name(*result));
        return EXIT_USAGE;
    }
    return EXIT_OK;
}

/* What is asked for must be of one of the planners. */
static int check_heeded(const char *option, bool asked, const planner_list *planners,
                        int heeds(mbs_planner))
{
    for (size_t i = 0; i < planners->count; i++)
        if (heeds(planners->values[i]))
            return EXIT_OK;
    if (!asked)
        return EXIT_OK;
    complain("--%s is of the planners dp, ilp and best, which --planner leaves out", option);
    return EXIT_USAGE;
}

int search_in_place(int *result, const planner_list *planners, const arguments *given)
{
    *result = option_flag(given, "in-place");
    return check_heeded("in-place", *result, planners, mbs_planner_writes_in_place);
}

int search_order(mbs_order *result, const planner_list *planners, const arguments *given)
{
    static const char *const names[] = {"auto", "given", "search", NULL};
    static const mbs_order orders[] = {MBS_ORDER_AUTO, MBS_ORDER_GIVEN, MBS_ORDER_SEARCH};
    size_t order;
    if (!option_choice(given, "order", names, &order))
        return EXIT_USAGE;
    *result = orders[order];
    return check_heeded("order search", *result == MBS_ORDER_SEARCH, planners,
                        mbs_planner_searches_order);
}

mbs_order search_order_of(mbs_order asked, mbs_planner planner)
{
    const bool heeds =
        asked == MBS_ORDER_AUTO ? planner == MBS_PLANNER_BEST : mbs_planner_searches_order(planner);
    return heeds ? asked : MBS_ORDER_GIVEN;
}

bool search_heeds_objective(mbs_planner planner)
{
    return planner == MBS_PLANNER_DP || planner == MBS_PLANNER_BEST;
}

const char *objective_name(mbs_objective objective)
{
    return mbs_objective_name(objective);
}

/* ---- Limits ---------------------------------------------------------------------------------- */

/* "60" or "0.5": digits with at most one point among them. */
static bool is_decimal(const char *text)
{
    const char *digits = "0123456789";
    size_t whole = strspn(text, digits);
    if (whole == 0)
        return false;
    if (text[whole] == '\0')
        return true;
    const char *fraction = text + whole + 1;
    size_t length = strspn(fraction, digits);
    return text[whole] == '.' && length > 0 && fraction[length] == '\0';
}

int search_decimal(double *result, const arguments *given, const char *name, double maximum,
                   const char *unit)
{
    const char *value = option_value(given, name);
    if (value == NULL)
        return EXIT_OK;
    double number = is_decimal(value) ? strtod(value, NULL) : -1;
    if (number < 0 || number > maximum) {
        complain("--%s %s: expected a number from 0 to %.0f%s, such as 0.5", name, value, maximum,
                 unit);
        return EXIT_BAD_INPUT;
    }
    *result = number;
    return EXIT_OK;
}

int search_options(mbs_plan_options *result, const arguments *given)
{
    /* all are looked at, so that one run shows all that is wrong */
    int limit =
        search_decimal(&result->time_limit_s, given, "time-limit", MOST_TIME_S, " (seconds)");
    int gap = search_decimal(&result->gap_percent, given, "gap", 100, " (percent)");
    int work = search_decimal(&result->work_limit, given, "work-limit", MOST_WORK, " (units)");
    if (work == EXIT_OK && option_value(given, "work-limit") != NULL && !(result->work_limit > 0)) {
        complain("--work-limit 0: expected more; dp does without a search");
        work = EXIT_BAD_INPUT;
    }
    return limit != EXIT_OK ? limit : gap != EXIT_OK ? gap : work;
}

double search_work_limit(mbs_planner planner, double asked)
{
    return planner == MBS_PLANNER_ILP || planner == MBS_PLANNER_BEST ? asked : 0;
}

int search_weight(mbs_plan_options *result, const arguments *given)
{
    double weight = 0;
    if (option_value(given, "weight") == NULL)
        return EXIT_OK;
    if (option_value(given, "objective") != NULL) {
        complain("--weight and --objective exclude each other");
        return EXIT_USAGE;
    }
    int status = search_decimal(&weight, given, "weight", MOST_WEIGHT, " (GB a second)");
    result->objective = MBS_WEIGHTED;
    result->weight = round(weight * BYTES_OF_WEIGHT); /* whole bytes, so that digits tell them */
    return status;
}

int search_slowdown(double *percent, const arguments *given)
{
    return search_decimal(percent, given, "max-slowdown", 1000, " (percent)");
}

/* --max-dram, and what it makes of the defaults. */
static int read_max_dram(mbs_recompute_options *result, const arguments *given)
{
    const char *value = option_value(given, "max-dram");
    if (value == NULL)
        return EXIT_OK;
    mbs_error error;
    mbs_error_clear(&error);
    mbs_status status = mbs_parse_size(&result->max_dram_bytes, value, &error);
    if (status != MBS_OK)
        return report_error(status, &error);
    if (result->max_dram_bytes == 0) {
        complain("--max-dram %s: expected at least 1 byte", value);
        return EXIT_BAD_INPUT;
    }
    if (option_value(given, "recompute") == NULL)
        result->recompute = MBS_RECOMPUTE_AUTO;
    if (option_value(given, "max-recompute") == NULL)
        result->max_percent = INFINITY;
    return EXIT_OK;
}

#define MOST_EFFORT 1000

/* --effort, for sets that are searched for. */
static int read_effort(mbs_recompute_options *result, const arguments *given)
{
    const char *value = option_value(given, "effort");
    mbs_error error;
    int64_t effort;
    mbs_error_clear(&error);
    if (value == NULL)
        return EXIT_OK;
    if (result->recompute != MBS_RECOMPUTE_AUTO) {
        complain("--effort is of --recompute auto");
        return EXIT_USAGE;
    }
    mbs_status status = mbs_parse_integer(&effort, value, 1, MOST_EFFORT, "--effort", &error);
    if (status != MBS_OK)
        return report_error(status, &error);
    result->effort = (int)effort;
    return EXIT_OK;
}

int search_recompute(mbs_recompute_options *result, const arguments *given)
{
    const char *names[MBS_RECOMPUTE_COUNT + 1] = {NULL};
    size_t choice;
    for (int i = 0; i < MBS_RECOMPUTE_COUNT; i++)
        names[i] = mbs_recompute_name((mbs_recompute)i);
    *result = (mbs_recompute_options)MBS_RECOMPUTE_OPTIONS_INIT;
    if (!option_choice(given, "recompute", names, &choice))
        return EXIT_USAGE;
    result->recompute = (mbs_recompute)choice;
    int status = read_max_dram(result, given);
    if (status != EXIT_OK)
        return status;
    if (option_value(given, "max-recompute") != NULL && result->recompute != MBS_RECOMPUTE_AUTO) {
        complain("--max-recompute is of --recompute auto");
        return EXIT_USAGE;
    }
    status = read_effort(result, given);
    return status == EXIT_OK
               ? search_decimal(&result->max_percent, given, "max-recompute", 1000, " (percent)")
               : status;
}

/* ---- Planning -------------------------------------------------------------------------------- */

/* While this program's own thread waits, from the one that searches. */
int search_progress(const mbs_progress *progress, void *context)
{
    char now[128];
    const double incumbent = (double)progress->incumbent_bytes;
    const double bound = (double)progress->bound_bytes;
    const double unit = incumbent >= 1e9 ? 1e9 : 1e6;
    const char letter = unit >= 1e9 ? 'G' : 'M';
    (void)context;
    if (progress->incumbent_bytes > 0 && progress->bound_bytes > 0)
        snprintf(now, sizeof now, "best %.4f %cB  bound %.4f %cB  gap %.2f %%", incumbent / unit,
                 letter, bound / unit, letter, 100 * (incumbent - bound) / incumbent);
    else if (progress->incumbent_bytes > 0)
        snprintf(now, sizeof now, "best %.4f %cB", incumbent / unit, letter);
    if (progress->incumbent_bytes > 0)
        alive_detail(now);
    return signals_noted() != 0;
}

mbs_program_options search_program_options(const mbs_hardware *hardware, int inference,
                                           mbs_optimizer optimizer, int keep_batch_norm)
{
    mbs_program_options options = MBS_PROGRAM_OPTIONS_INIT;
    options.inference = inference;
    options.keep_batch_norm = keep_batch_norm;
    options.optimizer = optimizer;
    options.bits = hardware->bits;
    options.optimizer_bits = hardware->optimizer_bits;
    return options;
}

mbs_options search_network_options(const search_again *again, const mbs_plan_options *options)
{
    return (mbs_options){
        .no_fold = 1, /* nor .fuse: the network is what the options have made of it */
        .planner = options->planner,
        .objective = options->objective,
        .batch = options->batch,
        .buffer_bytes = options->buffer_bytes,
        .inference = again->inference,
        .keep_batch_norm = again->keep_batch_norm,
        .optimizer = again->optimizer,
        .recompute = again->recompute.recompute,
        .max_recompute_percent = again->recompute.max_percent,
        .max_dram_bytes = again->recompute.max_dram_bytes,
        .effort = again->recompute.effort,
        .no_pin = options->no_pin,
        .no_stream = options->no_stream,
        .no_strips = options->no_strips,
        .in_place = options->in_place,
        .order = options->order,
        .time_limit_s = options->time_limit_s,
        .gap_percent = options->gap_percent,
        .work_limit = options->work_limit,
        .weight = options->weight,
        .limit_slowdown = again->max_slowdown != NULL,
        .max_slowdown_percent = again->max_slowdown != NULL ? *again->max_slowdown : 0,
        .progress = options->progress,
        .progress_context = options->progress_context,
    };
}

static mbs_status make_plan(mbs_plan **plan, const mbs_program *program, const search_again *again,
                            const mbs_hardware *hardware, const mbs_plan_options *options,
                            mbs_error *error)
{
    if (again == NULL)
        return mbs_plan_create(plan, program, hardware, options, error);
    const mbs_options all = search_network_options(again, options);
    return mbs_plan_network(plan, again->network, hardware, &all, error);
}

/* Whether the search, interrupted, has a plan that it found so far. */
static bool has_best_so_far(const search_again *again, const mbs_plan_options *options)
{
    return options->planner == MBS_PLANNER_ILP || options->planner == MBS_PLANNER_BEST ||
           (again != NULL && again->recompute.recompute == MBS_RECOMPUTE_AUTO);
}

static mbs_status search_any(mbs_plan **plan, const mbs_program *program, const search_again *again,
                             const mbs_hardware *hardware, const mbs_plan_options *options,
                             mbs_error *error)
{
    const bool keeps = has_best_so_far(again, options);
    const bool interrupted = signals_noted() != 0;
    mbs_plan_options watched = *options;
    watched.progress = search_progress;
    alive_stage("planning");
    if (keeps)
        signals_catch();
    mbs_status status = make_plan(plan, program, again, hardware, &watched, error);
    if (keeps)
        signals_restore();
    alive_stage("reporting");
    if (status == MBS_OK && keeps && !interrupted && signals_noted() != 0 &&
        mbs_plan_outcome(*plan) != MBS_OPTIMAL)
        note("interrupted; the plan is the best found so far");
    return status;
}

mbs_status search_plan(mbs_plan **plan, const mbs_program *program, const search_again *again,
                       const mbs_hardware *hardware, const mbs_plan_options *options,
                       mbs_error *error)
{
    mbs_status status = search_any(plan, program, again, hardware, options, error);
    stage_done("plan");
    return status;
}

mbs_status search_compared(mbs_plan **plan, const mbs_program *program, const search_again *again,
                           const mbs_hardware *hardware, const mbs_plan_options *options,
                           mbs_error *error)
{
    mbs_status status = search_any(plan, program, again, hardware, options, error);
    if (status != MBS_ERR_STOPPED)
        return status;
    mbs_error_clear(error);
    return MBS_OK;
}
