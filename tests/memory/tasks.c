#include "tasks.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXPORTS 9 /* formats, each a task */

#define ROOM 65536

typedef struct text {
    char data[ROOM];
    size_t length;
} text;

static text network_text;
static text hardware_text;
static text plan_text;
static char solution_path[3][1024]; /* of each format */
static char folder[] = "/tmp/mbsopt-allocation-XXXXXX";

/* What a task makes, for the next; a task under test makes it anew and frees it. */
static mbs_network *network;
static mbs_program *program;
static mbs_program *tiny; /* what the solution is of */
static mbs_plan *loaded;
static mbs_plan *planned;
static mbs_hardware hardware;

/* A path in the folder for what is written. */
static const char *scratch(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* A call that failed hands out nothing. */
static void require_none(mbs_status status, const void *made)
{
    if (status != MBS_OK && made != NULL)
        abort();
}

static mbs_status load_network(const task *this, mbs_error *error)
{
    (void)this;
    mbs_network *made;
    mbs_status status =
        mbs_network_load_text(&made, network_text.data, network_text.length, "network.json", error);
    require_none(status, made);
    mbs_network_free(made);
    return status;
}

/* The text in pieces, from a stream. */
static int64_t read_piece(void *context, char *data, size_t room)
{
    size_t *at = context;
    size_t length = network_text.length - *at;
    length = length < room ? length : room;
    length = length < 100 ? length : 100;
    memcpy(data, network_text.data + *at, length);
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
    const char *inputs[] = {"x"};
    const mbs_layer_member given = {.name = "stride", .list = margins, .count = 2};
    const mbs_layer_spec layer = {.name = "c",
                                  .op = "conv",
                                  .inputs = inputs,
                                  .input_count = 1,
                                  .out_channels = 4,
                                  .kernel = {3, 3},
                                  .bias = 1,
                                  .members = &given,
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
    return mbs_hardware_load_text(&made, hardware_text.data, hardware_text.length, "hardware.json",
                                  error);
}

static mbs_status build_program(const task *this, mbs_error *error)
{
    (void)this;
    mbs_program *made;
    mbs_program_options options = MBS_PROGRAM_OPTIONS_INIT;
    mbs_status status = mbs_program_create(&made, network, &options, error);
    require_none(status, made);
    mbs_program_free(made);
    return status;
}

static mbs_status plan_as(mbs_planner planner, mbs_objective objective, mbs_error *error)
{
    mbs_plan *made;
    mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
    options.planner = planner;
    options.batch = 3;
    options.buffer_bytes = 8192;
    options.objective = objective;
    mbs_status status = mbs_plan_create(&made, program, &hardware, &options, error);
    require_none(status, made);
    mbs_plan_free(made);
    return status;
}

static mbs_status plan(const task *this, mbs_error *error)
{
    return plan_as((mbs_planner)this->which, MBS_TRAFFIC, error);
}

static mbs_status plan_for_time(const task *this, mbs_error *error)
{
    return plan_as((mbs_planner)this->which, MBS_TIME, error);
}

/* Chooses what to recompute itself. */
static mbs_status plan_recomputing(const task *this, mbs_error *error)
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
    mbs_status status = mbs_plan_create_recompute(&made, network, &program_options, &hardware,
                                                  &options, &recompute, error);
    require_none(status, made);
    mbs_plan_free(made);
    return status;
}

static mbs_status import_solution(const task *this, mbs_error *error)
{
    (void)this;
    mbs_plan *made;
    mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
    options.planner = MBS_PLANNER_ILP;
    options.batch = 2;
    options.buffer_bytes = 16384;
    mbs_status status = mbs_plan_import_solution(&made, tiny, &hardware, &options,
                                                 solution_path[this->which], error);
    require_none(status, made);
    mbs_plan_free(made);
    return status;
}

static mbs_status export_model(const task *this, mbs_error *error)
{
    mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
    options.batch = 2;
    options.buffer_bytes = 8192;
    return mbs_plan_export_model(program, &hardware, &options,
                                 scratch(this->which == 0 ? "model.lp" : "model.mps"), error);
}

/* The format numbered `which`. */
static mbs_status export(const task *this, mbs_error *error)
{
    mbs_export_options options = MBS_EXPORT_OPTIONS_INIT;
    mbs_export_info format;
    if (mbs_export_format((size_t)this->which, &format) != MBS_OK)
        abort();
    options.format = format.name;
    return mbs_plan_export(planned, &hardware, &options, scratch(format.name), error);
}

static mbs_status load_plan(const task *this, mbs_error *error)
{
    (void)this;
    mbs_plan *made;
    mbs_status status =
        mbs_plan_load_text(&made, plan_text.data, plan_text.length, "plan.json", error);
    require_none(status, made);
    mbs_plan_free(made);
    return status;
}

static mbs_status verify(const task *this, mbs_error *error)
{
    (void)this;
    return mbs_plan_verify(loaded, NULL, error);
}

static mbs_status write_json(const task *this, mbs_error *error)
{
    (void)this;
    char *made = NULL;
    mbs_status status = mbs_plan_to_json(&made, loaded, error);
    mbs_free(made);
    return status;
}

static mbs_status write_json_with_cost(const task *this, mbs_error *error)
{
    (void)this;
    char *made = NULL;
    mbs_status status = mbs_plan_to_json_with_cost(&made, planned, &hardware, error);
    require_none(status, made);
    mbs_free(made);
    return status;
}

static mbs_status write_exact_table(const task *this, mbs_error *error)
{
    (void)this;
    char *made = NULL;
    mbs_report_options options = {.hardware = &hardware, .baseline = planned};
    mbs_status status = mbs_report_exact_table(&made, planned, planned, &options, error);
    require_none(status, made);
    mbs_free(made);
    return status;
}

static mbs_status write_table(const task *this, mbs_error *error)
{
    (void)this;
    char *made = NULL;
    mbs_report_options options = {0};
    mbs_status status = mbs_report_plan_table(&made, loaded, &options, error);
    mbs_free(made);
    return status;
}

static mbs_status write_csv(const task *this, mbs_error *error)
{
    (void)this;
    char *made = NULL;
    mbs_status status = mbs_report_plan_csv(&made, loaded, error);
    mbs_free(made);
    return status;
}

static mbs_status write_network_table(const task *this, mbs_error *error)
{
    (void)this;
    char *made = NULL;
    mbs_status status = mbs_report_network_table(&made, network, program, &hardware, 4, 0, error);
    mbs_free(made);
    return status;
}

static mbs_status write_file(const task *this, mbs_error *error)
{
    (void)this;
    return mbs_write_file(scratch("file"), plan_text.data, plan_text.length, error);
}

const task tasks[] = {
    {"load a network", load_network, 0},
    {"load a network from a stream", stream_network, 0},
    {"put a network together", put_together, 0},
    {"load a machine", load_hardware, 0},
    {"build a program", build_program, 0},
    {"plan with baseline", plan, MBS_PLANNER_BASELINE},
    {"plan with il", plan, MBS_PLANNER_IL},
    {"plan with mbs-fs", plan, MBS_PLANNER_MBS_FS},
    {"plan with mbs2", plan, MBS_PLANNER_MBS2},
    {"plan with dp", plan, MBS_PLANNER_DP},
    {"plan with dp for time", plan_for_time, MBS_PLANNER_DP},
    {"plan with ilp", plan, MBS_PLANNER_ILP},
    {"plan with best", plan, MBS_PLANNER_BEST},
    {"plan with mbs2, recomputing", plan_recomputing, MBS_PLANNER_MBS2},
    {"plan with dp, recomputing", plan_recomputing, MBS_PLANNER_DP},
    {"write the integer program as LP", export_model, 0},
    {"write the integer program as MPS", export_model, 1},
    {"import a list of values", import_solution, 0},
    {"import GLPK's solution", import_solution, 1},
    {"import GLPK's report", import_solution, 2},
    {"load a plan", load_plan, 0},
    {"verify a plan", verify, 0},
    {"write a plan", write_json, 0},
    {"write a plan with its cost", write_json_with_cost, 0},
    {"write a table", write_table, 0},
    {"write a table of an exact plan", write_exact_table, 0},
    {"write CSV", write_csv, 0},
    {"write a network's table", write_network_table, 0},
    {"write a file", write_file, 0},
    {"export 0", export, 0},
    {"export 1", export, 1},
    {"export 2", export, 2},
    {"export 3", export, 3},
    {"export 4", export, 4},
    {"export 5", export, 5},
    {"export 6", export, 6},
    {"export 7", export, 7},
    {"export 8", export, 8},
};
const size_t task_count = sizeof tasks / sizeof tasks[0];

static void read_text(text *of, const char *root, const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", root, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        printf("FAILED: cannot read %s\n", path);
        exit(1);
    }
    of->length = fread(of->data, 1, ROOM, file);
    fclose(file);
}

