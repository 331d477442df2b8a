#include "emit/dram_layout.h"

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "place/placement.h"

/* What a search for a placement that takes no more than lives at one time may visit. */
#define SEARCH_NODES 20000

static int64_t aligned(int64_t bytes)
{
    return ceil_div(bytes, DRAM_ALIGNMENT) * DRAM_ALIGNMENT;
}

/* Stacks what is there throughout, and makes ranges of the rest. Returns how many. */
static int32_t stack_regions(dram_layout *layout, int32_t last_group, live_range *ranges)
{
    int32_t count = 0;
    for (int32_t i = 0; i < layout->region_count; i++) {
        dram_region *region = &layout->regions[i];
        if (region->bytes == 0)
            continue;
        if (region->first == 0 && region->last == last_group) {
            region->address = layout->end;
            layout->end += aligned(region->bytes);
        } else {
            ranges[count++] = (live_range){region->first, region->last, aligned(region->bytes), 0};
        }
    }
    return count;
}

/* The ranges' offsets are counted from the end of what is there throughout. */
static void take_offsets(dram_layout *layout, int32_t last_group, const live_range *ranges)
{
    const int64_t base = layout->end;
    for (int32_t i = 0; i < layout->region_count; i++) {
        dram_region *region = &layout->regions[i];
        if (region->bytes == 0 || (region->first == 0 && region->last == last_group))
            continue;
        region->address = base + ranges->offset;
        layout->end = max_i64(layout->end, region->address + ranges->size);
        ranges++;
    }
}

static mbs_status place_regions(dram_layout *layout, int32_t last_group, plan_watch *watch,
                                mbs_error *error)
{
    placement found;
    live_range *ranges = mem_zeroed(layout->region_count, sizeof *ranges);
    if (ranges == NULL)
        return error_memory(error);
    const int32_t count = stack_regions(layout, last_group, ranges);
    /* what best fit finds is the lowest in most cases: nothing is below the load */
    mbs_status status = place_ranges(ranges, count, 0, 0, watch, &found, error);
    if (status == MBS_OK && count > 0 && found.height > found.load)
        status = place_ranges(ranges, count, found.load, SEARCH_NODES, watch, &found, error);
    if (status == MBS_OK)
        take_offsets(layout, last_group, ranges);
    mem_free(ranges);
    return status;
}

/* The addresses of steps' regions; null if memory is out. */
static int64_t *addresses_of(const dram_layout *layout, const int32_t *regions, int32_t count)
{
    int64_t *addresses = mem_zeroed(count, sizeof *addresses);
    for (int32_t k = 0; k < count && addresses != NULL; k++)
        addresses[k] = regions[k] < 0 ? -1 : layout->regions[regions[k]].address;
    return addresses;
}

static mbs_status take_addresses(dram_layout *layout, const mbs_program *p,
                                 const dram_contents *contents, mbs_error *error)
{
    layout->weights = addresses_of(layout, contents->weights, p->step_count);
    layout->accumulators = addresses_of(layout, contents->accumulators, p->step_count);
    layout->new_weights = addresses_of(layout, contents->new_weights, p->step_count);
    layout->state = addresses_of(layout, contents->state, p->step_count);
    layout->tensors = mem_zeroed(p->tensor_count, sizeof *layout->tensors);
    if (layout->weights == NULL || layout->accumulators == NULL || layout->new_weights == NULL ||
        layout->state == NULL || layout->tensors == NULL)
        return error_memory(error);
    for (int32_t id = 0; id < p->tensor_count; id++) {
        const dram_region *region = &layout->regions[contents->first_tensor + id];
        layout->tensors[id] = region->bytes == 0 ? -1 : region->address;
    }
    return MBS_OK;
}

mbs_status dram_layout_create(dram_layout **result, const mbs_plan *plan, plan_watch *watch,
                              mbs_error *error)
{
    *result = NULL;
    dram_layout *layout = mem_calloc(1, sizeof *layout);
    if (layout == NULL)
        return error_memory(error);
    dram_contents contents;
    mbs_status status = dram_contents_create(&contents, plan, error);
    if (status == MBS_OK) {
        layout->regions = contents.regions;
        layout->region_count = contents.region_count;
        contents.regions = NULL;
        status = place_regions(layout, plan->group_count - 1, watch, error);
    }
    if (status == MBS_OK)
        status = take_addresses(layout, plan->program, &contents, error);
    dram_contents_free(&contents);
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
    mem_free(layout->new_weights);
    mem_free(layout->state);
    mem_free(layout->tensors);
    mem_free(layout);
}
