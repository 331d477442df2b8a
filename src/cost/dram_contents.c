#include "cost/dram_contents.h"

#include <stddef.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "cost/traffic.h"
#include "program/layers.h"

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
    layer_part *parts;     /* per layer: its weights, its accumulators */
    int32_t *group;        /* per step */
    int32_t *weights;      /* per step: the part that they are in */
    int32_t *accumulators; /* likewise */
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
        const int32_t own = 2 * m->numbers.of_step[k];
        m->weights[k] = weights < 0 ? own : m->weights[weights];
        m->accumulators[k] = accumulators < 0 ? own + 1 : m->accumulators[accumulators];
    }
}

static void size_parts(const contents_maker *m)
{
    const mbs_program *p = m->plan->program;
    const int32_t last = m->plan->group_count - 1;
    for (int32_t i = 0; i < m->numbers.count; i++) {
        const char *name = p->steps[m->numbers.first[i]].layer;
        m->parts[2 * (ptrdiff_t)i].region = (dram_region){DRAM_WEIGHTS, name, 0, 0, 0, last};
        m->parts[2 * (ptrdiff_t)i + 1].region =
            (dram_region){DRAM_ACCUMULATORS, name, 0, 0, last, last};
    }
    for (int32_t k = 0; k < p->step_count; k++) {
        const mbs_step *step = &p->steps[k];
        dram_region *weights = &m->parts[m->weights[k]].region;
        dram_region *accumulators = &m->parts[m->accumulators[k]].region;
        weights->bytes = max_i64(weights->bytes, step->weight_bytes);
        accumulators->bytes = max_i64(accumulators->bytes, step->accumulator_bytes);
        if (step->accumulator_bytes > 0 && m->group[k] < accumulators->first)
            accumulators->first = m->group[k];
        if (step->accumulator_bytes > 0 && k + 1 < p->step_count &&
            p->steps[k + 1].update.is_update)
            accumulators->last = m->group[k + 1]; /* no one needs the gradient any more */
    }
}

static bool add_parameters(contents_maker *m)
{
    const mbs_program *p = m->plan->program;
    find_owners(m);
    size_parts(m);
    for (int32_t i = 0; i < 2 * m->numbers.count; i++) {
        m->parts[i].number = m->contents->region_count;
        if (m->parts[i].region.bytes > 0 && !add_region(m, &m->parts[i].region))
            return false;
    }
    for (int32_t k = 0; k < p->step_count; k++) {
        const mbs_step *step = &p->steps[k];
        m->contents->weights[k] = step->weight_bytes > 0 ? m->parts[m->weights[k]].number : -1;
        m->contents->accumulators[k] =
            step->accumulator_bytes > 0 ? m->parts[m->accumulators[k]].number : -1;
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
    m->parts = mem_zeroed(2 * (int64_t)m->numbers.count, sizeof *m->parts);
    m->group = mem_zeroed(p->step_count, sizeof *m->group);
    m->weights = mem_zeroed(p->step_count, sizeof *m->weights);
    m->accumulators = mem_zeroed(p->step_count, sizeof *m->accumulators);
    contents->regions =
        mem_zeroed(2 * (int64_t)m->numbers.count + p->tensor_count, sizeof *contents->regions);
    contents->weights = mem_zeroed(p->step_count, sizeof *contents->weights);
    contents->accumulators = mem_zeroed(p->step_count, sizeof *contents->accumulators);
    if (m->parts == NULL || m->group == NULL || m->weights == NULL || m->accumulators == NULL ||
        contents->regions == NULL || contents->weights == NULL || contents->accumulators == NULL)
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
    return status;
}

void dram_contents_free(dram_contents *contents)
{
    mem_free(contents->regions);
    mem_free(contents->weights);
    mem_free(contents->accumulators);
}
