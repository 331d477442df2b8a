#include "cost/dram_contents.h"

#include <stddef.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "cost/traffic.h"
#include "program/layers.h"

const char *dram_content_name(dram_content content)
{
    static const char *const names[DRAM_CONTENTS] = {
        [DRAM_WEIGHTS] = "weights", [DRAM_ACCUMULATORS] = "accumulators",
        [DRAM_TENSOR] = "tensor",   [DRAM_NEW_WEIGHTS] = "new_weights",
        [DRAM_STATE] = "state",
    };
    return names[content];
}

/* A layer's parts: what it has of each kind of parameters. */
enum { PART_WEIGHTS, PART_ACCUMULATORS, PART_NEW_WEIGHTS, PART_STATE, PART_COUNT };

/* What a layer has of one kind of parameters. */
typedef struct layer_part {
    dram_region region;
    int32_t number; /* of the region, once it is in the list */
} layer_part;

/* What regions are made from. */
typedef struct contents_maker {
    const mbs_plan *plan;
    dram_contents *contents;
    layer_numbers numbers;
    layer_part *parts;     /* per layer: PART_COUNT of them */
    int32_t *group;        /* per step */
    int32_t *weights;      /* per step: the part that they are in */
    int32_t *accumulators; /* likewise */
    int32_t *read;         /* per layer: the part that its steps read weights from */
    int64_t sum;           /* of all regions' bytes so far */
} contents_maker;

/* Appends a region; false if there is too much in all. */
static bool add_region(contents_maker *m, const dram_region *region)
{
    m->contents->regions[m->contents->region_count++] = *region;
    return checked_add(m->sum, region->bytes, &m->sum) && m->sum <= DRAM_MOST_BYTES;
}

static void find_groups(const contents_maker *m)
{
    for (int32_t g = 0; g < m->plan->group_count; g++)
        for (int32_t k = m->plan->groups[g].first; k < m->plan->groups[g].end; k++)
            m->group[k] = g;
}

/* ---- Parameters ------------------------------------------------------------------------------ */

/* The layer that the parts are of is a step's own, or that of the first step that shares them. */
static void find_owners(const contents_maker *m)
{
    const mbs_program *p = m->plan->program;
    for (int32_t k = 0; k < p->step_count; k++) {
        const int32_t weights = p->steps[k].weight_use.previous;
        const int32_t accumulators = p->steps[k].accumulator_use.previous;
        const int32_t own = PART_COUNT * m->numbers.of_step[k];
        m->weights[k] = weights < 0 ? own : m->weights[weights];
        if (p->steps[k].weight_bytes > 0)
            m->read[m->numbers.of_step[k]] = m->weights[k];
        else if (p->steps[k].update.old_bytes > 0)
            m->weights[k] = m->read[m->numbers.of_step[k]];
        m->accumulators[k] =
            accumulators < 0 ? own + PART_ACCUMULATORS : m->accumulators[accumulators];
    }
}

/* The parts of updates: state throughout, new weights from when they are made. */
static void size_update(const contents_maker *m, int32_t k)
{
    const weight_update *update = &m->plan->program->steps[k].update;
    layer_part *own = &m->parts[PART_COUNT * (ptrdiff_t)m->numbers.of_step[k]];
    dram_region *accumulators = &m->parts[m->accumulators[k - 1]].region;
    own[PART_NEW_WEIGHTS].region.bytes = update->new_bytes;
    own[PART_NEW_WEIGHTS].region.first = m->group[k];
    own[PART_STATE].region.bytes = update->state_bytes;
    accumulators->last = m->group[k];
}

static void size_step(const contents_maker *m, int32_t k)
{
    const mbs_step *step = &m->plan->program->steps[k];
    dram_region *weights = &m->parts[m->weights[k]].region;
    dram_region *accumulators = &m->parts[m->accumulators[k]].region;
    weights->bytes = max_i64(weights->bytes, step->weight_bytes);
    if (step->accumulator_bytes > 0 && m->group[k] < accumulators->first)
        accumulators->first = m->group[k];
    if (step->update.is_update)
        size_update(m, k);
}

/* Whether accumulators of the step are in DRAM at any time: not if all it adds is handed on. */
static bool stores_accumulators(const contents_maker *m, int32_t k)
{
    const mbs_plan *plan = m->plan;
    const mbs_group *group = &plan->groups[m->group[k]];
    if (plan->program->steps[k].accumulator_bytes == 0)
        return false;
    return !program_hands_on(plan->program, k, group->end) ||
           plan_count_step(plan, group, k).weight_gradient > 0;
}

static void size_parts(const contents_maker *m)
{
    static const dram_content contents[PART_COUNT] = {DRAM_WEIGHTS, DRAM_ACCUMULATORS,
                                                      DRAM_NEW_WEIGHTS, DRAM_STATE};
    const mbs_program *p = m->plan->program;
    const int32_t last = m->plan->group_count - 1;
    for (int32_t i = 0; i < PART_COUNT * m->numbers.count; i++) {
        const char *name = p->steps[m->numbers.first[i / PART_COUNT]].layer;
        const int32_t first = i % PART_COUNT == PART_ACCUMULATORS ? last : 0;
        m->parts[i].region = (dram_region){contents[i % PART_COUNT], name, 0, 0, first, last};
    }
    for (int32_t k = 0; k < p->step_count; k++)
        size_step(m, k);
    /* accumulators of which any go to DRAM */
    for (int32_t k = 0; k < p->step_count; k++) {
        dram_region *accumulators = &m->parts[m->accumulators[k]].region;
        if (stores_accumulators(m, k))
            accumulators->bytes = max_i64(accumulators->bytes, p->steps[k].accumulator_bytes);
    }
}

