/* Loading `mbsopt-plan/1` and /2 (model, section 9): the header. */
#include "emit/plan_loader.h"

#include <string.h>

#include "base/file.h"
#include "base/memory.h"

static const char *const top_members[] = {"format",
                                          "network",
                                          "batch",
                                          "phase",
                                          "buffer_bytes",
                                          "norm_passes",
                                          "reserved_bytes",
                                          "planner",
                                          "outcome",
                                          "objective",
                                          "bound_bytes",
                                          "made_by",
                                          "tensors",
                                          "steps",
                                          "groups",
                                          "streamed",
                                          "in_passes",
                                          "pinned",
                                          "resident",
                                          "traffic_bytes",
                                          "dram_peak",
                                          "in_place",
                                          "phases",
                                          "given_bytes",
                                          "given_bound_bytes",
                                          COST_MEMBERS,
                                          NULL};

/* Of each text that says what made a plan. */
#define MOST_ORIGIN_BYTES 1024

static const char *const traffic_members[] = {
    "activation_read", "activation_write", "weight_read", "weight_gradient",
    "total",           "optimizer",        NULL};

/* ---- The header ------------------------------------------------------------------------------ */

static void optional_figure(plan_loader *loader, const char *member, int64_t minimum,
                            int64_t *result)
{
    if (json_member(loader->document.root, member) != NULL)
        figure_member(loader, NULL, loader->document.root, member, minimum, JSON_MAX_INTEGER,
                      result);
}

static void read_traffic(plan_loader *loader)
{
    const cJSON *object = json_member(loader->document.root, "traffic_bytes");
    const json_path at = {NULL, "traffic_bytes", 0};
    mbs_traffic *traffic = &loader->header.traffic;
    if (!cJSON_IsObject(object)) {
        json_unexpected(&loader->document, &at, NULL, object, "an object");
        return;
    }
    json_check_members(&loader->document, &at, object, traffic_members);
    int64_t *const figures[] = {&traffic->activation_read, &traffic->activation_write,
                                &traffic->weight_read,     &traffic->weight_gradient,
                                &traffic->total,           &traffic->optimizer};
    for (int i = 0; traffic_members[i] != NULL; i++) {
        const bool optional = figures[i] == &traffic->optimizer; /* of programs with updates */
        if (!optional || json_member(object, traffic_members[i]) != NULL)
            figure_member(loader, &at, object, traffic_members[i], 0, JSON_MAX_INTEGER, figures[i]);
    }
}

/* What follows from the schedule, which mbs_plan_dram_peak counts anew. */
static void pass_over_dram_peak(plan_loader *loader)
{
    static const char *const members[] = {"bytes", "weights", "accumulators", "tensors", "group",
                                          "state", NULL};
    const json_path at = {NULL, "dram_peak", 0};
    const cJSON *object = json_member(loader->document.root, "dram_peak");
    int64_t figure;
    if (object == NULL || !entry_begin(loader, &at, object, members))
        return;
    for (size_t i = 0; members[i] != NULL; i++)
        if (strcmp(members[i], "state") != 0 || json_member(object, members[i]) != NULL)
            figure_member(loader, &at, object, members[i], 0, JSON_MAX_INTEGER, &figure);
}

/* Estimates of each phase, like those of the whole. */
static void pass_over_phases(plan_loader *loader)
{
    static const char *const members[] = {"phase", COST_MEMBERS, NULL};
    static const char *const phases[] = {"forward", "backward"};
    const json_path list_path = {NULL, "phases", 0};
    json_path at = {&list_path, NULL, 0};
    const cJSON *entry;
    cJSON_ArrayForEach(entry, list_member(loader, "phases", false))
    {
        if (entry_begin(loader, &at, entry, members)) {
            choice_member(loader, &at, entry, "phase", phases, 2);
            pass_over_cost(loader, &at, entry);
        }
        at.index++;
    }
}

/* "fnv1a64:0123456789abcdef": which hash, and hexadecimal digits. */
static bool is_digest(const char *text)
{
    static const char *const kind = "abcdefghijklmnopqrstuvwxyz0123456789-";
    const size_t name = strspn(text, kind);
    const size_t digits = text[name] == ':' ? strspn(text + name + 1, "0123456789abcdef") : 0;
    return name > 0 && digits > 0 && text[name + 1 + digits] == '\0';
}

/* What made the plan is kept as it is told. */
static void read_origin(plan_loader *loader)
{
    static const char *const members[] = {"program", "hardware", "hardware_digest", "options",
                                          NULL};
    const json_path at = {NULL, "made_by", 0};
    const cJSON *object = json_member(loader->document.root, "made_by");
    const char *told[4] = {NULL};
    if (object == NULL || !entry_begin(loader, &at, object, members))
        return;
    for (size_t i = 0; members[i] != NULL; i++) {
        const cJSON *value = json_member(object, members[i]);
        told[i] = json_name(&loader->document, &at, members[i], value);
        if (told[i] != NULL && strlen(told[i]) > MOST_ORIGIN_BYTES)
            json_fault(&loader->document, &at, members[i],
                       "found a text of %zu bytes, expected at most %d", strlen(told[i]),
                       MOST_ORIGIN_BYTES);
    }
    if (told[2] != NULL && !is_digest(told[2]))
        json_unexpected(&loader->document, &at, members[2], json_member(object, members[2]),
                        "a hash and its digits, such as \"fnv1a64:0123456789abcdef\"");
    loader->origin = (mbs_origin_info){told[0], told[1], told[2], told[3]};
}

