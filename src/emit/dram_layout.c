#include "emit/dram_layout.h"

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "emit/layers.h"

#define MOST_BYTES (INT64_C(1) << 62)

/* What the steps of a layer need, and where it is. */
typedef struct layer_region {
    int64_t weight_bytes;
    int64_t accumulator_bytes;
    int64_t weights; /* addresses */
    int64_t accumulators;
} layer_region;

static void *allocate(int64_t count, size_t element)
{
    return mem_calloc(count > 0 ? (size_t)count : 1, element);
}

/* Appends a region; false if the addresses run out. */
static bool add_region(dram_layout *layout, dram_content content, const char *name, int64_t bytes,
                       int64_t *address)
{
    int64_t end;
    *address = layout->end;
    layout->regions[layout->region_count++] = (dram_region){content, name, layout->end, bytes};
    if (!checked_add(layout->end, bytes, &end) || end > MOST_BYTES)
        return false;
    layout->end = ceil_div(end, DRAM_ALIGNMENT) * DRAM_ALIGNMENT;
    return true;
}

/*
 * The layers in whose regions the steps' weights and accumulators are: their own, or that of the
 * first step that shares them.
 */
static void find_owners(const mbs_program *p, const layer_numbers *numbers, int32_t *weights,
                        int32_t *accumulators)
{
    for (int32_t k = 0; k < p->step_count; k++) {
        const mbs_step *step = &p->steps[k];
        weights[k] = step->weight_use.previous < 0 ? numbers->of_step[k]
                                                   : weights[step->weight_use.previous];
        accumulators[k] = step->accumulator_use.previous < 0
                              ? numbers->of_step[k]
                              : accumulators[step->accumulator_use.previous];
    }
}

/* `owners` has room for two of each step. */
static bool add_parameters(dram_layout *layout, const mbs_program *p, const layer_numbers *numbers,
                           layer_region *layers, int32_t *owners)
{
    int32_t *weights = owners;
    int32_t *accumulators = owners + p->step_count;
    find_owners(p, numbers, weights, accumulators);
    for (int32_t k = 0; k < p->step_count; k++) {
        int64_t *weight_bytes = &layers[weights[k]].weight_bytes;
        int64_t *accumulator_bytes = &layers[accumulators[k]].accumulator_bytes;
        *weight_bytes = max_i64(*weight_bytes, p->steps[k].weight_bytes);
        *accumulator_bytes = max_i64(*accumulator_bytes, p->steps[k].accumulator_bytes);
    }
    for (int32_t i = 0; i < numbers->count; i++) {
        layer_region *l = &layers[i];
        const char *name = p->steps[numbers->first[i]].layer;
        if (l->weight_bytes > 0 &&
            !add_region(layout, DRAM_WEIGHTS, name, l->weight_bytes, &l->weights))
            return false;
        if (l->accumulator_bytes > 0 &&
            !add_region(layout, DRAM_ACCUMULATORS, name, l->accumulator_bytes, &l->accumulators))
            return false;
    }
    for (int32_t k = 0; k < p->step_count; k++) {
        layout->weights[k] = p->steps[k].weight_bytes > 0 ? layers[weights[k]].weights : -1;
        layout->accumulators[k] =
            p->steps[k].accumulator_bytes > 0 ? layers[accumulators[k]].accumulators : -1;
    }
    return true;
}

static bool add_tensors(dram_layout *layout, const mbs_plan *plan)
{
    const mbs_program *p = plan->program;
    for (int32_t id = 0; id < p->tensor_count; id++) {
        int64_t bytes;
        if (!checked_mul(p->tensors[id].bytes, plan->batch, &bytes) ||
            !add_region(layout, DRAM_TENSOR, p->tensors[id].name, bytes, &layout->tensors[id]))
            return false;
    }
    return true;
}

static mbs_status fill(dram_layout *layout, const mbs_plan *plan, const layer_numbers *numbers,
                       mbs_error *error)
{
    const mbs_program *p = plan->program;
    layer_region *layers = allocate(numbers->count, sizeof *layers);
    int32_t *owners = allocate(2 * (int64_t)p->step_count, sizeof *owners);
    layout->regions =
        allocate(2 * (int64_t)numbers->count + p->tensor_count, sizeof *layout->regions);
    layout->weights = allocate(p->step_count, sizeof *layout->weights);
    layout->accumulators = allocate(p->step_count, sizeof *layout->accumulators);
    layout->tensors = allocate(p->tensor_count, sizeof *layout->tensors);
    mbs_status status = MBS_OK;
    if (layers == NULL || owners == NULL || layout->regions == NULL || layout->weights == NULL ||
        layout->accumulators == NULL || layout->tensors == NULL)
        status = error_memory(error);
    else if (!add_parameters(layout, p, numbers, layers, owners) || !add_tensors(layout, plan))
        status = error_set(error, MBS_ERR_INPUT,
                           "plan of %s: its parameters and tensors take more than 2^62 bytes",
                           quoted(p->network_name).text);
    mem_free(layers);
    mem_free(owners);
    return status;
}

mbs_status dram_layout_create(dram_layout **result, const mbs_plan *plan, mbs_error *error)
{
    *result = NULL;
    dram_layout *layout = mem_calloc(1, sizeof *layout);
    if (layout == NULL)
        return error_memory(error);
    layer_numbers numbers;
    mbs_status status = layer_numbers_create(&numbers, plan->program, error);
    if (status == MBS_OK)
        status = fill(layout, plan, &numbers, error);
    layer_numbers_free(&numbers);
    if (status == MBS_OK)
        *result = layout;
    else
        dram_layout_free(layout);
    return status;
}

void dram_layout_free(dram_layout *layout)
{
    if (layout == NULL)
        return;
    mem_free(layout->regions);
    mem_free(layout->weights);
    mem_free(layout->accumulators);
    mem_free(layout->tensors);
    mem_free(layout);
}
