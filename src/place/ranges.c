#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "mbsopt/place.h"
#include "place/placement.h"

#define LARGEST_SUM (INT64_C(1) << 61)

static mbs_status check_ranges(const mbs_live_range *ranges, int32_t count, mbs_error *error)
{
    int64_t sum = 0;
    for (int32_t i = 0; i < count; i++) {
        if (ranges[i].first < 0 || ranges[i].last < ranges[i].first || ranges[i].size < 1)
            return error_set(
                error, MBS_ERR_ARGUMENT,
                "range %d has no step or no size: expected 0 <= first <= last, 1 <= size", (int)i);
        if (!checked_add(sum, ranges[i].size, &sum) || sum >= LARGEST_SUM)
            return error_set(error, MBS_ERR_INPUT, "the ranges' sizes come to 2^61 or more");
    }
    return MBS_OK;
}

/* One search below a capacity. `try` is scratch: the ranges get its offsets if these are lower. */
static mbs_status place_below(mbs_live_range *ranges, mbs_live_range *try, int32_t count,
                              int64_t capacity, int64_t node_limit, plan_watch *watch,
                              mbs_placement *result, mbs_error *error)
{
    placement found;
    memcpy(try, ranges, (size_t)count * sizeof *try);
    mbs_status status = place_ranges(try, count, capacity, node_limit, watch, &found, error);
    if (status != MBS_OK)
        return status;
    result->outcome = found.outcome;
    result->load = found.load;
    result->nodes += found.nodes;
    result->bound = max_i64(result->bound, found.bound);
    if (found.height < result->height) {
        memcpy(ranges, try, (size_t)count * sizeof *ranges);
        result->height = found.height;
    }
    return MBS_OK;
}

/* Halves what is between the highest capacity that no placement was found for and the lowest found.
 */
static mbs_status place_lowest(mbs_live_range *ranges, mbs_live_range *try, int32_t count,
                               int64_t node_limit, plan_watch *watch, mbs_placement *result,
                               mbs_error *error)
{
    mbs_status status =
        place_below(ranges, try, count, LARGEST_SUM - 1, node_limit, watch, result, error);
    for (int64_t next = result->bound; status == MBS_OK && next < result->height;) {
        const int64_t capacity = next == result->load ? next : next + (result->height - next) / 2;
        status = place_below(ranges, try, count, capacity, node_limit, watch, result, error);
        if (result->outcome != MBS_PLACE_FITS)
            next = capacity + 1;
    }
    result->outcome = MBS_PLACE_FITS;
    return status;
}

mbs_status mbs_place_ranges(mbs_live_range *ranges, int32_t count, const mbs_place_options *options,
                            mbs_placement *result, mbs_error *error)
{
    static const mbs_place_options defaults = MBS_PLACE_OPTIONS_INIT;
    const mbs_place_options *o = options != NULL ? options : &defaults;
    if ((ranges == NULL && count > 0) || count < 0 || result == NULL || o->capacity < 0 ||
        o->capacity >= LARGEST_SUM || o->node_limit < 0)
        return error_set(error, MBS_ERR_ARGUMENT, "no ranges, no result, or a limit out of range");
    *result = (mbs_placement){.outcome = MBS_PLACE_FITS};
    mbs_status status = check_ranges(ranges, count, error);
    if (status != MBS_OK || count == 0)
        return status;
    mbs_live_range *try = mem_alloc((size_t)count * sizeof *try);
    if (try == NULL)
        return error_memory(error);
    plan_watch watch;
    plan_watch_open_for(&watch, o->progress, o->progress_context);
    result->height = INT64_MAX;
    status =
        o->capacity > 0
            ? place_below(ranges, try, count, o->capacity, o->node_limit, &watch, result, error)
            : place_lowest(ranges, try, count, o->node_limit, &watch, result, error);
    mem_free(try);
    return status;
}
