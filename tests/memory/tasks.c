#include "tasks.h"

#include <stdlib.h>
#include <string.h>

#include "inputs.h"
#include "tasks_plan.h"

void require_none(mbs_status status, const void *made)
{
    if (status != MBS_OK && made != NULL)
        abort();
}

static mbs_status load_network(const task *this, mbs_error *error)
{
    (void)this;
    mbs_network *made;
    mbs_status status = mbs_network_load_text(&made, given.network_text.data,
                                              given.network_text.length, "network.json", error);
    require_none(status, made);
    mbs_network_free(made);
    return status;
}

#define BLANKS 70000 /* behind the text: more than a stream is given room for at first */

/* The text in pieces, from a stream. */
static int64_t read_piece(void *context, char *data, size_t room)
{
    size_t *at = context;
    const bool blanks = *at >= given.network_text.length;
    size_t length = given.network_text.length + (blanks ? BLANKS : 0) - *at;
    length = length < room ? length : room;
    length = blanks || length < 100 ? length : 100;
    if (blanks)
        memset(data, ' ', length);
    else
        memcpy(data, given.network_text.data + *at, length);
    *at += length;
    return (int64_t)length;
}

static mbs_status stream_network(const task *this, mbs_error *error)
{
    (void)this;
    mbs_network *made;
    size_t at = 0;
    mbs_status status = mbs_network_load_stream(&made, read_piece, &at, "stream", error);
    require_none(status, made);
    mbs_network_free(made);
    return status;
}

static mbs_status put_together(const task *this, mbs_error *error)
{
    (void)this;
    const int64_t shape[] = {3, 8, 8};
    const int64_t margins[] = {1, 1};
    const char *sources[] = {"x"};
    const mbs_layer_member stride = {.name = "stride", .list = margins, .count = 2};
    const mbs_layer_spec layer = {.name = "c",
                                  .op = "conv",
                                  .inputs = sources,
                                  .input_count = 1,
                                  .out_channels = 4,
                                  .kernel = {3, 3},
                                  .bias = 1,
                                  .members = &stride,
                                  .member_count = 1};
    mbs_network_builder *builder;
    mbs_network *made = NULL;
    mbs_status status = mbs_network_builder_create(&builder, "mine", error);
    if (status == MBS_OK)
        status = mbs_network_builder_input(builder, "x", shape, 3, error);
    if (status == MBS_OK)
        status = mbs_network_builder_layer(builder, &layer, error);
    if (status == MBS_OK)
        status = mbs_network_builder_finish(&made, builder, "memory", error);
    mbs_network_free(made);
    mbs_network_builder_free(builder);
    return status;
}

static mbs_status load_hardware(const task *this, mbs_error *error)
{
    (void)this;
    mbs_hardware made;
    return mbs_hardware_load_text(&made, given.hardware_text.data, given.hardware_text.length,
                                  "hardware.json", error);
}

static mbs_status build_program(const task *this, mbs_error *error)
{
    (void)this;
    mbs_program *made;
    mbs_program_options options = MBS_PROGRAM_OPTIONS_INIT;
    mbs_status status = mbs_program_create(&made, given.network, &options, error);
    require_none(status, made);
    mbs_program_free(made);
    return status;
}

static mbs_status load_plan(const task *this, mbs_error *error)
{
    (void)this;
    mbs_plan *made;
    mbs_status status =
        mbs_plan_load_text(&made, given.plan_text.data, given.plan_text.length, "plan.json", error);
    require_none(status, made);
    mbs_plan_free(made);
    return status;
}

static mbs_status verify(const task *this, mbs_error *error)
{
    (void)this;
    return mbs_plan_verify(given.loaded, NULL, error);
}

static mbs_status write_json(const task *this, mbs_error *error)
{
    (void)this;
    char *made = NULL;
    mbs_status status = mbs_plan_to_json(&made, given.loaded, error);
    mbs_free(made);
    return status;
}

static mbs_status write_json_with_cost(const task *this, mbs_error *error)
{
    (void)this;
    char *made = NULL;
    mbs_status status = mbs_plan_to_json_with_cost(&made, given.planned, &given.hardware, error);
    require_none(status, made);
    mbs_free(made);
    return status;
}

static mbs_status write_exact_table(const task *this, mbs_error *error)
{
    (void)this;
    char *made = NULL;
    mbs_report_options options = {.hardware = &given.hardware, .baseline = given.planned};
    mbs_status status =
        mbs_report_exact_table(&made, given.planned, given.planned, &options, error);
    require_none(status, made);
    mbs_free(made);
    return status;
}

static mbs_status write_table(const task *this, mbs_error *error)
{
    (void)this;
    char *made = NULL;
    mbs_report_options options = {0};
    mbs_status status = mbs_report_plan_table(&made, given.loaded, &options, error);
    mbs_free(made);
    return status;
}

