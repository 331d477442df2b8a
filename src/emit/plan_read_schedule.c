/* The schedule in a plan file: groups, operand modes, pinned bytes, residency. */
#include <inttypes.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "emit/plan_loader.h"

#define GROUP_MEMBERS                                                                              \
    "first", "last", "iterations", "sub_batch", "passes", "peak_bytes", COST_MEMBERS

/* Strips times operands of a group. */
#define MOST_STRIPPED_OPERANDS 250000000

/* By version. */
static const char *const group_members[][12] = {{GROUP_MEMBERS}, {GROUP_MEMBERS, "strips"}};
static const char *const in_place_members[] = {"step", "over", NULL};
static const char *const pinned_members[] = {"step", "weight_bytes", "accumulator_bytes", NULL};
static const char *const resident_members[] = {"tensor", "from", "to", NULL};

/* ---- Groups ---------------------------------------------------------------------------------- */

static void read_group(plan_loader *loader, const json_path *at, const cJSON *object)
{
    const int64_t last_step = loader->plan->program->step_count - 1;
    int64_t first = 0;
    int64_t last = 0;
    if (!entry_begin(loader, at, object, group_members[loader->version - 1]))
        return;
    mbs_group *group = &loader->plan->groups[loader->plan->group_count];
    *group = (mbs_group){.strips = 1};
    bool sound = figure_member(loader, at, object, "first", 0, last_step, &first);
    sound = figure_member(loader, at, object, "last", first, last_step, &last) && sound;
    if (json_member(object, "strips") != NULL && loader->version > 1)
        sound = figure_member(loader, at, object, "strips", 1, MOST_ROWS, &group->strips) && sound;
    sound = figure_member(loader, at, object, "iterations", 1, MBS_MAX_BATCH * group->strips,
                          &group->iterations) &&
            sound;
    sound = figure_member(loader, at, object, "sub_batch", 1, MBS_MAX_BATCH, &group->sub_batch) &&
            sound;
    sound =
        figure_member(loader, at, object, "passes", 1, JSON_MAX_INTEGER, &group->passes) && sound;
    sound =
        figure_member(loader, at, object, "peak_bytes", 0, JSON_MAX_INTEGER, &group->peak_bytes) &&
        sound;
    pass_over_cost(loader, at, object);
    group->first = (int32_t)first;
    group->end = (int32_t)last + 1;
    loader->plan->group_count += sound;
}

static void read_groups(plan_loader *loader)
{
    const cJSON *list = list_member(loader, "groups", true);
    const json_path list_path = {NULL, "groups", 0};
    const int32_t steps = loader->plan->program->step_count;
    if (list == NULL || steps == 0)
        return;
    int count = cJSON_GetArraySize(list);
    if (count > steps) {
        json_fault(&loader->document, &list_path, NULL,
                   "%d groups, expected at most as many as there are steps: %d", count, steps);
        return;
    }
    json_path at = {&list_path, NULL, 0};
    const cJSON *object;
    cJSON_ArrayForEach(object, list)
    {
        read_group(loader, &at, object);
        at.index++;
    }
}

/* ---- Operand modes --------------------------------------------------------------------------- */

/* Sets the mode of the steps that a list names; a step may be in one list only, once. */
static void read_mode_list(plan_loader *loader, const char *member, mbs_mode mode)
{
    const cJSON *list = list_member(loader, member, false);
    const json_path list_path = {NULL, member, 0};
    const int64_t steps = loader->plan->program->step_count;
    json_path at = {&list_path, NULL, 0};
    const cJSON *value;
    cJSON_ArrayForEach(value, list)
    {
        int64_t step;
        if (steps > 0 && json_integer(&loader->document, &at, NULL, value, 0, steps - 1, &step)) {
            if (loader->plan->mode[step] != MBS_STAGED)
                json_fault(&loader->document, &at, NULL,
                           "step %" PRId64 " is listed already, expected each step once in "
                           "streamed and in_passes together",
                           step);
            loader->plan->mode[step] = mode;
        }
        at.index++;
    }
}

static void read_modes(plan_loader *loader)
{
    mbs_plan *plan = loader->plan;
    read_mode_list(loader, "streamed", MBS_STREAMED);
    read_mode_list(loader, "in_passes", MBS_PASSES);
    if (json_member(loader->document.root, "in_passes") != NULL)
        return;
    for (int32_t g = 0; g < plan->group_count; g++) {
        const mbs_group *group = &plan->groups[g];
        if (group->end - group->first == 1 && group->passes > 1 &&
            plan->mode[group->first] == MBS_STAGED)
            plan->mode[group->first] = MBS_PASSES;
    }
}

/* ---- In place -------------------------------------------------------------------------------- */