/* A network of the fuzz targets' seeds and its program. */
static bool make_program(mbs_network **made, mbs_program **of, const char *root, const char *name)
{
    mbs_program_options options = MBS_PROGRAM_OPTIONS_INIT;
    read_text(&network_text, root, name);
    return mbs_network_load_text(made, network_text.data, network_text.length, name, NULL) ==
               MBS_OK &&
           mbs_program_create(of, *made, &options, NULL) == MBS_OK;
}

bool prepare(const char *root)
{
    mbs_network *tiny_network = NULL;
    static const char *const solutions[] = {"cbc.sol", "glpk.sol", "report.txt"};
    for (int i = 0; i < 3; i++)
        snprintf(solution_path[i], sizeof solution_path[i], "%s/tests/fuzz/corpus/solution/%s",
                 root, solutions[i]);
    if (mkdtemp(folder) == NULL || mbs_export_count() != EXPORTS)
        return false;
    read_text(&hardware_text, root, "models/hardware/wavecore.json");
    read_text(&plan_text, root, "tests/fuzz/corpus/plan/residual-dp.json");
    mbs_hardware_wavecore(&hardware);
    bool good = make_program(&tiny_network, &tiny, root, "tests/fuzz/corpus/network/tiny.json") &&
                make_program(&network, &program, root, "tests/fuzz/corpus/network/residual.json");
    mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
    options.batch = 3;
    options.buffer_bytes = 8192;
    mbs_network_free(tiny_network);
    return good && mbs_plan_create(&planned, program, &hardware, &options, NULL) == MBS_OK &&
           mbs_plan_load_text(&loaded, plan_text.data, plan_text.length, "plan.json", NULL) ==
               MBS_OK;
}

/* Removes the folder with what is in it; returns how many temporary files or folders were. */
static int remove_folder(const char *path)
{
    int temporary = 0;
    DIR *entries = opendir(path);
    const struct dirent *entry;
    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        char inner[1024];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        if (strstr(entry->d_name, ".tmp") != NULL) {
            printf("left: %s\n", entry->d_name);
            temporary++;
        }
        if (unlink(inner) != 0)
            temporary += remove_folder(inner);
    }
    if (entries != NULL)
        closedir(entries);
    rmdir(path);
    return temporary;
}

bool tidy_up(void)
{
    mbs_plan_free(planned);
    mbs_plan_free(loaded);
    mbs_program_free(tiny);
    mbs_program_free(program);
    mbs_network_free(network);
    return remove_folder(folder) == 0;
}
