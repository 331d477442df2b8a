#include "plan/planner.h"

#include <inttypes.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "cost/footprint.h"
#include "cost/peak.h"
#include "cost/traffic.h"

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

mbs_group *plan_copy_group(mbs_plan *plan, const mbs_plan *other, int32_t from)
{
    const mbs_step *steps = plan->program->steps;
    const mbs_group *source = &other->groups[from];
    const size_t count = (size_t)(source->end - source->first);
    const int32_t touch = steps[source->first].touch_begin;
    const size_t touches = (size_t)(steps[source->end - 1].touch_end - touch);
    mbs_group *group = &plan->groups[plan->group_count++];
    *group = *source;
    memcpy(&plan->resident[touch], &other->resident[touch], touches * sizeof *plan->resident);
    memcpy(&plan->mode[source->first], &other->mode[source->first], count * sizeof *plan->mode);
    memcpy(&plan->over[source->first], &other->over[source->first], count * sizeof *plan->over);
    memcpy(&plan->pinned_weight[source->first], &other->pinned_weight[source->first],
           count * sizeof *plan->pinned_weight);
    memcpy(&plan->pinned_accumulator[source->first], &other->pinned_accumulator[source->first],
           count * sizeof *plan->pinned_accumulator);
    return group;
}

void plan_drop_group(mbs_plan *plan)
{
    const mbs_step *steps = plan->program->steps;
    const mbs_group *group = &plan->groups[--plan->group_count];
    const size_t count = (size_t)(group->end - group->first);
    const int32_t begin = steps[group->first].touch_begin;
    const size_t touches = (size_t)(steps[group->end - 1].touch_end - begin);
    memset(plan->resident + begin, 0, touches * sizeof *plan->resident);
    for (int32_t k = group->first; k < group->end; k++) {
        plan->mode[k] = MBS_STAGED;
        plan->over[k] = -1;
    }
    memset(plan->pinned_weight + group->first, 0, count * sizeof *plan->pinned_weight);
    memset(plan->pinned_accumulator + group->first, 0, count * sizeof *plan->pinned_accumulator);
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
           step_parameter_moves(task->program, k);
}

void plan_add_lone_step(mbs_plan *plan, const plan_task *task, int32_t k)
{
    if (task->batch * program_operand_bytes(task->program, k) <= task->capacity)
        plan_add_group(plan, k, k + 1, 1);
    else
        plan_add_passes(plan, task, k);
}

/* Beyond this a byte makes no difference to a double. */
#define MOST_WEIGHT 1e24

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
    if (!(options->time_limit_s >= 0) || !(options->gap_percent >= 0) ||
        !(options->work_limit >= 0)) /* no number is neither */
        return error_set(error, MBS_ERR_INPUT,
                         "time limit of %g s, gap of %g %%, work limit of %g: expected at least 0",
                         options->time_limit_s, options->gap_percent, options->work_limit);
    if ((unsigned)options->objective >= MBS_OBJECTIVE_COUNT)
        return error_set(error, MBS_ERR_ARGUMENT, "no objective has the number %d",
                         (int)options->objective);
    if (options->objective == MBS_WEIGHTED &&
        !(options->weight >= 0 && options->weight <= MOST_WEIGHT))
        return error_set(error, MBS_ERR_INPUT, "weight of %g bytes a second: expected 0 to %g",
                         options->weight, MOST_WEIGHT);
    return MBS_OK;
}

/* Sizes of a program are counted in the words that it was built for. */
static mbs_status check_words(const mbs_program *program, const mbs_hardware *hardware,
                              mbs_error *error)
{
    const mbs_word_bits *has = &program->bits;
    const mbs_word_bits *wants = &hardware->bits;
    const bool known = has->activation != 0;
    if (!known || (has->activation == wants->activation && has->weight == wants->weight &&
                   has->accumulator == wants->accumulator && has->mask == wants->mask))
        return MBS_OK;
    return error_set(
        error, MBS_ERR_ARGUMENT,
        "the program of network %s is built for words of %" PRId64 ", %" PRId64 ", %" PRId64
        " and %" PRId64
        " bits (activations, weights, accumulators, masks), but hardware %s has %" PRId64
        ", %" PRId64 ", %" PRId64 " and %" PRId64
        ": expected the same (set bits in the program's options)",
        quoted(program->network_name).text, has->activation, has->weight, has->accumulator,
        has->mask, quoted(hardware->name).text, wants->activation, wants->weight,
        wants->accumulator, wants->mask);
}

/* The same for the words of its optimizer. */
static mbs_status check_optimizer_words(const mbs_program *program, const mbs_hardware *hardware,
                                        mbs_error *error)
{
    const mbs_optimizer_bits *has = &program->optimizer_bits;
    const mbs_optimizer_bits *wants = &hardware->optimizer_bits;
    if (program->optimizer == MBS_OPTIMIZER_NONE ||
        (has->master == wants->master && has->state == wants->state))
        return MBS_OK;
    return error_set(error, MBS_ERR_ARGUMENT,
                     "the program of network %s is built for masters of %" PRId64
                     " bits and state of %" PRId64 ", but hardware %s has %" PRId64 " and %" PRId64
                     ": expected the same (set optimizer_bits in the program's options)",
                     quoted(program->network_name).text, has->master, has->state,
                     quoted(hardware->name).text, wants->master, wants->state);
}

mbs_status plan_open(mbs_plan **out, plan_task *task, const mbs_program *program,
                     const mbs_hardware *hardware, const mbs_plan_options *options,
                     const char *planner_name, mbs_error *error)
{
    *out = NULL;
    int64_t buffer_bytes =
        options->buffer_bytes != 0 ? options->buffer_bytes : hardware->buffer_bytes;
    mbs_status status = check_options(hardware, options, buffer_bytes, error);
    if (status == MBS_OK)
        status = check_words(program, hardware, error);
    if (status == MBS_OK)
        status = check_optimizer_words(program, hardware, error);
    if (status != MBS_OK)
        return status;
    *task = (plan_task){.program = program,
                        .batch = options->batch,
                        .capacity = buffer_bytes - hardware->reserved_bytes,
                        .norm_passes = hardware->norm_passes,
                        .pin = !options->no_pin,
                        .stream = !options->no_stream,
                        .in_place = options->in_place,
                        .strips = !options->no_strips,
                        .gap_percent = options->gap_percent,
                        .objective = options->objective,
                        .weight = options->weight,
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

mbs_status plan_sum_up(mbs_plan *plan, mbs_error *error)
{
    mbs_status status = MBS_OK;
    for (int32_t g = 0; g < plan->group_count && status == MBS_OK; g++)
        status = plan_find_peak(&plan->groups[g].peak_bytes, plan, &plan->groups[g], error);
    plan->traffic = plan_count(plan);
    return status;
}