static bool add_parameters(contents_maker *m)
{
    const mbs_program *p = m->plan->program;
    dram_contents *contents = m->contents;
    find_owners(m);
    size_parts(m);
    for (int32_t i = 0; i < PART_COUNT * m->numbers.count; i++) {
        const bool is_there = m->parts[i].region.bytes > 0;
        m->parts[i].number = is_there ? contents->region_count : -1;
        if (is_there && !add_region(m, &m->parts[i].region))
            return false;
    }
    for (int32_t k = 0; k < p->step_count; k++) {
        const mbs_step *step = &p->steps[k];
        const layer_part *own = &m->parts[PART_COUNT * (ptrdiff_t)m->numbers.of_step[k]];
        const bool reads = step->weight_bytes + step->update.old_bytes > 0;
        contents->weights[k] = reads ? m->parts[m->weights[k]].number : -1;
        contents->accumulators[k] =
            step->accumulator_bytes > 0 ? m->parts[m->accumulators[k]].number : -1;
        contents->new_weights[k] = step->update.is_update ? own[PART_NEW_WEIGHTS].number : -1;
        contents->state[k] = step->update.is_update ? own[PART_STATE].number : -1;
    }
    return true;
}

/* ---- Tensors --------------------------------------------------------------------------------- */

/* From when to when a tensor must be in DRAM; false if it never is. */
static bool find_groups_of(const contents_maker *m, int32_t id, dram_region *region)
{
    const mbs_program *p = m->plan->program;
    const mbs_tensor *tensor = &p->tensors[id];
    region->first = 0;
    region->last = m->plan->group_count - 1;
    if (tensor->producer < 0)
        return true;
    if (tensor->first_touch < 0 || !plan_writes(m->plan, tensor->first_touch))
        return false;
    region->first = m->group[tensor->producer];
    if (tensor->kept)
        return true;
    region->last = region->first;
    for (int32_t t = tensor->first_touch; p->touches[t].next >= 0; t = p->touches[t].next)
        if (!m->plan->resident[t])
            region->last = m->group[p->touches[p->touches[t].next].step];
    return true;
}

static bool add_tensors(contents_maker *m)
{
    const mbs_program *p = m->plan->program;
    m->contents->first_tensor = m->contents->region_count;
    for (int32_t id = 0; id < p->tensor_count; id++) {
        dram_region region = {.content = DRAM_TENSOR, .name = p->tensors[id].name};
        const bool is_there = p->tensors[id].bytes > 0 && find_groups_of(m, id, &region);
        if (!is_there)
            region.first = region.last = -1;
        else if (!checked_mul(p->tensors[id].bytes, m->plan->batch, &region.bytes))
            return false;
        if (!add_region(m, &region))
            return false;
    }
    return true;
}

/* ---- All of it ------------------------------------------------------------------------------- */

static mbs_status make(contents_maker *m, mbs_error *error)
{
    const mbs_program *p = m->plan->program;
    dram_contents *contents = m->contents;
    m->parts = mem_zeroed(PART_COUNT * (int64_t)m->numbers.count, sizeof *m->parts);
    m->group = mem_zeroed(p->step_count, sizeof *m->group);
    m->weights = mem_zeroed(p->step_count, sizeof *m->weights);
    m->accumulators = mem_zeroed(p->step_count, sizeof *m->accumulators);
    m->read = mem_zeroed(m->numbers.count, sizeof *m->read);
    contents->regions = mem_zeroed(PART_COUNT * (int64_t)m->numbers.count + p->tensor_count,
                                   sizeof *contents->regions);
    contents->weights = mem_zeroed(p->step_count, sizeof *contents->weights);
    contents->accumulators = mem_zeroed(p->step_count, sizeof *contents->accumulators);
    contents->new_weights = mem_zeroed(p->step_count, sizeof *contents->new_weights);
    contents->state = mem_zeroed(p->step_count, sizeof *contents->state);
    if (m->parts == NULL || m->group == NULL || m->weights == NULL || m->accumulators == NULL ||
        m->read == NULL || contents->regions == NULL || contents->weights == NULL ||
        contents->accumulators == NULL || contents->new_weights == NULL || contents->state == NULL)
        return error_memory(error);
    find_groups(m);
    if (!add_parameters(m) || !add_tensors(m))
        return error_set(error, MBS_ERR_INPUT,
                         "plan of %s: its parameters and tensors take more than 2^60 bytes",
                         quoted(p->network_name).text);
    return MBS_OK;
}

mbs_status dram_contents_create(dram_contents *contents, const mbs_plan *plan, mbs_error *error)
{
    contents_maker m = {.plan = plan, .contents = contents};
    *contents = (dram_contents){0};
    mbs_status status = layer_numbers_create(&m.numbers, plan->program, error);
    if (status == MBS_OK)
        status = make(&m, error);
    layer_numbers_free(&m.numbers);
    mem_free(m.parts);
    mem_free(m.group);
    mem_free(m.weights);
    mem_free(m.accumulators);
    mem_free(m.read);
    return status;
}

void dram_contents_free(dram_contents *contents)
{
    mem_free(contents->regions);
    mem_free(contents->weights);
    mem_free(contents->accumulators);
    mem_free(contents->new_weights);
    mem_free(contents->state);
}