static void read_header(plan_loader *loader)
{
    const cJSON *root = loader->document.root;
    mbs_plan *header = &loader->header;
    const char *const outcomes[] = {mbs_outcome_name(MBS_OPTIMAL), mbs_outcome_name(MBS_FEASIBLE),
                                    mbs_outcome_name(MBS_HEURISTIC)};
    const char *objectives[MBS_OBJECTIVE_COUNT];
    header->norm_passes = 2;
    figure_member(loader, NULL, root, "batch", 1, MBS_MAX_BATCH, &header->batch);
    figure_member(loader, NULL, root, "buffer_bytes", 0, JSON_MAX_INTEGER, &header->buffer_bytes);
    optional_figure(loader, "norm_passes", 1, &header->norm_passes);
    optional_figure(loader, "reserved_bytes", 0, &header->reserved_bytes);
    loader->planner = json_name(&loader->document, NULL, "planner", json_member(root, "planner"));
    int outcome = choice_member(loader, NULL, root, "outcome", outcomes, 3);
    header->outcome = outcome < 0 ? MBS_HEURISTIC : (mbs_outcome)outcome;
    header->objective = MBS_TRAFFIC;
    for (int i = 0; i < MBS_OBJECTIVE_COUNT; i++)
        objectives[i] = mbs_objective_name((mbs_objective)i);
    if (json_member(root, "objective") != NULL) {
        int objective =
            choice_member(loader, NULL, root, "objective", objectives, MBS_OBJECTIVE_COUNT);
        header->objective = objective < 0 ? MBS_TRAFFIC : (mbs_objective)objective;
    }
    optional_figure(loader, "bound_bytes", 0, &header->bound_bytes);
    optional_figure(loader, "given_bytes", 0, &header->given_bytes);
    optional_figure(loader, "given_bound_bytes", 0, &header->given_bound_bytes);
    read_origin(loader);
    read_traffic(loader);
    pass_over_dram_peak(loader);
    pass_over_cost(loader, NULL, root);
    pass_over_phases(loader);
}

/* ---- Loading --------------------------------------------------------------------------------- */

/* Hands the program over to a new plan that carries the header's figures. */
static bool create_plan(plan_loader *loader)
{
    mbs_plan *plan = plan_allocate(loader->program, loader->planner != NULL ? loader->planner : "");
    if (plan == NULL) {
        json_out_of_memory(&loader->document);
        return false;
    }
    const mbs_plan *header = &loader->header;
    if (loader->document.faults == 0 && !plan_origin_set(&plan->origin, &loader->origin)) {
        mbs_plan_free(plan);
        json_out_of_memory(&loader->document);
        return false;
    }
    plan->owned_program = loader->program;
    plan->double_buffered = strcmp(plan->planner_name, mbs_planner_name(MBS_PLANNER_BASELINE)) != 0;
    loader->program = NULL;
    plan->outcome = header->outcome;
    plan->objective = header->objective;
    plan->batch = header->batch;
    plan->buffer_bytes = header->buffer_bytes;
    plan->reserved_bytes = header->reserved_bytes;
    plan->norm_passes = header->norm_passes;
    plan->bound_bytes = header->bound_bytes;
    plan->given_bytes = header->given_bytes;
    plan->given_bound_bytes = header->given_bound_bytes;
    plan->traffic = header->traffic;
    loader->plan = plan;
    return true;
}

static void load(plan_loader *loader)
{
    static const char *const formats[] = {"mbsopt-plan/1", "mbsopt-plan/2"};
    loader->version = 1 + choice_member(loader, NULL, loader->document.root, "format", formats, 2);
    if (loader->version == 0)
        return; /* another kind of file: what else is wrong with it says nothing */
    json_check_members(&loader->document, NULL, loader->document.root, top_members);
    read_header(loader);
    if (read_program(loader) && create_plan(loader))
        read_schedule(loader);
}

mbs_status mbs_plan_load_text(mbs_plan **plan, const char *text, size_t length, const char *label,
                              mbs_error *error)
{
    plan_loader loader = {0};
    *plan = NULL;
    mbs_status status = json_open(&loader.document, text, length, label, error);
    if (status == MBS_OK) {
        load(&loader);
        status = json_status(&loader.document);
    }
    if (status == MBS_OK) {
        *plan = loader.plan;
        loader.plan = NULL;
    }
    mbs_plan_free(loader.plan);
    mbs_program_free(loader.program);
    mem_free(loader.last_touch);
    mem_free(loader.touch_start);
    mem_free(loader.touch_list);
    mem_free(loader.operand_prefix);
    mem_free(loader.parameter_prefix);
    json_close(&loader.document);
    return status;
}

mbs_status mbs_plan_load_file(mbs_plan **plan, const char *path, mbs_error *error)
{
    char *text;
    size_t length;
    *plan = NULL;
    mbs_status status = file_read(&text, &length, path, error);
    if (status != MBS_OK)
        return status;
    status = mbs_plan_load_text(plan, text, length, file_label(path), error);
    mem_free(text);
    return status;
}
