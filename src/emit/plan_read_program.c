/* The program in a plan file: tensors, steps, operands. */
#include <inttypes.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/name_pool.h"
#include "base/text.h"
#include "emit/plan_loader.h"

#define TENSOR_MEMBERS "id", "name", "bytes", "elements"
#define STEP_MEMBERS                                                                               \
    "id", "name", "phase", "kind", "reads", "writes", "weight_bytes", "accumulator_bytes",         \
        "same_weights", "same_accumulators", "update", "gemm", "conv", "fused", "sums", "given"

/* By version. */
static const char *const tensor_members[][6] = {{TENSOR_MEMBERS}, {TENSOR_MEMBERS, "rows"}};
static const char *const step_members[][19] = {{STEP_MEMBERS}, {STEP_MEMBERS, "rows", "maps"}};

/* Ids are there for the reader's eye; they must count up from 0. */
static void check_id(plan_loader *loader, const json_path *at, const cJSON *object, int32_t index)
{
    const cJSON *id = json_member(object, "id");
    if (!cJSON_IsNumber(id) || id->valuedouble != index)
        json_fault(&loader->document, at, "id", "%s%s, expected %" PRId32 ": ids count up from 0",
                   id == NULL ? "" : "found ", id == NULL ? "is missing" : json_show(id).text,
                   index);
}

/* ---- Tensors --------------------------------------------------------------------------------- */

static void read_tensor(plan_loader *loader, const json_path *at, const cJSON *object,
                        int32_t index)
{
    mbs_tensor *tensor = &loader->program->tensors[index];
    *tensor = (mbs_tensor){
        .name = "", .producer = -1, .running = -1, .first_touch = -1, .last_touch = -1};
    if (!entry_begin(loader, at, object, tensor_members[loader->version - 1]))
        return;
    check_id(loader, at, object, index);
    tensor->name = copy_name(loader, at, "name", json_member(object, "name"));
    figure_member(loader, at, object, "bytes", 0, JSON_MAX_INTEGER, &tensor->bytes);
    read_elements(loader, at, object, tensor);
    if (loader->version > 1)
        figure_member(loader, at, object, "rows", 1, MOST_ROWS, &tensor->rows);
}

static bool read_tensors(plan_loader *loader)
{
    mbs_program *p = loader->program;
    const cJSON *list = list_member(loader, "tensors", true);
    int32_t count = list == NULL ? 0 : cJSON_GetArraySize(list);
    const json_path list_path = {NULL, "tensors", 0};
    if (list != NULL && count == 0)
        json_fault(&loader->document, &list_path, NULL, "is empty, expected at least one tensor");
    p->tensors = loader_allocate(loader, count, sizeof *p->tensors);
    loader->last_touch = loader_allocate(loader, count, sizeof *loader->last_touch);
    if (p->tensors == NULL || loader->last_touch == NULL)
        return false;
    loader->tensors_known = count > 0;
    const cJSON *object;
    cJSON_ArrayForEach(object, list)
    {
        json_path at = {&list_path, NULL, (size_t)p->tensor_count};
        read_tensor(loader, &at, object, p->tensor_count++);
    }
    return true;
}

/* ---- Steps ----------------------------------------------------------------------------------- */

/* Appends a touch, unless the tensor may not be touched so. */
static void add_operand(plan_loader *loader, const json_path *at, int32_t step, int32_t id,
                        bool is_write)
{
    mbs_program *p = loader->program;
    const int32_t last = loader->last_touch[id] - 1;
    const int32_t before = last < 0 ? -1 : p->touches[last].step;
    if (before == step) {
        json_fault(&loader->document, at, NULL,
                   "tensor %d %s is an operand of this step already, expected each once", id,
                   quoted(p->tensors[id].name).text);
        return;
    }
    if (is_write && before >= 0) {
        json_fault(&loader->document, at, NULL,
                   "tensor %d %s is an operand of step %d %s before, expected it to be written "
                   "once and before it is read",
                   id, quoted(p->tensors[id].name).text, before,
                   quoted(p->steps[before].name).text);
        return;
    }
    loader->last_touch[id] = p->touch_count + 1;
    p->touches[p->touch_count++] = (mbs_touch){id, step, -1, -1, ROW_MAP_SAME, false};
}