static void read_in_place_entry(plan_loader *loader, const json_path *at, const cJSON *object)
{
    mbs_plan *plan = loader->plan;
    const mbs_program *p = plan->program;
    int64_t k;
    int64_t over;
    if (!entry_begin(loader, at, object, in_place_members))
        return;
    bool known = figure_member(loader, at, object, "step", 0, p->step_count - 1, &k);
    known = figure_member(loader, at, object, "over", 0, p->tensor_count - 1, &over) && known;
    if (!known)
        return;
    const mbs_step *step = &p->steps[k];
    if (plan->over[k] >= 0)
        json_fault(&loader->document, at, NULL, "step %" PRId64 " %s is given twice", k,
                   quoted(step->name).text);
    for (int32_t t = step->touch_begin; t < step->write_begin; t++)
        if (p->touches[t].tensor == over)
            plan->over[k] = t;
    if (plan->over[k] < 0)
        json_fault(&loader->document, at, "over",
                   "found %" PRId64 " %s, expected a tensor that step %" PRId64 " %s reads", over,
                   quoted(p->tensors[over].name).text, k, quoted(step->name).text);
}

static void read_in_place(plan_loader *loader)
{
    const json_path list_path = {NULL, "in_place", 0};
    json_path at = {&list_path, NULL, 0};
    const cJSON *object;
    if (loader->plan->program->step_count == 0)
        return;
    cJSON_ArrayForEach(object, list_member(loader, "in_place", false))
    {
        read_in_place_entry(loader, &at, object);
        at.index++;
    }
}

/* ---- Pinned parameters ----------------------------------------------------------------------- */

static void read_pinned_entry(plan_loader *loader, const json_path *at, const cJSON *object,
                              bool *seen)
{
    mbs_plan *plan = loader->plan;
    int64_t step;
    int64_t weight = 0;
    int64_t accumulator = 0;
    if (!entry_begin(loader, at, object, pinned_members))
        return;
    bool known = figure_member(loader, at, object, "step", 0, plan->program->step_count - 1, &step);
    figure_member(loader, at, object, "weight_bytes", 0, JSON_MAX_INTEGER, &weight);
    figure_member(loader, at, object, "accumulator_bytes", 0, JSON_MAX_INTEGER, &accumulator);
    if (!known)
        return;
    if (seen[step])
        json_fault(&loader->document, at, NULL, "step %" PRId64 " %s is given twice", step,
                   quoted(plan->program->steps[step].name).text);
    seen[step] = true;
    plan->pinned_weight[step] = weight;
    plan->pinned_accumulator[step] = accumulator;
}

static void read_pinned(plan_loader *loader)
{
    const cJSON *list = list_member(loader, "pinned", false);
    const json_path list_path = {NULL, "pinned", 0};
    const int32_t steps = loader->plan->program->step_count;
    bool *seen = loader_allocate(loader, steps, sizeof *seen);
    json_path at = {&list_path, NULL, 0};
    const cJSON *object;
    if (seen == NULL || steps == 0)
        list = NULL;
    cJSON_ArrayForEach(object, list)
    {
        read_pinned_entry(loader, &at, object, seen);
        at.index++;
    }
    mem_free(seen);
}

/* ---- Residency ------------------------------------------------------------------------------- */

/* Lists the touches of each tensor, so that one is found in a file's hostile order too. */
static bool index_touches(plan_loader *loader)
{
    const mbs_program *p = loader->plan->program;
    loader->touch_start =
        loader_allocate(loader, (int64_t)p->tensor_count + 1, sizeof *loader->touch_start);
    loader->touch_list = loader_allocate(loader, p->touch_count, sizeof *loader->touch_list);
    if (loader->touch_start == NULL || loader->touch_list == NULL)
        return false;
    int32_t used = 0;
    for (int32_t id = 0; id < p->tensor_count; id++) {
        loader->touch_start[id] = used;
        for (int32_t t = p->tensors[id].first_touch; t >= 0; t = p->touches[t].next)
            loader->touch_list[used++] = t;
    }
    loader->touch_start[p->tensor_count] = used;
    return true;
}

