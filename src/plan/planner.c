#include "plan/planner.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "cost/footprint.h"
#include "cost/traffic.h"

typedef struct planner_row {
    const char *name;
    planner_function *run;
} planner_row;

static const planner_row planners[MBS_PLANNER_COUNT] = {
    [MBS_PLANNER_BASELINE] = {"baseline", plan_baseline},
    [MBS_PLANNER_ARCHOPT] = {"archopt", plan_baseline},
    [MBS_PLANNER_IL] = {"il", plan_il},
    [MBS_PLANNER_MBS_FS] = {"mbs-fs", plan_mbs_fs},
    [MBS_PLANNER_MBS1] = {"mbs1", plan_mbs1},
    [MBS_PLANNER_MBS2] = {"mbs2", plan_mbs2},
    [MBS_PLANNER_DP] = {"dp", plan_dp_objective},
    [MBS_PLANNER_ILP] = {"ilp", plan_ilp},
    [MBS_PLANNER_BEST] = {"best", plan_best},
};

const char *mbs_planner_name(mbs_planner planner)
{
    return (unsigned)planner < MBS_PLANNER_COUNT ? planners[planner].name : NULL;
}

mbs_status mbs_planner_from_name(mbs_planner *planner, const char *name, mbs_error *error)
{
    for (unsigned i = 0; i < MBS_PLANNER_COUNT; i++)
        if (strcmp(name, planners[i].name) == 0) {
            *planner = (mbs_planner)i;
            return MBS_OK;
        }
    char known[128] = "";
    for (unsigned i = 0; i < MBS_PLANNER_COUNT; i++)
        list_word(known, sizeof known, ", ", planners[i].name);
    return error_set(error, MBS_ERR_INPUT, "unknown planner %s; expected one of %s",
                     quoted(name).text, known);
}

mbs_status candidates_create(candidates *list, int64_t batch, mbs_error *error)
{
    int32_t count = 0;
    for (int64_t b = batch; b >= 1; b = ceil_div(batch, ceil_div(batch, b)) - 1)
        count++;
    list->count = 0;
    list->iterations = mem_alloc((size_t)count * sizeof *list->iterations);
    list->sub_batch = mem_alloc((size_t)count * sizeof *list->sub_batch);
    if (list->iterations == NULL || list->sub_batch == NULL) {
        candidates_free(list);
        return error_memory(error);
    }
    for (int64_t b = batch; b >= 1; b = list->sub_batch[list->count++] - 1) {
        list->iterations[list->count] = ceil_div(batch, b);
        list->sub_batch[list->count] = ceil_div(batch, list->iterations[list->count]);
    }
    return MBS_OK;
}

void candidates_free(candidates *list)
{
    mem_free(list->iterations);
    mem_free(list->sub_batch);
    *list = (candidates){0};
}

int64_t smallest_iterations(int64_t batch, int64_t samples)
{
    return ceil_div(batch, min_i64(batch, samples));
}

mbs_group *plan_add_group(mbs_plan *plan, int32_t first, int32_t end, int64_t iterations)
{
    mbs_group *group = &plan->groups[plan->group_count++];
    *group = (mbs_group){.first = first,
                         .end = end,
                         .iterations = iterations,
                         .sub_batch = ceil_div(plan->batch, iterations),
                         .strips = 1,
                         .passes = 1};
    return group;
}

void plan_add_passes(mbs_plan *plan, const plan_task *task, int32_t k)
{
    const mbs_step *step = &task->program->steps[k];
    plan_add_group(plan, k, k + 1, 1)->passes =
        step_passes(step, task->capacity, task->norm_passes);
    plan->mode[k] = MBS_PASSES;
}

int64_t plan_passes_bytes(const plan_task *task, int32_t k)
{
    const mbs_step *step = &task->program->steps[k];
    const int64_t passes = step_passes(step, task->capacity, task->norm_passes);
    return task->batch * step_alone_activations(task->program, k, passes) +
           step_parameter_bytes(step);
}

void plan_add_lone_step(mbs_plan *plan, const plan_task *task, int32_t k)
{
    if (task->batch * program_operand_bytes(task->program, k) <= task->capacity)
        plan_add_group(plan, k, k + 1, 1);
    else
        plan_add_passes(plan, task, k);
}

mbs_status plan_baseline(mbs_plan *plan, const plan_task *task, mbs_error *error)
{
    (void)error; /* nothing can fail */
    for (int32_t k = 0; k < task->program->step_count; k++)
        plan_add_lone_step(plan, task, k);
    plan->outcome = MBS_HEURISTIC;
    return MBS_OK;
}