static void read_operands(plan_loader *loader, const json_path *at, const cJSON *object,
                          const char *member, int32_t step, bool is_write)
{
    const cJSON *list = json_member(object, member);
    const json_path list_path = {at, member, 0};
    if (!cJSON_IsArray(list)) {
        json_unexpected(&loader->document, at, member, list, "an array of tensor ids");
        return;
    }
    json_path place = {&list_path, NULL, 0};
    const cJSON *value;
    cJSON_ArrayForEach(value, list)
    {
        int64_t id;
        int64_t last = loader->tensors_known ? loader->program->tensor_count - 1 : INT32_MAX;
        if (json_integer(&loader->document, &place, NULL, value, 0, last, &id) &&
            loader->tensors_known)
            add_operand(loader, &place, step, (int32_t)id, is_write);
        place.index++;
    }
}

/* The latest step before that has the same weights or accumulators, of layers that share them. */
static void read_shared(plan_loader *loader, const json_path *at, const cJSON *object,
                        const char *member, int32_t index, bool weights)
{
    mbs_step *steps = loader->program->steps;
    const cJSON *value = json_member(object, member);
    int64_t found;
    if (value == NULL)
        return;
    if (index == 0) {
        json_fault(&loader->document, at, member, "is a member of steps behind the first only");
        return;
    }
    if (!json_integer(&loader->document, at, member, value, 0, index - 1, &found))
        return;
    const int32_t earlier = (int32_t)found;
    const mbs_step *here = &steps[index];
    const mbs_step *there = &steps[earlier];
    parameter_use *use = weights ? &steps[index].weight_use : &steps[index].accumulator_use;
    parameter_use *before = weights ? &steps[earlier].weight_use : &steps[earlier].accumulator_use;
    if ((weights ? here->weight_bytes : here->accumulator_bytes) == 0 ||
        (weights ? there->weight_bytes : there->accumulator_bytes) == 0) {
        json_fault(&loader->document, at, member,
                   "found %d %s, expected both steps to have such bytes", earlier,
                   quoted(there->name).text);
    } else if (!weights && here->accumulator_bytes != there->accumulator_bytes) {
        json_fault(&loader->document, at, member, "found %d %s, expected one of as many bytes",
                   earlier, quoted(there->name).text);
    } else if (before->next >= 0) {
        json_fault(&loader->document, at, member, "found %d %s, expected the latest, %d %s",
                   earlier, quoted(there->name).text, before->next,
                   quoted(steps[before->next].name).text);
    } else if (!weights && steps[earlier + 1].update.is_update) {
        json_fault(&loader->document, at, member,
                   "found %d %s, expected one whose gradient step %d %s has not taken", earlier,
                   quoted(there->name).text, earlier + 1, quoted(steps[earlier + 1].name).text);
    } else {
        use->previous = earlier;
        before->next = index;
    }
}

/* What makes the step an update. */
static void read_update(plan_loader *loader, const json_path *at, const cJSON *object,
                        int32_t index)
{
    static const char *const members[] = {"state_bytes", "old_weight_bytes", "new_weight_bytes",
                                          "elements", NULL};
    mbs_step *step = &loader->program->steps[index];
    const cJSON *value = json_member(object, "update");
    const json_path path = {at, "update", 0};
    weight_update update = {.is_update = true};
    if (value == NULL || !entry_begin(loader, &path, value, members))
        return;
    figure_member(loader, &path, value, "state_bytes", 0, JSON_MAX_INTEGER, &update.state_bytes);
    figure_member(loader, &path, value, "old_weight_bytes", 0, JSON_MAX_INTEGER, &update.old_bytes);
    figure_member(loader, &path, value, "new_weight_bytes", 0, JSON_MAX_INTEGER, &update.new_bytes);
    figure_member(loader, &path, value, "elements", 0, JSON_MAX_INTEGER, &update.elements);
    if (index == 0 || step[-1].accumulator_bytes == 0)
        json_fault(&loader->document, at, "update",
                   "is a member of steps only that follow one with accumulators");
    else if (step->phase != MBS_BACKWARD || step->touch_end > step->touch_begin ||
             step->weight_bytes > 0 || step->accumulator_bytes > 0)
        json_fault(&loader->document, at, "update",
                   "is a member of backward steps only that have no operands, weights and "
                   "accumulators of their own");
    else
        step->update = update;
}