static mbs_status write_csv(const task *this, mbs_error *error)
{
    (void)this;
    char *made = NULL;
    mbs_status status = mbs_report_plan_csv(&made, given.loaded, error);
    mbs_free(made);
    return status;
}

static mbs_status explain(const task *this, mbs_error *error)
{
    char *made = NULL;
    mbs_explain_options options = MBS_EXPLAIN_OPTIONS_INIT;
    options.group = this->which == 2 ? 1 : 0;
    mbs_status status = this->which == 1 ? mbs_explain_json(&made, given.loaded, &options, error)
                                         : mbs_explain_text(&made, given.loaded, &options, error);
    require_none(status, made);
    mbs_free(made);
    return status;
}

static mbs_status write_network_table(const task *this, mbs_error *error)
{
    (void)this;
    char *made = NULL;
    mbs_status status =
        mbs_report_network_table(&made, given.network, given.program, &given.hardware, 4, 0, error);
    mbs_free(made);
    return status;
}

static mbs_status write_file(const task *this, mbs_error *error)
{
    (void)this;
    return mbs_write_file(inputs_scratch("file"), given.plan_text.data, given.plan_text.length,
                          error);
}

const task tasks[] = {
    {"load a network", load_network, 0},
    {"load a network from a stream", stream_network, 0},
    {"put a network together", put_together, 0},
    {"load a machine", load_hardware, 0},
    {"build a program", build_program, 0},
    {"plan with baseline", task_plan, MBS_PLANNER_BASELINE},
    {"plan with il", task_plan, MBS_PLANNER_IL},
    {"plan with mbs-fs", task_plan, MBS_PLANNER_MBS_FS},
    {"plan with mbs2", task_plan, MBS_PLANNER_MBS2},
    {"plan with dp", task_plan, MBS_PLANNER_DP},
    {"plan with dp for time", task_plan_for_time, MBS_PLANNER_DP},
    {"plan with ilp", task_plan, MBS_PLANNER_ILP},
    {"plan with ilp, searching", task_search, 0},
    {"plan with best", task_plan, MBS_PLANNER_BEST},
    {"plan with dp in strips", task_plan_strips, 0},
    {"plan with mbs2, recomputing", task_plan_recomputing, MBS_PLANNER_MBS2},
    {"plan with dp, recomputing", task_plan_recomputing, MBS_PLANNER_DP},
    {"plan with ilp, recomputing", task_plan_recomputing, MBS_PLANNER_ILP},
    {"place a plan", task_place, 0},
    {"place a plan in strips", task_place, 1},
    {"map the buffer", task_map, 0},
    {"map the buffer of strips", task_map, 1},
    {"write the integer program as LP", task_export_model, 0},
    {"write the integer program as MPS", task_export_model, 1},
    {"import a list of values", task_import_solution, 0},
    {"import GLPK's solution", task_import_solution, 1},
    {"import GLPK's report", task_import_solution, 2},
    {"load a plan", load_plan, 0},
    {"verify a plan", verify, 0},
    {"write a plan", write_json, 0},
    {"write a plan with its cost", write_json_with_cost, 0},
    {"write a table", write_table, 0},
    {"write a table of an exact plan", write_exact_table, 0},
    {"write CSV", write_csv, 0},
    {"explain a plan", explain, 0},
    {"explain a plan as JSON", explain, 1},
    {"explain a group", explain, 2},
    {"write a network's table", write_network_table, 0},
    {"write a file", write_file, 0},
    {"export 0", task_export_plan, 0},
    {"export 1", task_export_plan, 1},
    {"export 2", task_export_plan, 2},
    {"export 3", task_export_plan, 3},
    {"export 4", task_export_plan, 4},
    {"export 5", task_export_plan, 5},
    {"export 6", task_export_plan, 6},
    {"export 7", task_export_plan, 7},
    {"export 8", task_export_plan, 8},
    {"export strips 0", task_export_plan, EXPORTS + 0},
    {"export strips 1", task_export_plan, EXPORTS + 1},
    {"export strips 2", task_export_plan, EXPORTS + 2},
    {"export strips 3", task_export_plan, EXPORTS + 3},
    {"export strips 4", task_export_plan, EXPORTS + 4},
    {"export strips 5", task_export_plan, EXPORTS + 5},
    {"export strips 6", task_export_plan, EXPORTS + 6},
    {"export strips 7", task_export_plan, EXPORTS + 7},
    {"export strips 8", task_export_plan, EXPORTS + 8},
    {"simulate", task_simulate, 0},
    {"simulate strips", task_simulate, 1},
};
const size_t task_count = sizeof tasks / sizeof tasks[0];
