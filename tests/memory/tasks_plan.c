#include "tasks_plan.h"

#include <stdlib.h>

#include "inputs.h"

static mbs_status plan_as(mbs_planner planner, mbs_objective objective, mbs_error *error)
{
    mbs_plan *made;
    mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
    options.planner = planner;
    options.batch = 3;
    options.buffer_bytes = 8192;
    options.objective = objective;
    mbs_status status = mbs_plan_create(&made, given.program, &given.hardware, &options, error);
    require_none(status, made);
    mbs_plan_free(made);
    return status;
}

mbs_status task_plan(const task *this, mbs_error *error)
{
    return plan_as((mbs_planner)this->which, MBS_TRAFFIC, error);
}

mbs_status task_plan_for_time(const task *this, mbs_error *error)
{
    return plan_as((mbs_planner)this->which, MBS_TIME, error);
}

mbs_status task_plan_recomputing(const task *this, mbs_error *error)
{
    mbs_plan *made;
    mbs_program_options program_options = MBS_PROGRAM_OPTIONS_INIT;
    mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
    mbs_recompute_options recompute = MBS_RECOMPUTE_OPTIONS_INIT;
    options.planner = (mbs_planner)this->which;
    options.batch = 3;
    options.buffer_bytes = 8192;
    recompute.recompute = MBS_RECOMPUTE_AUTO;
    recompute.max_percent = 50;
    mbs_status status = mbs_plan_create_recompute(&made, given.network, &program_options,
                                                  &given.hardware, &options, &recompute, error);
    require_none(status, made);
    mbs_plan_free(made);
    return status;
}

mbs_status task_plan_strips(const task *this, mbs_error *error)
{
    (void)this;
    mbs_program *program;
    mbs_plan *made = NULL;
    mbs_program_options program_options = MBS_PROGRAM_OPTIONS_INIT;
    mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
    program_options.split_norms = 1;
    options.batch = 3;
    options.buffer_bytes = 8192;
    mbs_status status = mbs_program_create(&program, given.network, &program_options, error);
    if (status == MBS_OK)
        status = mbs_plan_create(&made, program, &given.hardware, &options, error);
    require_none(status, made);
    mbs_plan_free(made);
    mbs_program_free(program);
    return status;
}

mbs_status task_search(const task *this, mbs_error *error)
{
    (void)this;
    mbs_plan *made;
    const mbs_plan_options options = decoder_options(MBS_PLANNER_ILP);
    mbs_status status = mbs_plan_create(&made, given.decoder, &given.hardware, &options, error);
    require_none(status, made);
    mbs_plan_free(made);
    return status;
}

static void take_note(const char *note, void *context)
{
    *(size_t *)context += note[0] != '\0';
}

mbs_status task_place(const task *this, mbs_error *error)
{
    const mbs_plan *unplaced = this->which == 0 ? given.unplaced : given.strips;
    mbs_plan *made;
    const mbs_hardware coarse = coarse_hardware();
    size_t notes = 0;
    mbs_status status = mbs_plan_place(&made, unplaced, &coarse, take_note, &notes, error);
    require_none(status, made);
    if ((status == MBS_OK) != (notes > 0))
        abort();
    mbs_plan_free(made);
    return status;
}

mbs_status task_map(const task *this, mbs_error *error)
{
    const mbs_plan *unplaced = this->which == 0 ? given.unplaced : given.strips;
    const mbs_hardware coarse = coarse_hardware();
    mbs_buffer_range *ranges;
    size_t count;
    size_t notes = 0;
    mbs_status status =
        mbs_plan_buffer_map(&ranges, &count, unplaced, &coarse, take_note, &notes, error);
    require_none(status, ranges);
    if ((status == MBS_OK) != (count > 0))
        abort();
    mbs_free(ranges);
    return status;
}

mbs_status task_import_solution(const task *this, mbs_error *error)
{
    (void)this;
    mbs_plan *made;
    mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
    options.planner = MBS_PLANNER_ILP;
    options.batch = 2;
    options.buffer_bytes = 16384;
    mbs_status status = mbs_plan_import_solution(&made, given.tiny, &given.hardware, &options,
                                                 given.solution_path[this->which], error);
    require_none(status, made);
    mbs_plan_free(made);
    return status;
}

mbs_status task_export_model(const task *this, mbs_error *error)
{
    mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
    options.batch = 2;
    options.buffer_bytes = 8192;
    return mbs_plan_export_model(given.program, &given.hardware, &options,
                                 inputs_scratch(this->which == 0 ? "model.lp" : "model.mps"),
                                 error);
}

mbs_status task_export_plan(const task *this, mbs_error *error)
{
    mbs_export_options options = MBS_EXPORT_OPTIONS_INIT;
    mbs_export_info format;
    const bool strips = this->which >= EXPORTS;
    if (mbs_export_format((size_t)(strips ? this->which - EXPORTS : this->which), &format) !=
        MBS_OK)
        abort();
    options.format = format.name;
    return mbs_plan_export(strips ? given.strips : given.planned, &given.hardware, &options,
                           inputs_scratch(format.name), error);
}

mbs_status task_simulate(const task *this, mbs_error *error)
{
    mbs_simulate_options options = MBS_SIMULATE_OPTIONS_INIT;
    mbs_simulation result;
    options.timeline = inputs_scratch("timeline");
    return mbs_simulate(&result, NULL, NULL, this->which == 0 ? given.planned : given.strips,
                        &given.hardware, &options, error);
}