static void read_step(plan_loader *loader, const json_path *at, const cJSON *object, int32_t index)
{
    static const char *const phases[] = {"forward", "backward"};
    mbs_program *p = loader->program;
    mbs_step *step = &p->steps[index];
    *step = (mbs_step){.name = "",
                       .kind = "",
                       .layer = "",
                       .layer_id = -1,
                       .coupled_to = -1,
                       .given = -1,
                       .replaceable = -1,
                       .weight_use = {-1, -1, 0},
                       .accumulator_use = {-1, -1, 0}};
    step->touch_begin = step->write_begin = step->touch_end = p->touch_count;
    if (!entry_begin(loader, at, object, step_members[loader->version - 1]))
        return;
    check_id(loader, at, object, index);
    step->name = step->layer = copy_name(loader, at, "name", json_member(object, "name"));
    int phase = choice_member(loader, at, object, "phase", phases, 2);
    step->phase = phase == 1 ? MBS_BACKWARD : MBS_FORWARD;
    step->kind = copy_name(loader, at, "kind", json_member(object, "kind"));
    const bool whole_norms = loader->version == 1; /* in one step with their statistics */
    step->coupled = whole_norms && is_of_op(step->kind, "batch_norm");
    step->whole_sample = step->coupled || (whole_norms && is_of_op(step->kind, "norm")) ||
                         is_of_op(step->kind, "softmax") || is_of_op(step->kind, "matmul");
    read_operands(loader, at, object, "reads", index, false);
    step->write_begin = p->touch_count;
    read_operands(loader, at, object, "writes", index, true);
    step->touch_end = p->touch_count;
    figure_member(loader, at, object, "weight_bytes", 0, JSON_MAX_INTEGER, &step->weight_bytes);
    figure_member(loader, at, object, "accumulator_bytes", 0, JSON_MAX_INTEGER,
                  &step->accumulator_bytes);
    read_shared(loader, at, object, "same_weights", index, true);
    read_shared(loader, at, object, "same_accumulators", index, false);
    read_update(loader, at, object, index);
    read_given(loader, at, object, step);
    read_products(loader, at, object, step);
    read_fused(loader, at, object, step);
    read_sums(loader, at, object, index);
    if (loader->version > 1)
        read_rows(loader, at, object, step);
}

/* Room for the touches of all steps; the document's size bounds their number. */
static int32_t count_operands(const cJSON *list)
{
    int32_t count = 0;
    const cJSON *object;
    cJSON_ArrayForEach(object, list)
    {
        if (!cJSON_IsObject(object))
            continue;
        const cJSON *reads = json_member(object, "reads");
        const cJSON *writes = json_member(object, "writes");
        count += reads == NULL ? 0 : cJSON_GetArraySize(reads);
        count += writes == NULL ? 0 : cJSON_GetArraySize(writes);
    }
    return count;
}

static bool read_steps(plan_loader *loader)
{
    mbs_program *p = loader->program;
    const cJSON *list = list_member(loader, "steps", true);
    int32_t count = list == NULL ? 0 : cJSON_GetArraySize(list);
    const json_path list_path = {NULL, "steps", 0};
    if (list != NULL && count == 0)
        json_fault(&loader->document, &list_path, NULL, "is empty, expected at least one step");
    p->steps = loader_allocate(loader, count, sizeof *p->steps);
    p->touches = loader_allocate(loader, count_operands(list), sizeof *p->touches);
    if (p->steps == NULL || p->touches == NULL || (loader->version > 1 && !open_maps(loader, list)))
        return false;
    const cJSON *object;
    cJSON_ArrayForEach(object, list)
    {
        json_path at = {&list_path, NULL, (size_t)p->step_count};
        read_step(loader, &at, object, p->step_count++);
    }
    finish_order(loader);
    return true;
}

/* ---- The whole ------------------------------------------------------------------------------- */