double plan_now_s(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* What dp's plan moves. */
static mbs_status dp_bytes(int64_t *bytes, const mbs_plan *like, const plan_task *task,
                           mbs_error *error)
{
    mbs_plan *plan = plan_allocate_like(like, "dp");
    if (plan == NULL)
        return error_memory(error);
    mbs_status status = plan_dp(plan, task, error);
    *bytes = plan_count(plan).total;
    mbs_plan_free(plan);
    return status;
}

/*
 * ilp starts from dp's plan and leaves it as it is unless it finds a better one. The name tells
 * whose word the plan is: dp's, or ilp's if it is better or ilp has proven that none is.
 */
mbs_status plan_best(mbs_plan *plan, const plan_task *task, mbs_error *error)
{
    const double start_s = plan_now_s();
    plan_task rest = *task;
    int64_t bytes = 0;
    mbs_status status = dp_bytes(&bytes, plan, task, error);
    if (status != MBS_OK)
        return status;
    rest.time_limit_s -= plan_now_s() - start_s;
    status = plan_ilp(plan, &rest, error);
    if (status != MBS_OK)
        return status;
    bool is_dp = plan->outcome != MBS_OPTIMAL && plan_count(plan).total == bytes;
    char *name = mem_strdup(is_dp ? "dp" : "ilp");
    if (name == NULL)
        return error_memory(error);
    mem_free(plan->planner_name);
    plan->planner_name = name;
    return MBS_OK;
}

static mbs_status check_options(const mbs_hardware *hardware, const mbs_plan_options *options,
                                int64_t buffer_bytes, mbs_error *error)
{
    if (options->batch < 1 || options->batch > MBS_MAX_BATCH)
        return error_set(error, MBS_ERR_INPUT, "mini-batch %" PRId64 ": expected 1 to %d samples",
                         options->batch, MBS_MAX_BATCH);
    if (hardware->reserved_bytes < 0 || hardware->norm_passes < 1)
        return error_set(error, MBS_ERR_INPUT,
                         "hardware %s: reserved_bytes %" PRId64 " and norm_passes %" PRId64
                         ": expected at least 0 and 1",
                         quoted(hardware->name).text, hardware->reserved_bytes,
                         hardware->norm_passes);
    if (buffer_bytes < MBS_MIN_BUFFER_BYTES)
        return error_set(error, MBS_ERR_INPUT,
                         "buffer of %" PRId64 " bytes: expected at least %d (a missing unit? write "
                         "10MiB for 10485760)",
                         buffer_bytes, MBS_MIN_BUFFER_BYTES);
    if (buffer_bytes - hardware->reserved_bytes < MBS_MIN_BUFFER_BYTES)
        return error_set(error, MBS_ERR_INPUT,
                         "buffer of %" PRId64 " bytes: the hardware reserves %" PRId64
                         " of it, expected at least %d more",
                         buffer_bytes, hardware->reserved_bytes, MBS_MIN_BUFFER_BYTES);
    if (!(options->time_limit_s >= 0) || !(options->gap_percent >= 0)) /* no number is neither */
        return error_set(error, MBS_ERR_INPUT,
                         "time limit of %g s, gap of %g %%: expected at least 0",
                         options->time_limit_s, options->gap_percent);
    return MBS_OK;
}

mbs_status plan_open(mbs_plan **out, plan_task *task, const mbs_program *program,
                     const mbs_hardware *hardware, const mbs_plan_options *options,
                     const char *planner_name, mbs_error *error)
{
    *out = NULL;
    int64_t buffer_bytes =
        options->buffer_bytes != 0 ? options->buffer_bytes : hardware->buffer_bytes;
    mbs_status status = check_options(hardware, options, buffer_bytes, error);
    if (status != MBS_OK)
        return status;
    *task = (plan_task){.program = program,
                        .batch = options->batch,
                        .capacity = buffer_bytes - hardware->reserved_bytes,
                        .norm_passes = hardware->norm_passes,
                        .pin = !options->no_pin,
                        .stream = !options->no_stream,
                        .time_limit_s = options->time_limit_s,
                        .gap_percent = options->gap_percent,
                        .progress = options->progress,
                        .progress_context = options->progress_context,
                        .objective = options->objective,
                        .hardware = hardware};
    status = cost_check_range(program, task->batch, task->capacity, task->norm_passes, error);
    if (status != MBS_OK)
        return status;
    mbs_plan *plan = plan_allocate(program, planner_name);
    if (plan == NULL)
        return error_memory(error);
    plan->batch = task->batch;
    plan->buffer_bytes = buffer_bytes;
    plan->reserved_bytes = hardware->reserved_bytes;
    plan->norm_passes = task->norm_passes;
    plan->double_buffered = options->planner != MBS_PLANNER_BASELINE;
    *out = plan;
    return MBS_OK;
}

void plan_sum_up(mbs_plan *plan)
{
    for (int32_t g = 0; g < plan->group_count; g++)
        plan->groups[g].peak_bytes = plan_group_peak(plan, &plan->groups[g]);
    plan->traffic = plan_count(plan);
}

mbs_status plan_run(mbs_plan **out, const mbs_program *program, const mbs_hardware *hardware,
                    const mbs_plan_options *options, mbs_error *error)
{
    plan_task task;
    mbs_plan *plan;
    *out = NULL;
    if (mbs_planner_name(options->planner) == NULL)
        return error_set(error, MBS_ERR_ARGUMENT, "no planner has the number %d",
                         (int)options->planner);
    mbs_status status =
        plan_open(&plan, &task, program, hardware, options, planners[options->planner].name, error);
    if (status == MBS_OK)
        status = planners[options->planner].run(plan, &task, error);
    if (status != MBS_OK) {
        mbs_plan_free(plan);
        return status;
    }
    plan_sum_up(plan);
    *out = plan;
    return MBS_OK;
}