/* The touch of a tensor by a step, or -1. */
static int32_t find_touch(const plan_loader *loader, int64_t tensor, int64_t step)
{
    const mbs_program *p = loader->plan->program;
    int32_t low = loader->touch_start[tensor];
    int32_t high = loader->touch_start[tensor + 1];
    while (low < high) {
        int32_t middle = low + (high - low) / 2;
        int32_t t = loader->touch_list[middle];
        if (p->touches[t].step == step)
            return t;
        if (p->touches[t].step < step)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

static void read_interval(plan_loader *loader, const json_path *at, const cJSON *object)
{
    const mbs_program *p = loader->plan->program;
    const int64_t last_step = p->step_count - 1;
    int64_t tensor = 0;
    int64_t steps[2] = {0, 0};
    if (!entry_begin(loader, at, object, resident_members))
        return;
    bool known = figure_member(loader, at, object, "tensor", 0, p->tensor_count - 1, &tensor);
    known = figure_member(loader, at, object, "from", 0, last_step, &steps[0]) && known;
    known = figure_member(loader, at, object, "to", 0, last_step, &steps[1]) && known;
    if (!known)
        return;
    quoted_text name = quoted(p->tensors[tensor].name);
    int32_t touches[2];
    for (int i = 0; i < 2; i++) {
        touches[i] = find_touch(loader, tensor, steps[i]);
        if (touches[i] < 0) {
            json_fault(&loader->document, at, NULL,
                       "step %" PRId64 " %s does not touch tensor %" PRId64 " %s", steps[i],
                       quoted(p->steps[steps[i]].name).text, tensor, name.text);
            return;
        }
    }
    int32_t next = p->touches[touches[0]].next;
    if (next < 0)
        json_fault(&loader->document, at, NULL,
                   "step %" PRId64 " %s is the last to touch tensor %" PRId64 " %s", steps[0],
                   quoted(p->steps[steps[0]].name).text, tensor, name.text);
    else if (next != touches[1])
        json_fault(&loader->document, at, NULL,
                   "steps %" PRId64 " and %" PRId64
                   " are not consecutive touches of tensor %" PRId64 " %s (next touch is step %d)",
                   steps[0], steps[1], tensor, name.text, p->touches[next].step);
    else if (loader->plan->resident[touches[0]])
        json_fault(&loader->document, at, NULL,
                   "this interval of tensor %" PRId64 " %s is given twice", tensor, name.text);
    else
        loader->plan->resident[touches[0]] = true;
}

static void read_resident(plan_loader *loader)
{
    const cJSON *list = list_member(loader, "resident", false);
    const json_path list_path = {NULL, "resident", 0};
    /* operands that were left out for a fault of theirs would be missed here */
    if (list == NULL || !loader->program_sound || !index_touches(loader))
        return;
    json_path at = {&list_path, NULL, 0};
    const cJSON *object;
    cJSON_ArrayForEach(object, list)
    {
        read_interval(loader, &at, object);
        at.index++;
    }
}

/* ---- Range ----------------------------------------------------------------------------------- */

/* Whether `factor` times the bytes of the group's steps is so small that sums of such are safe. */
static bool product_fits(const int64_t *prefix, const mbs_group *group, int64_t factor)
{
    int64_t bytes = prefix[group->end] - prefix[group->first];
    return checked_mul(bytes, factor, &bytes) && bytes < INT64_MAX / 4;
}

/* What is known of each operand after each strip is kept in memory at once. */
static void check_strips_range(plan_loader *loader, const json_path *list_path, int32_t g)
{
    const mbs_group *group = &loader->plan->groups[g];
    const mbs_step *steps = loader->plan->program->steps;
    const int64_t operands = steps[group->end - 1].touch_end - steps[group->first].touch_begin;
    const json_path at = {list_path, NULL, (size_t)g};
    if (group->strips > 1 && operands * group->strips > MOST_STRIPPED_OPERANDS)
        json_fault(&loader->document, &at, "strips",
                   "found %" PRId64 " of %" PRId64 " operands, expected a product of at most %d",
                   group->strips, operands, MOST_STRIPPED_OPERANDS);
}

/*
 * A loaded plan may be asked for its groups' traffic and footprints before it is verified, so these
 * must not overflow, whatever the file says.
 */
static void check_groups_range(plan_loader *loader)
{
    const mbs_plan *plan = loader->plan;
    const json_path list_path = {NULL, "groups", 0};
    for (int32_t g = 0; g < plan->group_count; g++) {
        const mbs_group *group = &plan->groups[g];
        int64_t moved;
        if (!checked_mul(plan->batch, group->passes, &moved) ||
            !product_fits(loader->operand_prefix, group, max_i64(moved, group->sub_batch)) ||
            !product_fits(loader->parameter_prefix, group, group->iterations)) {
            json_path at = {&list_path, NULL, (size_t)g};
            json_fault(&loader->document, &at, NULL, "the bytes that it moves exceed 64 bits");
        }
        check_strips_range(loader, &list_path, g);
    }
}

/* The same for the bytes pinned, which a hostile file makes more than the parameters. */
static void check_pinned_range(plan_loader *loader)
{
    const mbs_plan *plan = loader->plan;
    int64_t pinned = 0;
    int64_t most_iterations = 1;
    bool fits = true;
    for (int32_t g = 0; g < plan->group_count; g++)
        most_iterations = max_i64(most_iterations, plan->groups[g].iterations);
    for (int32_t k = 0; k < plan->program->step_count; k++)
        fits = fits && checked_add(pinned, plan->pinned_weight[k], &pinned) &&
               checked_add(pinned, plan->pinned_accumulator[k], &pinned);
    if (!fits || !checked_mul(pinned, 32 * most_iterations, &pinned))
        json_fault(&loader->document, NULL, "pinned", "the bytes that are pinned exceed 64 bits");
}

void read_schedule(plan_loader *loader)
{
    read_groups(loader);
    read_modes(loader);
    read_in_place(loader);
    read_pinned(loader);
    read_resident(loader);
    if (loader->document.faults == 0)
        check_groups_range(loader);
    if (loader->document.faults == 0)
        check_pinned_range(loader);
}