/* Sums over steps must fit 64 bits; see plan_read_schedule.c for what they are used for. */
static bool sum_bytes(plan_loader *loader)
{
    const mbs_program *p = loader->program;
    int64_t *operands = loader_allocate(loader, (int64_t)p->step_count + 1, sizeof *operands);
    int64_t *parameters = loader_allocate(loader, (int64_t)p->step_count + 1, sizeof *parameters);
    loader->operand_prefix = operands;
    loader->parameter_prefix = parameters;
    if (operands == NULL || parameters == NULL)
        return false;
    for (int32_t k = 0; k < p->step_count; k++) {
        const mbs_step *step = &p->steps[k];
        bool fits = checked_add(parameters[k], step->weight_bytes, &parameters[k + 1]) &&
                    checked_add(parameters[k + 1], step->accumulator_bytes, &parameters[k + 1]) &&
                    program_add_update(p, k, &parameters[k + 1]);
        operands[k + 1] = operands[k];
        for (int32_t t = step->touch_begin; t < step->touch_end && fits; t++)
            fits = checked_add(operands[k + 1], p->tensors[p->touches[t].tensor].bytes,
                               &operands[k + 1]);
        if (!fits) {
            json_fault(&loader->document, NULL, "steps",
                       "the bytes of operands and parameters up to step %d %s exceed 64 bits", k,
                       quoted(step->name).text);
            operands[k + 1] = parameters[k + 1] = 0;
            return true;
        }
    }
    return true;
}

/*
 * Operands that steps take element by element, as far as kinds and sizes tell. In a backward step
 * that is known where what it writes first is as large as the gradient of the output, which it
 * reads first. A gradient that it adds to goes with what it writes as the sum.
 */
static void find_elementwise(mbs_program *p)
{
    for (int32_t k = 0; k < p->step_count; k++) {
        const mbs_step *step = &p->steps[k];
        const mbs_touch *touches = p->touches;
        if (step->touch_begin == step->write_begin || step->write_begin == step->touch_end ||
            !program_is_elementwise(step->kind))
            continue;
        const mbs_tensor *written = &p->tensors[touches[step->write_begin].tensor];
        const mbs_tensor *first = &p->tensors[touches[step->touch_begin].tensor];
        const bool sound = !ends_with(step->kind, ".bwd") ||
                           (first->bytes == written->bytes && first->elements == written->elements);
        for (int32_t t = step->touch_begin; t < step->write_begin; t++)
            p->touches[t].elementwise = sound;
    }
    for (int32_t t = 0; t < p->touch_count; t++) {
        const mbs_step *step = &p->steps[p->touches[t].step];
        if (program_is_running(p, t))
            p->touches[t].elementwise =
                p->tensors[p->touches[step->write_begin].tensor].running == p->touches[t].tensor;
    }
}

/* Whether what it writes is the gradient of an embedding's table, which stays in DRAM. */
static bool makes_table_gradient(const mbs_step *step)
{
    return strcmp(step->kind, "embedding.bwd") == 0;
}

bool read_program(plan_loader *loader)
{
    static const char *const phases[] = {"training", "inference"};
    const cJSON *root = loader->document.root;
    mbs_program *p = loader->program = loader_allocate(loader, 1, sizeof *p);
    if (p == NULL)
        return false;
    const char *network =
        json_name(&loader->document, NULL, "network", json_member(root, "network"));
    p->names = name_pool_create();
    p->network_name = mem_strdup(network == NULL ? "" : network);
    if (p->names == NULL || p->network_name == NULL) {
        json_out_of_memory(&loader->document);
        return false;
    }
    p->inference = choice_member(loader, NULL, root, "phase", phases, 2) == 1;
    size_t before = loader->document.faults;
    if (!read_tensors(loader) || !read_steps(loader) || !sum_bytes(loader) ||
        !finish_shapes(loader) || (loader->document.faults == before && !check_fused(loader)))
        return false;
    find_elementwise(p);
    program_link(p);
    if (loader->version > 1)
        couple_statistics(p);
    for (int32_t id = 0; id < p->tensor_count; id++) {
        mbs_tensor *tensor = &p->tensors[id];
        /* the producer's is the first touch: alone, no step reads it */
        tensor->kept = tensor->producer >= 0 && tensor->first_touch == tensor->last_touch &&
                       (p->inference || makes_table_gradient(&p->steps[tensor->producer]));
    }
    loader->program_sound = loader->document.faults == before;
    return !loader->document.no_memory;
}
